//! What words mean before they stand in a phrase. A word has one meaning in each language at most; which one
//! counts is told by its place.

use super::part::{Edge, Part};
use crate::tenant::Weekday;

/// The meaning of a word or of words that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Says nothing here: politeness, hesitation, "Termin".
    Filler,
    /// A preposition or an article before a day: "am", "den", "on", "the".
    On,
    /// "ein", "a": one before a unit of time, else nothing.
    Article,
    /// "of", "von", "vom": nothing, but in "quarter of nine" and "von drei bis vier".
    Of,
    /// 0 to 59.
    Cardinal(u16),
    /// 1 to 59.
    Ordinal(u16),
    /// "fourteen hundred".
    Hundred,
    /// "nine oh five".
    Oh,
    /// A day of the week.
    Weekday(Weekday),
    /// "Do", "So": a day of the week beside a date, else nothing.
    ShortWeekday(Weekday),
    /// A month, 1 to 12.
    Month(u16),
    /// A day counted from today.
    Day(i64),
    /// "morgen": tomorrow, or the morning of the day before it.
    Morgen,
    /// A day with a name of its own: month and day.
    Feast(u16, u16),
    /// A part of the day.
    Part(Part),
    /// The beginning, middle or end of what follows.
    Edge(Edge),
    /// "Anfang", "end of".
    Third(Edge),
    /// Twelve o'clock.
    Noon,
    /// Which day's?
    Midnight,
    /// "Uhr", "o'clock".
    Uhr,
    /// "am" behind a clock, in English.
    Am,
    /// "pm".
    Pm,
    /// "halb": the half hour before.
    Halb,
    /// "half": the half hour after, in English.
    Half,
    /// A quarter of an hour.
    Quarter,
    /// "dreiviertel".
    ThreeQuarters,
    /// "nach" and "after": past an hour, or later than.
    After,
    /// "past": past an hour.
    Past,
    /// "vor" and "before": to an hour, earlier than, or ago.
    Before,
    /// "to": to an hour, the end of a span, or nothing.
    To,
    /// "till": to an hour, or the end of a span.
    Till,
    /// "um", "at".
    At,
    /// "gegen", "around".
    Around,
    /// "herum", "-ish", "or so", behind a clock.
    OrSo,
    /// "so": roughly before a clock, else nothing.
    So,
    /// "kurz", "shortly".
    Shortly,
    /// "zwischen".
    Between,
    /// "und".
    And,
    /// "oder".
    Or,
    /// "ab", "from".
    From,
    /// "bis", "until".
    Until,
    /// "frühestens", "at the earliest".
    AtEarliest,
    /// "spätestens", "at the latest".
    AtLatest,
    /// "in", and "über" in "heute über eine Woche".
    In,
    /// "diese".
    This,
    /// "kommende".
    Coming,
    /// "nächste".
    Next,
    /// "übernächste".
    AfterNext,
    /// "letzte".
    Last,
    /// "ago".
    Ago,
    /// Behind a number: hence, "from now".
    FromNow,
    /// A week.
    Week,
    /// Saturday and Sunday.
    Weekend,
    /// A month.
    MonthUnit,
    /// A year.
    Year,
    /// A day.
    DayUnit,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// Two weeks.
    Fortnight,
    /// "KW".
    CalendarWeek,
    /// As soon as possible.
    Soon,
    /// At any time.
    AnyTime,
    /// A time that cannot be told: "nach der Arbeit".
    Vague,
}
