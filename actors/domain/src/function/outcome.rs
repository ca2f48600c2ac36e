//! What came of an order.

use super::spoken::{Age, Day, Moment, Moments};
use crate::{booking::Refusal, when::Shape};

/// Code of an order that was booked before in this call.
pub const ALREADY_BOOKED: &str = "already_booked";

/// A wished time, as far as a sentence needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wished {
    /// When.
    pub when: WishedWhen,
    /// Today: a year is said only where it is not the next such date.
    pub today: Day,
}

impl Wished {
    pub(super) const fn is_window(&self) -> bool {
        matches!(self.when, WishedWhen::Within(_))
    }
}

/// When something is wished, on the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishedWhen {
    /// This very moment.
    At(Moment),
    /// Any time in a window.
    Within(Shape),
}

/// What came of an order, as far as a sentence needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Free, with this host, and what else of the wished window is free; as the calendar just said or (with its
    /// age) as the mirror has it.
    Free(Moment, Option<&'a str>, Moments<'a>, Option<Age>),
    /// The same to whoever wants to book at any time in a window: nothing is booked yet.
    Offered(Moment, Option<&'a str>, Moments<'a>, Option<Age>),
    /// Taken; these are free instead.
    Taken(Wished, Moments<'a>),
    /// Taken, and nothing near it is free.
    NothingFree(Wished),
    /// The calendar does not answer and the mirror knows nothing.
    CalendarUnavailable,
    /// Booked, with this host.
    Confirmed(Moment, Option<&'a str>),
    /// Passed on; the calendar has not answered yet.
    Pending(Moment),
    /// The calendar's answer was lost.
    Unknown(Moment),
    /// This call has booked it before.
    AlreadyBooked(Moment),
    /// The calendar refused.
    Refused(Refusal),
    /// Neither phone nor e-mail is known.
    ContactMissing,
    /// The name of the customer is not known.
    NameMissing,
    /// Neither a time was given nor is one held.
    SlotMissing,
    /// The function is not offered.
    FunctionUnavailable,
    /// The call belongs to no company.
    CompanyUnknown,
    /// Too much at once, or the company's quota is used up.
    Busy,
}

impl Outcome<'_> {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Free(..) => "available",
            Self::Offered(..) => "confirmation_required",
            Self::Taken(..) => "slot_taken",
            Self::NothingFree(_) => "nothing_free",
            Self::CalendarUnavailable => "calendar_unavailable",
            Self::Confirmed(..) => "confirmed",
            Self::Pending(_) => "pending_confirmation",
            Self::Unknown(_) => "outcome_unknown",
            Self::AlreadyBooked(_) => ALREADY_BOOKED,
            Self::Refused(refusal) => refusal.code(),
            Self::ContactMissing => "contact_required",
            Self::NameMissing => "name_required",
            Self::SlotMissing => "slot_required",
            Self::FunctionUnavailable => "function_unavailable",
            Self::CompanyUnknown => "company_unknown",
            Self::Busy => "busy",
        }
    }

    /// Whether the order was carried out.
    #[must_use]
    pub const fn success(&self) -> bool {
        matches!(self, Self::Free(..) | Self::Confirmed(..) | Self::Pending(_))
    }

    /// Whether its sentence offers that somebody calls back.
    #[must_use]
    pub const fn offers_callback(&self) -> bool {
        matches!(
            self,
            Self::NothingFree(_)
                | Self::CalendarUnavailable
                | Self::FunctionUnavailable
                | Self::Refused(
                    Refusal::BookerLimit
                        | Refusal::BookerBlocked
                        | Refusal::ServiceMisconfigured
                        | Refusal::NotAuthorized
                        | Refusal::Other
                )
        )
    }
}
