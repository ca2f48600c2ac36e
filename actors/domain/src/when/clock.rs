//! A clock as it was said: every minute of the day that it may mean, and how one of them is chosen.

use super::part::Part;

/// Minutes of the day in which people are received, both among them. A bare "drei" means the one of its two
/// readings that lies in here; seven has both in here and is asked back.
const USUAL_MINUTES: std::ops::RangeInclusive<u16> = 420..=1140;
/// Longest span between two times that were said without their half of the day, in minutes.
const SPAN_MINUTES_MAX: u16 = 720;
const DAY: u16 = 1440;

/// What a clock may mean, in minutes of the day, ascending; 1440 is the midnight that ends it. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock(Vec<u16>);

impl Clock {
    /// Just this; `None` beyond a day.
    pub(super) fn sure(hour: u16, minute: u16) -> Option<Self> {
        let minutes = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && minutes <= DAY).then(|| Self(vec![minutes]))
    }

    /// An hour as it is said: from 1 to 12 of either half of the day.
    pub(super) fn said(hour: u16, minute: u16) -> Option<Self> {
        if !(1..=12).contains(&hour) {
            return Self::sure(hour, minute);
        }
        let first = hour % 12 * 60 + minute;
        (minute < 60).then(|| Self(vec![first, first + 720]))
    }

    /// Any of these.
    pub(super) fn any_of(clocks: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut minutes: Vec<u16> = clocks.into_iter().flat_map(|clock| clock.0).collect();
        minutes.sort_unstable();
        minutes.dedup();
        (!minutes.is_empty()).then_some(Self(minutes))
    }

    /// So many minutes later or, when negative, earlier; round the day.
    pub(super) fn shifted(self, by: i32) -> Self {
        let shift = |minute: u16| u16::try_from((i32::from(minute) + by).rem_euclid(i32::from(DAY)));
        let mut minutes: Vec<u16> = self.0.into_iter().filter_map(|m| shift(m).ok()).collect();
        minutes.sort_unstable();
        Self(minutes)
    }

    /// Those that `keep` likes, if any.
    pub(super) fn only(&self, keep: impl Fn(u16) -> bool) -> Option<Self> {
        let minutes: Vec<u16> = self.0.iter().copied().filter(|m| keep(*m)).collect();
        (!minutes.is_empty()).then_some(Self(minutes))
    }

    /// Those that go with a part of the day, all where none was said.
    pub(super) fn within(&self, part: Option<Part>) -> Option<Self> {
        self.only(|minute| part.is_none_or(|part| part.admits(minute)))
    }

    /// Before noon; `None` when it cannot be.
    pub(super) fn am(&self) -> Option<Self> {
        self.only(|minute| minute < 720)
    }

    /// After noon; `None` when it cannot be.
    pub(super) fn pm(&self) -> Option<Self> {
        self.only(|minute| (720..DAY).contains(&minute))
    }

    /// The last reading before `end`: the one that shares its half of the day, if one does.
    pub(super) fn last_before(&self, end: &Self) -> Self {
        let last = |end: u16| self.0.iter().copied().rfind(|minute| *minute < end);
        end.0.first().and_then(|end| last(*end)).map_or_else(|| self.clone(), |minute| Self(vec![minute]))
    }

    /// Whether even its first reading is past noon: said in the 24-hour way.
    pub(super) fn is_past_noon(&self) -> bool {
        self.0.first().is_some_and(|minute| *minute > 779)
    }

    /// What it means when nothing else is known; several when that is not sure.
    pub(super) fn plausible(&self) -> Vec<u16> {
        if let [only] = self.0.as_slice() {
            return vec![*only];
        }
        let usual: Vec<u16> = self.0.iter().copied().filter(|m| USUAL_MINUTES.contains(m)).collect();
        if usual.is_empty() { self.0.clone() } else { usual }
    }
}

/// What two clocks mean as the ends of a span; `None` when that is not sure. After a sure beginning the end is
/// the next reading; a sure end is in the 24-hour way, and so is a beginning that is usual as it stands. Else
/// both ends must lie in the usual hours.
pub(super) fn span(from: &Clock, to: &Clock) -> Option<(u16, u16)> {
    // Twelve stands for noon in the 24-hour way.
    let as_it_stands = from.0.iter().copied().find(|minute| *minute >= 60).unwrap_or_default();
    match (from.0.as_slice(), to.0.as_slice()) {
        ([from], to) => {
            let usual = |to: &&u16| USUAL_MINUTES.contains(*to);
            let later = || to.iter().filter(|to| *to > from);
            return later().find(usual).or_else(|| later().next()).map(|to| (*from, *to));
        }
        (_, [to]) if USUAL_MINUTES.contains(&as_it_stands) && as_it_stands < *to => {
            return Some((as_it_stands, *to));
        }
        _ => {}
    }
    let is_end_sure = to.0.len() == 1;
    let pairs = from.0.iter().flat_map(|from| to.0.iter().map(|to| (*from, *to)));
    let possible: Vec<(u16, u16)> =
        pairs.filter(|(from, to)| from < to && (is_end_sure || to - from <= SPAN_MINUTES_MAX)).collect();
    let is_usual = |(from, to): &(u16, u16)| USUAL_MINUTES.contains(from) && USUAL_MINUTES.contains(to);
    let usual: Vec<(u16, u16)> = possible.iter().copied().filter(is_usual).collect();
    match (usual.as_slice(), possible.as_slice()) {
        ([only], _) | ([], [only]) => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(hour: u16, minute: u16) -> Clock {
        Clock::said(hour, minute).unwrap()
    }

    #[test]
    fn every_hour_but_seven_has_one_usual_reading() {
        for hour in (1..=12).filter(|hour| *hour != 7) {
            assert_eq!(said(hour, 0).plausible().len(), 1, "{hour}");
        }
        assert_eq!(said(7, 0).plausible(), [420, 1140]);
        assert_eq!(said(7, 30).plausible(), [450]);
        assert_eq!((said(12, 30).plausible(), said(0, 30).plausible()), (vec![750], vec![30]));
    }

    #[test]
    fn half_days_are_told_apart_by_am_pm_and_part() {
        assert_eq!(said(12, 0).am().unwrap().plausible(), [0]);
        assert_eq!(said(12, 0).pm().unwrap().plausible(), [720]);
        assert_eq!(Clock::sure(0, 0).unwrap().pm(), None);
        assert_eq!(said(7, 0).within(Some(Part::Evening)).unwrap().plausible(), [1140]);
        assert_eq!(said(3, 0).within(Some(Part::Forenoon)), None);
        assert_eq!(said(3, 0).within(Some(Part::Night)).unwrap().plausible(), [180]);
    }

    #[test]
    fn spans_take_the_usual_reading_of_both_ends() {
        assert_eq!(span(&said(2, 0), &said(4, 0)), Some((840, 960)));
        assert_eq!(span(&said(11, 0), &said(1, 0)), Some((660, 780)));
        assert_eq!(span(&said(9, 0), &said(12, 0)), Some((540, 720)));
        assert_eq!(span(&said(6, 0), &said(8, 0)), None);
        let sure = |hour| Clock::sure(hour, 0).unwrap();
        assert_eq!(span(&sure(20), &sure(24)), Some((1200, 1440)));
        assert_eq!(span(&sure(16), &sure(14)), None);
        assert_eq!(span(&said(8, 0), &Clock::sure(20, 30).unwrap()), Some((480, 1230)));
        assert_eq!(span(&said(2, 0), &sure(16)), Some((840, 960)));
        assert_eq!(span(&said(6, 0), &sure(20)), None);
        assert_eq!(span(&sure(9), &said(5, 0)), Some((540, 1020)));
        assert_eq!(span(&said(12, 0), &Clock::sure(19, 1).unwrap()), Some((720, 1141)));
    }

    #[test]
    fn minutes_before_an_hour_go_round_the_day() {
        assert_eq!(said(12, 0).shifted(-10).plausible(), [710]);
        assert_eq!(said(1, 0).shifted(-5).plausible(), [775]);
    }
}
