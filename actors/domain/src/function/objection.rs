//! What is wrong with an order, before anybody else is asked.

use jiff::civil::Time;

use super::spoken::{Day, Hours, Names, Notice};

/// Why an order cannot be taken as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection<'a> {
    /// This argument has more characters than this.
    ArgumentTooLong(&'static str, usize),
    /// No service was named and there are several (or none).
    ServiceMissing(Names<'a>),
    /// Nothing like the named service is offered here.
    ServiceNotFound(Names<'a>),
    /// Several services fit the name; these.
    ServiceAmbiguous(Names<'a>),
    /// Nobody of that name works here; these do.
    StaffNotFound(Names<'a>),
    /// Several people fit the name; these.
    StaffAmbiguous(Names<'a>),
    /// That person does not do this service; these do.
    StaffNotForService(Names<'a>),
    /// What was given as the name of the customer is none.
    NameIsNone,
    /// No date was given.
    DateMissing,
    /// Several days fit what was said; these.
    DateAmbiguous(&'a [Day]),
    /// Date or time were not understood; today is this day.
    DateNotUnderstood(Day),
    /// Past; today is this day.
    DateInPast(Day),
    /// Further ahead than anybody books; today is this day.
    DateTooFar(Day),
    /// A date without a time.
    TimeMissing(Day),
    /// Several times of this day fit what was said; these.
    TimeAmbiguous(Day, &'a [Time]),
    /// The clock jumps over this time.
    TimeDoesNotExist(Day),
    /// A holiday.
    ClosedOnHoliday(Day),
    /// A day of the week that is always closed.
    ClosedOnDay(Day),
    /// Open that day at other times.
    OutsideHours(Day, Hours<'a>),
    /// Sooner than the company's notice.
    TooSoon(Notice),
}

impl Objection<'_> {
    /// Whether its sentence offers that somebody calls back: there is nothing to choose from.
    #[must_use]
    pub const fn offers_callback(&self) -> bool {
        matches!(self, Self::ServiceMissing([]) | Self::ServiceNotFound([]))
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ArgumentTooLong(..) => "argument_too_long",
            Self::ServiceMissing(_) => "service_missing",
            Self::ServiceNotFound(_) => "service_not_found",
            Self::ServiceAmbiguous(_) => "service_ambiguous",
            Self::StaffNotFound(_) => "staff_not_found",
            Self::StaffAmbiguous(_) => "staff_ambiguous",
            Self::StaffNotForService(_) => "staff_not_for_service",
            Self::NameIsNone => "name_required",
            Self::DateMissing => "date_missing",
            Self::DateAmbiguous(_) => "date_ambiguous",
            Self::DateNotUnderstood(_) => "date_not_understood",
            Self::DateInPast(_) => "date_in_past",
            Self::DateTooFar(_) => "date_too_far",
            Self::TimeMissing(_) => "time_missing",
            Self::TimeAmbiguous(..) => "time_ambiguous",
            Self::TimeDoesNotExist(_) => "time_does_not_exist",
            Self::ClosedOnHoliday(_) | Self::ClosedOnDay(_) | Self::OutsideHours(..) => "closed",
            Self::TooSoon(_) => "too_soon",
        }
    }
}
