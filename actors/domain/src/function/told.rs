//! What is told of services, hours, customers, appointments and callbacks, as far as a sentence needs to know it.

use super::{
    outcome::Wished,
    spoken::{Day, Hours, Moment},
};
use crate::callback::Priority;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// One service, with everything about it.
    Service(ServiceLine<'a>),
    /// Several, and how many more there are.
    Services(&'a [ServiceLine<'a>], usize),
    /// One day.
    OpenDay(OpenDay<'a>),
    /// Several days: which of them have the same hours, and which are closed against the rule.
    OpenDays(&'a [SameHours<'a>], &'a [Day]),
    /// What the words for a date mean.
    DateUnderstood(Wished),
    /// Nobody has said when it is open.
    HoursUnknown,
    /// The caller, by name, with what comes next.
    CustomerKnown(&'a str, Option<AppointmentLine<'a>>),
    /// Several people answer to the number.
    CustomersSeveral,
    /// Nobody is known by the number, or there is none.
    CustomerUnknown,
    /// What lies ahead, and how many more.
    Appointments(&'a [AppointmentLine<'a>], usize),
    /// Nothing lies ahead.
    NoAppointments,
    /// Appointments are told to their own number only, and there is none.
    IdentityMissing,
    /// Somebody will call back.
    CallbackRequested(CallbackLine<'a>),
    /// Nobody said under which number to call back.
    PhoneMissing,
}

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServiceLine<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its length.
    pub(super) minutes: u32,
    /// Minor units and ISO 4217.
    pub(super) price: Option<(i64, &'a str)>,
    /// Who does it, if not everybody.
    pub(super) staff: &'a [String],
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenDay<'a> {
    /// Which.
    pub(super) day: Day,
    /// Whether it is today.
    pub(super) is_today: bool,
    /// Its hours; none when it is closed.
    pub(super) hours: Hours<'a>,
    /// Whether it is open at this very moment.
    pub(super) is_open_now: bool,
    /// When it opens next.
    pub(super) next_opening: Option<Moment>,
}

/// Days one after the other that have the same hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SameHours<'a> {
    /// The first.
    pub(super) first: Day,
    /// The last.
    pub(super) last: Day,
    /// How many they are.
    pub(super) days: usize,
    /// None when they are closed.
    pub(super) hours: Hours<'a>,
}

/// An appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppointmentLine<'a> {
    /// Its start.
    pub(super) at: Moment,
    /// Its service, when that is still offered.
    pub(super) service: Option<&'a str>,
    /// With whom.
    pub(super) staff: Option<&'a str>,
    /// Whether it stands.
    pub(super) is_confirmed: bool,
}

/// A callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CallbackLine<'a> {
    /// How soon it must be.
    pub(super) priority: Priority,
    /// From when on.
    pub(super) due: Option<DueLine<'a>>,
    /// Whether it goes to the number that calls.
    pub(super) is_own_number: bool,
}

/// When somebody shall call back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DueLine<'a> {
    /// From this moment on.
    From(Moment),
    /// In the caller's words.
    Words(&'a str),
}

impl Told<'_> {
    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Service(_) | Self::Services(..) => "services_listed",
            Self::OpenDay(_) | Self::OpenDays(..) => "opening_hours",
            Self::DateUnderstood(_) => "date_understood",
            Self::HoursUnknown => "hours_unknown",
            Self::CustomerKnown(..) => "customer_known",
            Self::CustomersSeveral => "customer_ambiguous",
            Self::CustomerUnknown => "customer_unknown",
            Self::Appointments(..) => "appointments_found",
            Self::NoAppointments => "no_appointments",
            Self::IdentityMissing => "identity_required",
            Self::CallbackRequested(_) => "callback_requested",
            Self::PhoneMissing => "phone_required",
        }
    }

    /// Whether the question was answered, or the order taken. That nobody is known is an answer.
    pub(super) const fn success(&self) -> bool {
        !matches!(self, Self::HoursUnknown | Self::IdentityMissing | Self::PhoneMissing)
    }

    /// Whether its sentence offers that somebody calls back.
    pub(super) const fn offers_callback(&self) -> bool {
        matches!(self, Self::HoursUnknown | Self::IdentityMissing)
    }
}
