//! The sentences in English. Every one says what to do next.

use super::{
    Objection, Outcome, echo,
    spoken::{self, Day, Moment, Moments, NAMES_SPOKEN_MAX, Names},
    told::{AppointmentLine, CallbackLine, DueLine, OpenDay, SameHours, ServiceLine, Told},
};
use crate::{booking::Refusal, callback::Priority, tenant::Language};

const EN: Language = Language::En;

/// What came of an order.
pub(super) fn outcome(outcome: &Outcome<'_>) -> String {
    let moment = |at| spoken::moment(EN, at);
    match *outcome {
        Outcome::Free(at, staff, others, age) | Outcome::Offered(at, staff, others, age) => {
            free(at, staff, others, age)
        }
        Outcome::Taken(wished, []) => format!(
            "{} nothing is free any more, I am sorry. Which other time would suit you?",
            echo::start(EN, wished)
        ),
        Outcome::Taken(wished, others) => format!(
            "{} nothing is free any more, I am sorry. I could offer you {}. Which would suit you?",
            echo::start(EN, wished),
            spoken::moments(EN, others)
        ),
        Outcome::NothingFree(wished) => {
            // Of a window nobody looked at what comes after it.
            let after = if wished.is_window() { "" } else { " and in the time after it" };
            let start = echo::start(EN, wished);
            format!("{start}{after} nothing is free, I am sorry. Shall somebody call you back?")
        }
        Outcome::CalendarUnavailable => {
            "I cannot reach the calendar right now. Shall somebody call you back \
             and arrange the appointment with you?"
                .to_owned()
        }
        Outcome::Confirmed(at, Some(staff)) => {
            format!("Your appointment on {} with {staff} is booked. Is there anything else?", moment(at))
        }
        Outcome::Confirmed(at, None) => {
            format!("Your appointment on {} is booked. Is there anything else?", moment(at))
        }
        Outcome::Pending(at) => format!(
            "I have taken your appointment on {}, its confirmation is still on the way. You will hear from \
             us as soon as it is there.",
            moment(at)
        ),
        Outcome::Unknown(at) => format!(
            "I cannot say for certain whether your appointment on {} is booked. We will check and get back \
             to you.",
            moment(at)
        ),
        Outcome::AlreadyBooked(at) => {
            format!("Your appointment on {} has been taken already. Is there anything else?", moment(at))
        }
        Outcome::Refused(refusal) => refused(refusal).to_owned(),
        Outcome::ContactMissing => "For the appointment I need a phone number with its area code or an \
             e-mail address. How can we reach you?"
            .to_owned(),
        Outcome::NameMissing => "What name may I put the appointment under?".to_owned(),
        Outcome::SlotMissing => "On which day and at what time would you like to come?".to_owned(),
        Outcome::FunctionUnavailable => {
            "I am afraid I cannot do that on the phone yet. Shall somebody call you back?".to_owned()
        }
        Outcome::CompanyUnknown => {
            "I cannot tell which business this call is for. Please call again later.".to_owned()
        }
        Outcome::Busy => "One moment please, it is very busy just now. I will try again.".to_owned(),
    }
}

/// What is wrong with an order.
pub(super) fn objection(objection: &Objection<'_>) -> String {
    let day = |date| spoken::day(EN, date);
    match *objection {
        Objection::ArgumentTooLong(..) => {
            "I am sorry, that was too long. Could you say it shorter?".to_owned()
        }
        Objection::ServiceMissing([]) | Objection::ServiceNotFound([]) => {
            "I am afraid there is nothing that I can book here. Shall somebody call you back?".to_owned()
        }
        Objection::ServiceMissing(names) => {
            format!("Which service would you like to book? We offer {}.", list(names))
        }
        Objection::ServiceNotFound(names) => {
            format!("I cannot find that service. We offer {}. Which would you like?", list(names))
        }
        Objection::ServiceAmbiguous(names) | Objection::StaffAmbiguous(names) => {
            format!("Which do you mean: {}?", either(names))
        }
        Objection::StaffNotFound([]) => {
            "I cannot find that name here. Shall I look without a preferred person?".to_owned()
        }
        Objection::StaffNotFound(names) => {
            format!("I cannot find that name here. Who would you like to see: {}?", either(names))
        }
        Objection::StaffNotForService([]) => {
            "I am afraid this person does not do that. Shall I look without a preferred person?".to_owned()
        }
        Objection::StaffNotForService(names) => {
            format!(
                "I am afraid this person does not do that. It can be done by {}. Is that fine?",
                either(names)
            )
        }
        Objection::NameIsNone => {
            "That was not a name yet. What name may I put the appointment under?".to_owned()
        }
        Objection::DateMissing => "On which day would you like to come?".to_owned(),
        Objection::DateAmbiguous(days) => format!("Do you mean {}?", spoken::or_days(EN, days)),
        Objection::DateNotUnderstood(_) => {
            "I did not understand the date. Please tell me the day, the month and the time.".to_owned()
        }
        Objection::DateInPast(today) => format!(
            "That is in the past, today is {}. Which day do you mean?",
            spoken::day_and_year(EN, today)
        ),
        Objection::DateTooFar(_) => "I cannot book that far ahead yet. Would an earlier date do?".to_owned(),
        Objection::TimeAmbiguous(date, times) => {
            format!("Do you mean {} at {}?", day(date), spoken::or_times(EN, times))
        }
        Objection::TimeMissing(date) => format!("At what time would you like to come on {}?", day(date)),
        Objection::TimeDoesNotExist(date) => format!(
            "That time does not exist on {} because the clocks change. Which other time would suit you?",
            day(date)
        ),
        Objection::ClosedOnHoliday(date) => {
            format!("We are closed on {}. Which other day would suit you?", day(date))
        }
        Objection::ClosedOnDay(date) => format!(
            "We are closed on {}, as always on that day of the week. Which other day would suit you?",
            day(date)
        ),
        Objection::OutsideHours(date, hours) => format!(
            "On {} we are open {}, and the appointment does not fit into that. Which other time would suit \
             you?",
            day(date),
            spoken::hours(EN, hours)
        ),
        Objection::TooSoon(notice) => format!(
            "I am afraid that is too soon, we need {} of notice. Which later time would suit you?",
            spoken::notice(EN, notice)
        ),
    }
}

fn free(at: Moment, staff: Option<&str>, others: Moments<'_>, age: Option<spoken::Age>) -> String {
    let moment = spoken::moment(EN, at);
    let known = age.map(|age| format!(", as of {} ago", spoken::age(EN, age))).unwrap_or_default();
    let host = staff.map(|staff| format!(" with {staff}")).unwrap_or_default();
    if others.is_empty() {
        return format!("{moment}{host} is free{known}. Shall I book it?");
    }
    let others = spoken::moments_beside(EN, at.date(), others);
    format!("{moment}{host} is free{known}, and so is {others}. Which would suit you?")
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SlotTaken => "I am sorry, that time has just been taken. Which other time would suit you?",
        Refusal::OutOfBounds => "The calendar does not take that time. Which other time would suit you?",
        Refusal::DateInPast => "That time is already past. Which other time would suit you?",
        Refusal::BookerLimit => {
            "You already have as many appointments as one can have. Shall somebody call you back?"
        }
        Refusal::BookerBlocked => "I cannot book this appointment myself. Shall somebody call you back?",
        Refusal::AlreadyBooked => "You have this appointment already. Is there anything else?",
        Refusal::ContactRejected => {
            "The calendar does not take your contact details like this. Could you tell me your phone number \
             or e-mail address again?"
        }
        Refusal::ServiceMisconfigured => {
            "I cannot book this service right now. Shall somebody call you back?"
        }
        Refusal::NotAuthorized => "I cannot write to the calendar right now. Shall somebody call you back?",
        Refusal::Other => "The calendar did not take the appointment. Shall somebody call you back?",
    }
}

/// An appointment that lies ahead, as a note for the agent.
pub(super) fn next_appointment(at: Moment, service: Option<&str>, staff: Option<&str>) -> String {
    let service = service.map(|service| format!(", {service}")).unwrap_or_default();
    let staff = staff.map(|staff| format!(" with {staff}")).unwrap_or_default();
    format!("{}{service}{staff}", spoken::moment(EN, at))
}

fn limited(names: Names<'_>) -> Vec<String> {
    names.iter().take(NAMES_SPOKEN_MAX).cloned().collect()
}

fn list(names: Names<'_>) -> String {
    spoken::and(EN, &limited(names))
}

fn either(names: Names<'_>) -> String {
    spoken::or(EN, &limited(names))
}

/// What is told of services, hours, customers, appointments and callbacks.
pub(super) fn told(told: &Told<'_>) -> String {
    match *told {
        Told::Service(service) => {
            let staff = either(service.staff);
            let staff = if staff.is_empty() { staff } else { format!(", with {staff}") };
            format!("{}{staff}. Would you like to book it?", service_line(&service))
        }
        Told::Services(services, more) => {
            let lines: Vec<String> = services.iter().map(service_line).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" And there are {more} more."),
            };
            format!("We offer {}.{more} Which would you like?", lines.join("; "))
        }
        Told::OpenDay(day) => open_day(&day),
        Told::DateUnderstood(wished) => {
            format!("I understood: {}. Shall I see what is free then?", echo::wished(EN, wished))
        }
        Told::OpenDays(runs, closed) => open_days(runs, closed),
        Told::HoursUnknown => {
            "I am afraid I do not have the opening hours. Shall somebody call you back?".to_owned()
        }
        Told::CustomerKnown(name, None) => format!("Am I speaking with {name}? What can I do for you?"),
        Told::CustomerKnown(name, Some(next)) => format!(
            "Am I speaking with {name}? The next appointment is on {}. What can I do for you?",
            appointment(&next)
        ),
        Told::CustomersSeveral => {
            "Several customers are known under this number. Who am I speaking with, please?".to_owned()
        }
        Told::CustomerUnknown => "Who am I speaking with, please?".to_owned(),
        Told::Appointments(appointments, more) => {
            let lines: Vec<String> =
                appointments.iter().map(|it| format!("on {}", appointment(it))).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" And there are {more} more."),
            };
            format!("I have found for you: {}.{more} What is it about?", lines.join("; "))
        }
        Told::NoAppointments => {
            "I find no coming appointment under your number. Would you like to make one?".to_owned()
        }
        Told::IdentityMissing => {
            "I may only tell appointments to the number that they were made with. Shall \
             somebody call you back?"
                .to_owned()
        }
        Told::CallbackRequested(callback) => callback_requested(&callback),
        Told::PhoneMissing => {
            "Under which phone number, with its area code, can we call you back?".to_owned()
        }
    }
}

/// `Perm, 135 minutes for 95 euros`.
fn service_line(service: &ServiceLine<'_>) -> String {
    let length = spoken::length(EN, service.minutes);
    match service.price {
        None => format!("{}, {length}", service.name),
        Some((0, _)) => format!("{}, {length}, free of charge", service.name),
        Some((cents, currency)) => {
            format!("{}, {length} for {}", service.name, spoken::price(EN, cents, currency))
        }
    }
}

/// `Tuesday, November 24 at 2 pm, haircut with Udo`.
fn appointment(it: &AppointmentLine<'_>) -> String {
    let open = if it.is_confirmed { "" } else { ", not yet confirmed" };
    format!("{}{open}", next_appointment(it.at, it.service, it.staff))
}

fn open_day(day: &OpenDay<'_>) -> String {
    let date = if day.is_today { "Today".to_owned() } else { format!("On {}", spoken::day(EN, day.day)) };
    let hours = match (day.hours, day.is_today, day.is_open_now) {
        ([], ..) => format!("{date} we are closed."),
        (hours, true, true) => format!("{date} we are open {}, right now too.", spoken::hours(EN, hours)),
        (hours, true, false) => {
            format!("{date} we are open {}, at the moment we are closed.", spoken::hours(EN, hours))
        }
        (hours, false, _) => format!("{date} we are open {}.", spoken::hours(EN, hours)),
    };
    let next = match day.next_opening {
        Some(at) if day.hours.is_empty() => format!(" We open next on {}.", spoken::moment(EN, at)),
        _ => String::new(),
    };
    format!("{hours}{next} Would you like an appointment?")
}

fn open_days(runs: &[SameHours<'_>], closed: &[Day]) -> String {
    let run = |run: &SameHours<'_>| {
        let days = spoken::days(EN, run.first, run.last, run.days);
        match run.hours {
            [] => format!("{days} closed"),
            hours => format!("{days} {}", spoken::hours(EN, hours)),
        }
    };
    let runs: Vec<String> = runs.iter().map(run).collect();
    let closed: Vec<String> = closed.iter().map(|date| spoken::day(EN, *date)).collect();
    let closed = match closed.as_slice() {
        [] => String::new(),
        closed => format!(" As an exception we are closed on {}.", spoken::and(EN, closed)),
    };
    format!("Our opening hours are: {}.{closed} Would you like an appointment?", runs.join("; "))
}

fn callback_requested(callback: &CallbackLine<'_>) -> String {
    let urgent = match callback.priority {
        Priority::Normal => "",
        Priority::High => " with priority",
        Priority::Urgent => " as urgent",
    };
    let due = match callback.due {
        None => String::new(),
        Some(DueLine::From(at)) => format!(", from {} on", spoken::moment(EN, at)),
        Some(DueLine::Words(words)) => format!(", preferred time: {words}"),
    };
    let number =
        if callback.is_own_number { "the number you are calling from" } else { "the number you gave" };
    format!("I have noted{urgent} that you will be called back under {number}{due}. Is there anything else?")
}
