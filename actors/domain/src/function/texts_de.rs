//! The sentences in German. Every one says what to do next.

use super::{
    Objection, Outcome, echo,
    spoken::{self, Day, Moment, Moments, NAMES_SPOKEN_MAX, Names},
    told::{AppointmentLine, CallbackLine, DueLine, OpenDay, SameHours, ServiceLine, Told},
};
use crate::{booking::Refusal, callback::Priority, tenant::Language};

const DE: Language = Language::De;

/// What came of an order.
pub(super) fn outcome(outcome: &Outcome<'_>) -> String {
    let moment = |at| spoken::moment(DE, at);
    match *outcome {
        Outcome::Free(at, staff, others, age) | Outcome::Offered(at, staff, others, age) => {
            free(at, staff, others, age)
        }
        Outcome::Taken(wished, []) => {
            format!(
                "{} ist leider nichts mehr frei. Welche andere Zeit passt Ihnen?",
                echo::start(DE, wished)
            )
        }
        Outcome::Taken(wished, others) => format!(
            "{} ist leider nichts mehr frei. Ich könnte Ihnen {} anbieten. Was passt Ihnen?",
            echo::start(DE, wished),
            spoken::moments(DE, others)
        ),
        Outcome::NothingFree(wished) => {
            // Of a window nobody looked at what comes after it.
            let after = if wished.is_window() { "" } else { " und in der Zeit danach" };
            let start = echo::start(DE, wished);
            format!("{start}{after} ist leider nichts frei. Soll Sie jemand zurückrufen?")
        }
        Outcome::CalendarUnavailable => "Ich komme gerade nicht an den Kalender. Soll Sie jemand \
             zurückrufen und den Termin mit Ihnen ausmachen?"
            .to_owned(),
        Outcome::Confirmed(at, Some(staff)) => {
            format!("Der Termin am {} bei {staff} ist eingetragen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Confirmed(at, None) => {
            format!("Der Termin am {} ist eingetragen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Pending(at) => format!(
            "Ich habe den Termin am {} aufgenommen, die Bestätigung steht noch aus. Sie bekommen Bescheid, \
             sobald sie da ist.",
            moment(at)
        ),
        Outcome::Unknown(at) => format!(
            "Ob der Termin am {} eingetragen ist, kann ich gerade nicht sicher sagen. Wir prüfen das und \
             melden uns bei Ihnen.",
            moment(at)
        ),
        Outcome::AlreadyBooked(at) => {
            format!("Der Termin am {} ist schon für Sie aufgenommen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Refused(refusal) => refused(refusal).to_owned(),
        Outcome::ContactMissing => "Für den Termin brauche ich noch eine Telefonnummer mit Vorwahl \
             oder eine E-Mail-Adresse. Wie können wir Sie erreichen?"
            .to_owned(),
        Outcome::NameMissing => "Auf welchen Namen darf ich den Termin eintragen?".to_owned(),
        Outcome::SlotMissing => "An welchem Tag und um wie viel Uhr möchten Sie kommen?".to_owned(),
        Outcome::FunctionUnavailable => {
            "Das kann ich am Telefon leider noch nicht erledigen. Soll Sie jemand zurückrufen?".to_owned()
        }
        Outcome::CompanyUnknown => {
            "Ich kann diesen Anruf gerade keinem Betrieb zuordnen. Bitte rufen Sie später noch einmal an."
                .to_owned()
        }
        Outcome::Busy => {
            "Einen Moment bitte, gerade ist sehr viel los. Ich versuche es gleich noch einmal.".to_owned()
        }
    }
}

/// What is wrong with an order.
pub(super) fn objection(objection: &Objection<'_>) -> String {
    let day = |date| spoken::day(DE, date);
    match *objection {
        Objection::ArgumentTooLong(..) => "Das war leider zu lang. Können Sie es kürzer sagen?".to_owned(),
        Objection::ServiceMissing([]) | Objection::ServiceNotFound([]) => {
            "Hier kann ich leider keine Leistung buchen. Soll Sie jemand zurückrufen?".to_owned()
        }
        Objection::ServiceMissing(names) => {
            format!("Welche Leistung möchten Sie buchen? Zur Auswahl: {}.", list(names))
        }
        Objection::ServiceNotFound(names) => {
            format!("Diese Leistung finde ich nicht. Wir bieten an: {}. Was darf es sein?", list(names))
        }
        Objection::ServiceAmbiguous(names) | Objection::StaffAmbiguous(names) => {
            format!("Was meinen Sie genau: {}?", either(names))
        }
        Objection::StaffNotFound([]) => {
            "Diesen Namen finde ich hier nicht. Soll ich ohne Wunschperson schauen?".to_owned()
        }
        Objection::StaffNotFound(names) => {
            format!("Diesen Namen finde ich hier nicht. Zu wem möchten Sie: {}?", either(names))
        }
        Objection::StaffNotForService([]) => {
            "Das macht diese Person leider nicht. Soll ich ohne Wunschperson schauen?".to_owned()
        }
        Objection::StaffNotForService(names) => {
            format!("Das macht diese Person leider nicht. Möglich ist es bei {}. Passt das?", either(names))
        }
        Objection::NameIsNone => {
            "Das war noch kein Name. Auf welchen Namen darf ich den Termin eintragen?".to_owned()
        }
        Objection::DateMissing => "An welchem Tag möchten Sie kommen?".to_owned(),
        Objection::DateAmbiguous(days) => format!("Meinen Sie {}?", spoken::or_days(DE, days)),
        Objection::DateNotUnderstood(_) => {
            "Das Datum habe ich nicht verstanden. Nennen Sie mir bitte Tag, Monat und Uhrzeit.".to_owned()
        }
        Objection::DateInPast(today) => format!(
            "Das liegt in der Vergangenheit, heute ist {}. Welchen Tag meinen Sie?",
            spoken::day_and_year(DE, today)
        ),
        Objection::DateTooFar(_) => {
            "So weit im Voraus kann ich noch nicht buchen. Geht es auch früher?".to_owned()
        }
        Objection::TimeAmbiguous(date, times) => {
            format!("Meinen Sie am {} um {}?", day(date), spoken::or_times(DE, times))
        }
        Objection::TimeMissing(date) => format!("Um wie viel Uhr möchten Sie am {} kommen?", day(date)),
        Objection::TimeDoesNotExist(date) => format!(
            "Diese Uhrzeit gibt es am {} wegen der Zeitumstellung nicht. Welche andere Uhrzeit passt Ihnen?",
            day(date)
        ),
        Objection::ClosedOnHoliday(date) => {
            format!("Am {} haben wir geschlossen. Welcher andere Tag passt Ihnen?", day(date))
        }
        Objection::ClosedOnDay(date) => format!(
            "Am {} haben wir geschlossen, wie immer an diesem Wochentag. Welcher andere Tag passt Ihnen?",
            day(date)
        ),
        Objection::OutsideHours(date, hours) => format!(
            "Am {} haben wir {} geöffnet, der Termin passt da nicht ganz hinein. Welche andere Uhrzeit \
             passt Ihnen?",
            day(date),
            spoken::hours(DE, hours)
        ),
        Objection::TooSoon(notice) => format!(
            "So kurzfristig geht es leider nicht, wir brauchen {} Vorlauf. Welche spätere Zeit passt Ihnen?",
            spoken::notice(DE, notice)
        ),
    }
}

fn free(at: Moment, staff: Option<&str>, others: Moments<'_>, age: Option<spoken::Age>) -> String {
    let moment = spoken::moment(DE, at);
    let known =
        age.map(|age| format!(" nach dem Stand von vor {}", spoken::age(DE, age))).unwrap_or_default();
    let host = staff.map_or_else(|| " ein Termin".to_owned(), |staff| format!(" bei {staff}"));
    if others.is_empty() {
        return format!("Am {moment} ist{known}{host} frei. Soll ich das eintragen?");
    }
    let others = spoken::moments_beside(DE, at.date(), others);
    format!("Am {moment} ist{known}{host} frei, außerdem {others}. Was passt Ihnen?")
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SlotTaken => "Diese Zeit ist leider gerade vergeben worden. Welche andere passt Ihnen?",
        Refusal::OutOfBounds => {
            "Für diese Zeit nimmt der Kalender nichts an. Welche andere Zeit passt Ihnen?"
        }
        Refusal::DateInPast => "Diese Zeit ist schon vorbei. Welche andere Zeit passt Ihnen?",
        Refusal::BookerLimit => {
            "Sie haben schon so viele Termine, wie man haben kann. Soll Sie jemand zurückrufen?"
        }
        Refusal::BookerBlocked => {
            "Diesen Termin kann ich nicht selbst eintragen. Soll Sie jemand zurückrufen?"
        }
        Refusal::AlreadyBooked => "Diesen Termin haben Sie schon. Kann ich sonst noch helfen?",
        Refusal::ContactRejected => {
            "Der Kalender nimmt Ihre Kontaktdaten so nicht an. Sagen Sie mir bitte noch einmal Ihre \
             Telefonnummer oder E-Mail-Adresse?"
        }
        Refusal::ServiceMisconfigured => {
            "Diese Leistung kann ich gerade nicht eintragen. Soll Sie jemand zurückrufen?"
        }
        Refusal::NotAuthorized => {
            "Ich kann gerade nicht in den Kalender schreiben. Soll Sie jemand zurückrufen?"
        }
        Refusal::Other => "Der Kalender hat den Termin nicht angenommen. Soll Sie jemand zurückrufen?",
    }
}

/// An appointment that lies ahead, as a note for the agent.
pub(super) fn next_appointment(at: Moment, service: Option<&str>, staff: Option<&str>) -> String {
    let service = service.map(|service| format!(", {service}")).unwrap_or_default();
    let staff = staff.map(|staff| format!(" bei {staff}")).unwrap_or_default();
    format!("{}{service}{staff}", spoken::moment(DE, at))
}

fn limited(names: Names<'_>) -> Vec<String> {
    names.iter().take(NAMES_SPOKEN_MAX).cloned().collect()
}

fn list(names: Names<'_>) -> String {
    spoken::and(DE, &limited(names))
}

fn either(names: Names<'_>) -> String {
    spoken::or(DE, &limited(names))
}

/// What is told of services, hours, customers, appointments and callbacks.
pub(super) fn told(told: &Told<'_>) -> String {
    match *told {
        Told::Service(service) => {
            let staff = either(service.staff);
            let staff = if staff.is_empty() { staff } else { format!(", bei {staff}") };
            format!("{}{staff}. Möchten Sie dafür einen Termin?", service_line(&service))
        }
        Told::Services(services, more) => {
            let lines: Vec<String> = services.iter().map(service_line).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" Dazu kommen noch {more} weitere."),
            };
            format!("Wir bieten an: {}.{more} Was darf es sein?", lines.join("; "))
        }
        Told::OpenDay(day) => open_day(&day),
        Told::DateUnderstood(wished) => {
            format!("Ich habe verstanden: {}. Soll ich nachsehen, was da frei ist?", echo::wished(DE, wished))
        }
        Told::OpenDays(runs, closed) => open_days(runs, closed),
        Told::HoursUnknown => {
            "Die Öffnungszeiten liegen mir leider nicht vor. Soll Sie jemand zurückrufen?".to_owned()
        }
        Told::CustomerKnown(name, None) => format!("Spreche ich mit {name}? Was kann ich für Sie tun?"),
        Told::CustomerKnown(name, Some(next)) => format!(
            "Spreche ich mit {name}? Der nächste Termin ist am {}. Was kann ich für Sie tun?",
            appointment(&next)
        ),
        Told::CustomersSeveral => {
            "Unter dieser Nummer sind mehrere Kunden bekannt. Mit wem spreche ich bitte?".to_owned()
        }
        Told::CustomerUnknown => "Mit wem spreche ich bitte?".to_owned(),
        Told::Appointments(appointments, more) => {
            let lines: Vec<String> =
                appointments.iter().map(|it| format!("am {}", appointment(it))).collect();
            let more = match more {
                0 => String::new(),
                more => format!(" Dazu kommen noch {more} weitere."),
            };
            format!("Ich finde für Sie: {}.{more} Worum geht es?", lines.join("; "))
        }
        Told::NoAppointments => {
            "Unter Ihrer Nummer finde ich keinen Termin, der noch kommt. Möchten Sie einen ausmachen?"
                .to_owned()
        }
        Told::IdentityMissing => "Termine kann ich nur nennen, wenn Sie mit der Nummer anrufen, mit der sie \
             ausgemacht sind. Soll Sie jemand zurückrufen?"
            .to_owned(),
        Told::CallbackRequested(callback) => callback_requested(&callback),
        Told::PhoneMissing => {
            "Unter welcher Telefonnummer, mit Vorwahl, können wir Sie zurückrufen?".to_owned()
        }
    }
}

/// `Dauerwelle, 135 Minuten für 95 Euro`.
fn service_line(service: &ServiceLine<'_>) -> String {
    let length = spoken::length(DE, service.minutes);
    match service.price {
        None => format!("{}, {length}", service.name),
        Some((0, _)) => format!("{}, {length}, kostenlos", service.name),
        Some((cents, currency)) => {
            format!("{}, {length} für {}", service.name, spoken::price(DE, cents, currency))
        }
    }
}

/// `Dienstag, den 24. November um 14 Uhr, Herrenhaarschnitt bei Udo`.
fn appointment(it: &AppointmentLine<'_>) -> String {
    let open = if it.is_confirmed { "" } else { ", noch nicht bestätigt" };
    format!("{}{open}", next_appointment(it.at, it.service, it.staff))
}

fn open_day(day: &OpenDay<'_>) -> String {
    let date = if day.is_today { "Heute".to_owned() } else { format!("Am {}", spoken::day(DE, day.day)) };
    let hours = match (day.hours, day.is_today, day.is_open_now) {
        ([], ..) => format!("{date} haben wir geschlossen."),
        (hours, true, true) => format!("{date} haben wir {} geöffnet, jetzt auch.", spoken::hours(DE, hours)),
        (hours, true, false) => {
            format!("{date} haben wir {} geöffnet, im Moment ist geschlossen.", spoken::hours(DE, hours))
        }
        (hours, false, _) => format!("{date} haben wir {} geöffnet.", spoken::hours(DE, hours)),
    };
    let next = match day.next_opening {
        Some(at) if day.hours.is_empty() => {
            format!(" Das nächste Mal öffnen wir am {}.", spoken::moment(DE, at))
        }
        _ => String::new(),
    };
    format!("{hours}{next} Möchten Sie einen Termin?")
}

fn open_days(runs: &[SameHours<'_>], closed: &[Day]) -> String {
    let run = |run: &SameHours<'_>| {
        let days = spoken::days(DE, run.first, run.last, run.days);
        match run.hours {
            [] => format!("{days} geschlossen"),
            hours => format!("{days} {}", spoken::hours(DE, hours)),
        }
    };
    let runs: Vec<String> = runs.iter().map(run).collect();
    let closed: Vec<String> = closed.iter().map(|date| spoken::day(DE, *date)).collect();
    let closed = match closed.as_slice() {
        [] => String::new(),
        closed => format!(" Ausnahmsweise geschlossen ist am {}.", spoken::and(DE, closed)),
    };
    format!("Unsere Öffnungszeiten sind: {}.{closed} Möchten Sie einen Termin?", runs.join("; "))
}

fn callback_requested(callback: &CallbackLine<'_>) -> String {
    let urgent = match callback.priority {
        Priority::Normal => "",
        Priority::High => "mit Vorrang ",
        Priority::Urgent => "als dringend ",
    };
    let due = match callback.due {
        None => String::new(),
        Some(DueLine::From(at)) => format!(", ab {}", spoken::moment(DE, at)),
        Some(DueLine::Words(words)) => format!(", Wunschzeit: {words}"),
    };
    let number = if callback.is_own_number { "Ihrer Nummer" } else { "der genannten Nummer" };
    format!(
        "Ich habe {urgent}notiert, dass Sie unter {number} zurückgerufen werden{due}. Kann ich sonst noch helfen?"
    )
}
