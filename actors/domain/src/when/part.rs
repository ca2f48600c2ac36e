//! Parts of the day: which hours they are when nothing else is said, and which clock they go with.

use crate::tenant::HourRange;

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// First thing in the morning, ganz früh.
    Early,
    /// Morning, früh, morgens.
    Morning,
    MidMorning,
    LateMorning,
    /// Vormittag.
    Forenoon,
    /// Lunch time, mittags.
    Noon,
    EarlyAfternoon,
    Afternoon,
    MidAfternoon,
    LateAfternoon,
    EarlyEvening,
    Evening,
    LateEvening,
    /// Nobody books a night: good to tell 3 am from 3 pm, no window.
    Night,
}

/// What a part is.
struct Row {
    part: Part,
    /// First hour, and hour after the last.
    window: (u16, u16),
    /// First and last hour of a clock that goes with it: "vormittags um drei" fits neither three o'clock.
    clock: (u16, u16),
}

const fn row(part: Part, window: (u16, u16), clock: (u16, u16)) -> Row {
    Row { part, window, clock }
}

const PARTS: [Row; 14] = [
    row(Part::Early, (7, 10), (0, 12)),
    row(Part::Morning, (7, 12), (0, 12)),
    row(Part::MidMorning, (9, 11), (6, 12)),
    row(Part::LateMorning, (10, 12), (6, 12)),
    row(Part::Forenoon, (8, 12), (6, 13)),
    row(Part::Noon, (12, 14), (11, 14)),
    row(Part::EarlyAfternoon, (13, 15), (12, 16)),
    row(Part::Afternoon, (13, 18), (12, 19)),
    row(Part::MidAfternoon, (14, 16), (12, 19)),
    row(Part::LateAfternoon, (16, 18), (12, 19)),
    row(Part::EarlyEvening, (17, 19), (16, 23)),
    row(Part::Evening, (17, 21), (16, 23)),
    row(Part::LateEvening, (19, 21), (16, 23)),
    row(Part::Night, (0, 0), (21, 6)),
];

/// Begins and ends of a part: "früher Nachmittag", "late morning".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Early,
    Mid,
    Late,
}

impl Part {
    /// Its hours; `None` for the night.
    pub(super) fn window(self) -> Option<HourRange> {
        let (from, to) = self.row()?.window;
        (from < to).then_some(HourRange { from_minute: from * 60, to_minute: to * 60 })
    }

    /// Whether a clock at this minute of the day goes with it.
    pub(super) fn admits(self, minute: u16) -> bool {
        let Some((first, last)) = self.row().map(|row| row.clock) else { return false };
        let hour = minute / 60 % 24;
        if first <= last { (first..=last).contains(&hour) } else { hour >= first || hour <= last }
    }

    /// The narrower part that both mean, if they agree.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let (Some(a), Some(b)) = (self.window(), other.window()) else {
            return (self == other).then_some(self);
        };
        let within = |inner: HourRange, outer: HourRange| {
            outer.from_minute <= inner.from_minute && inner.to_minute <= outer.to_minute
        };
        if within(a, b) {
            return Some(self);
        }
        within(b, a).then_some(other)
    }

    /// Its beginning, middle or end.
    pub(super) fn at_edge(self, edge: Edge) -> Option<Self> {
        match (edge, self) {
            (Edge::Early, Self::Early | Self::Morning | Self::Forenoon) => Some(Self::Early),
            (Edge::Early, Self::Afternoon) => Some(Self::EarlyAfternoon),
            (Edge::Early, Self::Evening) => Some(Self::EarlyEvening),
            (Edge::Mid, Self::Morning | Self::Forenoon) => Some(Self::MidMorning),
            (Edge::Mid, Self::Afternoon) => Some(Self::MidAfternoon),
            (Edge::Late, Self::Morning | Self::Forenoon) => Some(Self::LateMorning),
            (Edge::Late, Self::Afternoon) => Some(Self::LateAfternoon),
            (Edge::Late, Self::Evening) => Some(Self::LateEvening),
            _ => None,
        }
    }

    fn row(self) -> Option<&'static Row> {
        PARTS.iter().find(|row| row.part == self)
    }
}
