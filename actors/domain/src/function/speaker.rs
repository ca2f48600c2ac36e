//! Builds every answer in a company's language and zone. Decides nothing: who carries an order out says
//! what came of it.

use jiff::{
    civil::{DateTime, Time},
    tz::TimeZone,
};
use serde_json::{Value, json};

use super::{
    Alternative, FunctionAnswer, Objection, Outcome, WishedStart, echo,
    outcome::{Wished, WishedWhen},
    spoken::{self, Age, Hours, Names},
    texts_de, texts_en,
    told::Told,
};
use crate::{
    booking::{AppointmentStatus, Refusal},
    ids::AppointmentId,
    tenant::{Company, Language},
    time::UnixMillis,
    when::local,
};

/// Alternatives in an answer at most.
pub const ALTERNATIVES_MAX: usize = 10;
/// Names of services or people in an answer at most.
pub const NAMES_LISTED_MAX: usize = 50;

/// Where an answer about a free slot comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The calendar was just asked.
    Live,
    /// From the mirror; its age is spoken.
    Mirror,
}

impl Confidence {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Mirror => "mirror",
        }
    }
}

/// A slot that is free and now held.
#[derive(Debug, Clone, Copy)]
pub struct FreeSlot<'a> {
    /// Its start.
    pub slot: UnixMillis,
    /// When the hold ends.
    pub held_until: UnixMillis,
    /// Name of the service.
    pub service: &'a str,
    /// With whom, if by name.
    pub staff: Option<&'a str>,
    /// Others that are free; offered, not held.
    pub alternatives: &'a [Alternative],
    /// Where that comes from.
    pub confidence: Confidence,
    /// Age of what the calendar said, in seconds.
    pub age_s: u64,
}

/// A slot that is not free.
#[derive(Debug, Clone, Copy)]
pub struct MissingSlot<'a> {
    /// The wished start.
    pub wish: WishedStart,
    /// Now: a year is said only where it is not the next such date.
    pub now: UnixMillis,
    /// Name of the service.
    pub service: &'a str,
    /// With whom, if by name.
    pub staff: Option<&'a str>,
    /// Others that are free.
    pub alternatives: &'a [Alternative],
    /// Where that comes from.
    pub confidence: Confidence,
    /// Age of what the calendar said, in seconds.
    pub age_s: u64,
}

/// An appointment as it is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Appointment<'a> {
    /// Its id.
    pub id: &'a AppointmentId,
    /// Its start.
    pub slot: UnixMillis,
    /// Name of the host, once known.
    pub staff: Option<&'a str>,
    /// Name of the service.
    pub service: &'a str,
}

/// Speaks a language and knows the clock on the wall.
#[derive(Debug, Clone)]
pub struct Speaker {
    language: Language,
    zone: TimeZone,
}

impl Speaker {
    /// For a company.
    #[must_use]
    pub fn of(company: &Company) -> Self {
        Self::new(company.language, company.zone())
    }

    /// For a call that belongs to no company: German, in UTC.
    #[must_use]
    pub const fn of_nobody() -> Self {
        Self::new(Language::De, TimeZone::UTC)
    }

    /// For a language and a zone.
    #[must_use]
    pub const fn new(language: Language, zone: TimeZone) -> Self {
        Self { language, zone }
    }

    /// The answer to an order that cannot be taken as it was given.
    #[must_use]
    pub fn object(&self, objection: &Objection<'_>) -> FunctionAnswer {
        let message = match self.language {
            Language::De => texts_de::objection(objection),
            Language::En => texts_en::objection(objection),
        };
        let answer = with_details(FunctionAnswer::new(false, objection.code(), message), objection);
        if objection.offers_callback() { answer.with("callback_offered", true) } else { answer }
    }

    /// `available`: free and held.
    #[must_use]
    pub fn available(&self, free: &FreeSlot<'_>) -> FunctionAnswer {
        let others = self.spoken(free.alternatives);
        self.held(&Outcome::Free(self.moment(free.slot), free.staff, &others, age_of(free)), free)
    }

    /// `confirmation_required`: the same to whoever wants to book at any time in a window.
    #[must_use]
    pub fn confirmation_required(&self, free: &FreeSlot<'_>) -> FunctionAnswer {
        let others = self.spoken(free.alternatives);
        self.held(&Outcome::Offered(self.moment(free.slot), free.staff, &others, age_of(free)), free)
    }

    fn held(&self, outcome: &Outcome<'_>, free: &FreeSlot<'_>) -> FunctionAnswer {
        self.say(outcome)
            .with("available", true)
            .with("slot", self.instant(free.slot))
            .with("held_until", self.instant(free.held_until))
            .with("service", free.service)
            .with("staff", free.staff)
            .with("alternatives", self.alternatives(free.alternatives))
            .with("confidence", free.confidence.as_str())
            .with("age_s", free.age_s)
    }

    /// `slot_taken` with alternatives, `nothing_free` without any.
    #[must_use]
    pub fn not_available(&self, missing: &MissingSlot<'_>) -> FunctionAnswer {
        let wish = self.wished(&missing.wish, missing.now);
        let spoken = self.spoken(missing.alternatives);
        let outcome =
            if spoken.is_empty() { Outcome::NothingFree(wish) } else { Outcome::Taken(wish, &spoken) };
        self.say(&outcome)
            .with("available", false)
            .with("slot", Value::Null)
            .with("held_until", Value::Null)
            .with("service", missing.service)
            .with("staff", missing.staff)
            .with("alternatives", self.alternatives(missing.alternatives))
            .with("confidence", missing.confidence.as_str())
            .with("age_s", missing.age_s)
    }

    /// `calendar_unavailable`: nothing true can be said of a slot; offers a callback.
    #[must_use]
    pub fn calendar_unavailable(&self) -> FunctionAnswer {
        self.say(&Outcome::CalendarUnavailable).with("available", false)
    }

    /// `confirmed`.
    #[must_use]
    pub fn confirmed(&self, booked: &Appointment<'_>) -> FunctionAnswer {
        let outcome = Outcome::Confirmed(self.moment(booked.slot), booked.staff);
        self.about(&outcome, AppointmentStatus::Confirmed, booked)
    }

    /// `pending_confirmation`: the budget is over, the calendar has not answered.
    #[must_use]
    pub fn pending_confirmation(&self, booked: &Appointment<'_>) -> FunctionAnswer {
        let outcome = Outcome::Pending(self.moment(booked.slot));
        self.about(&outcome, AppointmentStatus::PendingConfirmation, booked)
    }

    /// `outcome_unknown`: the calendar's answer was lost.
    #[must_use]
    pub fn outcome_unknown(&self, booked: &Appointment<'_>) -> FunctionAnswer {
        let outcome = Outcome::Unknown(self.moment(booked.slot));
        self.about(&outcome, AppointmentStatus::Unknown, booked)
    }

    /// `already_booked`: the same order again, with the status of the appointment that stands.
    #[must_use]
    pub fn already_booked(&self, booked: &Appointment<'_>, status: AppointmentStatus) -> FunctionAnswer {
        self.about(&Outcome::AlreadyBooked(self.moment(booked.slot)), status, booked)
    }

    /// `slot_taken`: somebody else holds or booked it. `slot` is the wished moment, if it was one.
    #[must_use]
    pub fn slot_taken(
        &self,
        wish: &WishedStart,
        alternatives: &[Alternative],
        now: UnixMillis,
    ) -> FunctionAnswer {
        let spoken = self.spoken(alternatives);
        self.say(&Outcome::Taken(self.wished(wish, now), &spoken))
            .with("slot", wish.exact().map(|at| self.instant(at)))
            .with("alternatives", self.alternatives(alternatives))
    }

    /// The calendar refused this appointment. `alternatives` count for [`Refusal::SlotTaken`] only.
    #[must_use]
    pub fn refused(
        &self,
        refusal: Refusal,
        refused: &Appointment<'_>,
        alternatives: &[Alternative],
        now: UnixMillis,
    ) -> FunctionAnswer {
        let answer = match refusal {
            Refusal::SlotTaken => self.slot_taken(&WishedStart::At(refused.slot), alternatives, now),
            Refusal::DateInPast => self.object(&Objection::DateInPast(self.moment(now).date())),
            other => self.say(&Outcome::Refused(other)),
        };
        answer
            .with("status", AppointmentStatus::Refused.as_str())
            .with("appointment_id", refused.id.as_str())
            .with("slot", self.instant(refused.slot))
    }

    /// `contact_required`: neither phone nor e-mail is known.
    #[must_use]
    pub fn contact_required(&self) -> FunctionAnswer {
        self.say(&Outcome::ContactMissing)
    }

    /// `name_required`: nobody said who comes.
    #[must_use]
    pub fn name_required(&self) -> FunctionAnswer {
        self.say(&Outcome::NameMissing)
    }

    /// `slot_required`: no time was given and the call holds none.
    #[must_use]
    pub fn slot_required(&self) -> FunctionAnswer {
        self.say(&Outcome::SlotMissing)
    }

    /// `function_unavailable`: not built yet; offers a callback.
    #[must_use]
    pub fn function_unavailable(&self) -> FunctionAnswer {
        self.say(&Outcome::FunctionUnavailable)
    }

    /// `company_unknown`: the call is placed nowhere.
    #[must_use]
    pub fn company_unknown(&self) -> FunctionAnswer {
        self.say(&Outcome::CompanyUnknown)
    }

    /// `busy`: try again.
    #[must_use]
    pub fn busy(&self) -> FunctionAnswer {
        self.say(&Outcome::Busy)
    }

    /// The sentence and the code alone.
    #[must_use]
    pub fn say(&self, outcome: &Outcome<'_>) -> FunctionAnswer {
        let message = match self.language {
            Language::De => texts_de::outcome(outcome),
            Language::En => texts_en::outcome(outcome),
        };
        let answer = FunctionAnswer::new(outcome.success(), outcome.code(), message);
        if outcome.offers_callback() { answer.with("callback_offered", true) } else { answer }
    }

    /// An appointment that lies ahead, as a note for the agent.
    #[must_use]
    pub fn next_appointment(&self, at: UnixMillis, service: Option<&str>, staff: Option<&str>) -> String {
        match self.language {
            Language::De => texts_de::next_appointment(self.moment(at), service, staff),
            Language::En => texts_en::next_appointment(self.moment(at), service, staff),
        }
    }

    /// `2026-11-23`, on the clock on the wall.
    #[must_use]
    pub fn today(&self, now: UnixMillis) -> String {
        self.moment(now).date().to_string()
    }

    /// `Montag, der 23. November 2026`
    #[must_use]
    pub fn today_spoken(&self, now: UnixMillis) -> String {
        spoken::day_and_year(self.language, self.moment(now).date())
    }

    /// A wished start as it was understood, said back.
    #[must_use]
    pub(super) fn said_back(&self, wish: &WishedStart, now: UnixMillis) -> String {
        echo::wished(self.language, self.wished(wish, now))
    }

    pub(super) fn wished(&self, wish: &WishedStart, now: UnixMillis) -> Wished {
        let when = match wish {
            WishedStart::At(at) => WishedWhen::At(self.moment(*at)),
            WishedStart::Within(window) => WishedWhen::Within(window.shape),
        };
        Wished { when, today: self.moment(now).date() }
    }

    /// RFC 3339 with the offset of the clock on the wall.
    #[must_use]
    pub fn instant(&self, at: UnixMillis) -> String {
        at.to_rfc3339_in(&self.zone)
    }

    /// What is told, without its fields.
    pub(super) fn tell(&self, told: &Told<'_>) -> FunctionAnswer {
        let message = match self.language {
            Language::De => texts_de::told(told),
            Language::En => texts_en::told(told),
        };
        let answer = FunctionAnswer::new(told.success(), told.code(), message);
        if told.offers_callback() { answer.with("callback_offered", true) } else { answer }
    }

    fn about(
        &self,
        outcome: &Outcome<'_>,
        status: AppointmentStatus,
        it: &Appointment<'_>,
    ) -> FunctionAnswer {
        self.say(outcome)
            .with("status", status.as_str())
            .with("appointment_id", it.id.as_str())
            .with("slot", self.instant(it.slot))
            .with("staff", it.staff)
            .with("service", it.service)
    }

    /// Instants beyond the years that jiff knows, which nobody can order, are spoken as the year 0.
    fn moment(&self, at: UnixMillis) -> DateTime {
        local(at, &self.zone).unwrap_or_default()
    }

    fn spoken(&self, alternatives: &[Alternative]) -> Vec<(DateTime, Option<String>)> {
        alternatives.iter().map(|other| (self.moment(other.slot), other.staff.clone())).collect()
    }

    fn alternatives(&self, alternatives: &[Alternative]) -> Vec<Value> {
        let listed = alternatives.iter().take(ALTERNATIVES_MAX);
        listed.map(|other| json!({"slot": self.instant(other.slot), "staff": other.staff})).collect()
    }
}

/// The age that is spoken.
fn age_of(free: &FreeSlot<'_>) -> Option<Age> {
    (free.confidence == Confidence::Mirror).then_some(Age { seconds: free.age_s })
}

/// What an agent needs to ask again.
fn with_details(answer: FunctionAnswer, objection: &Objection<'_>) -> FunctionAnswer {
    match *objection {
        Objection::ArgumentTooLong(argument, chars_max) => {
            answer.with("argument", argument).with("chars_max", chars_max)
        }
        Objection::ServiceMissing(names)
        | Objection::ServiceNotFound(names)
        | Objection::ServiceAmbiguous(names) => answer.with("services", listed(names)),
        Objection::StaffNotFound(names)
        | Objection::StaffAmbiguous(names)
        | Objection::StaffNotForService(names) => answer.with("staff_members", listed(names)),
        Objection::NameIsNone | Objection::DateMissing => answer,
        Objection::DateAmbiguous(days) => {
            answer.with("candidates", days.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        Objection::TimeAmbiguous(date, times) => answer
            .with("date", date.to_string())
            .with("candidates", times.iter().map(|at| clock_of(*at)).collect::<Vec<_>>()),
        Objection::DateNotUnderstood(today) | Objection::DateInPast(today) | Objection::DateTooFar(today) => {
            answer.with("today", today.to_string())
        }
        Objection::TimeMissing(date) | Objection::TimeDoesNotExist(date) => {
            answer.with("date", date.to_string())
        }
        Objection::ClosedOnHoliday(date) => {
            answer.with("date", date.to_string()).with("reason", "holiday").with("hours", clock_ranges(&[]))
        }
        Objection::ClosedOnDay(date) => answer
            .with("date", date.to_string())
            .with("reason", "closed_day")
            .with("hours", clock_ranges(&[])),
        Objection::OutsideHours(date, hours) => answer
            .with("date", date.to_string())
            .with("reason", "outside_hours")
            .with("hours", clock_ranges(hours)),
        Objection::TooSoon(notice) => answer.with("notice_minutes", notice.minutes),
    }
}

fn listed(names: Names<'_>) -> Vec<String> {
    names.iter().take(NAMES_LISTED_MAX).cloned().collect()
}

/// `09:30`.
pub(super) fn clock_of(at: Time) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// `09:00-18:00`.
pub(super) fn clock_ranges(hours: Hours<'_>) -> Vec<String> {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    hours.iter().map(|r| format!("{}-{}", clock(r.from_minute), clock(r.to_minute))).collect()
}
