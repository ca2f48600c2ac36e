//! A run: the calls of some hours, page by page, and the gaps that it found. Pure.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{ids::CallId, time::UnixMillis};
use serde::Serialize;

use super::wanted::Why;

const HOUR_MS: i64 = 3_600_000;

/// What a run found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// `running`, `complete` or `incomplete`.
    pub state: &'static str,
    /// Why it is incomplete.
    pub reason: Option<&'static str>,
    /// When it began.
    #[serde(skip)]
    pub began_at: UnixMillis,
    /// When it ended.
    #[serde(skip)]
    pub ended_at: Option<UnixMillis>,
    /// How far back it looked.
    pub hours: u32,
    /// Pages that were read.
    pub pages: u32,
    /// Calls in them.
    pub calls_listed: usize,
    /// Calls in them that could not be read.
    pub calls_unreadable: usize,
    /// Gaps by kind: `unended`, `unknown`, `unanalyzed`.
    pub gaps: BTreeMap<&'static str, u64>,
    /// Gaps that were filled.
    pub filled: u64,
    /// Gaps that were not, because the platform had nothing to fill them with.
    pub not_filled: u64,
}

/// What the account's reconciler does beside silent calls.
#[derive(Debug, Default)]
pub(super) enum Run {
    /// Nothing was compared yet.
    #[default]
    Never,
    /// Being compared.
    Going(Going),
    /// Compared.
    Over(RunReport),
}

/// A run that is going.
#[derive(Debug)]
pub(super) struct Going {
    /// Calls that began at or after this are compared.
    pub(super) since: UnixMillis,
    pub(super) listing: Listing,
    /// Gaps that are being filled.
    open: BTreeSet<CallId>,
    report: RunReport,
}

/// How far the list was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listing {
    /// This page is next; `None` is the first.
    Next(Option<String>),
    /// It was asked for.
    Asked(Option<String>),
    /// All of it.
    Done,
}

impl Going {
    pub(super) fn begin(hours: u32, now: UnixMillis) -> Self {
        let report = RunReport {
            state: "running",
            reason: None,
            began_at: now,
            ended_at: None,
            hours,
            pages: 0,
            calls_listed: 0,
            calls_unreadable: 0,
            gaps: BTreeMap::new(),
            filled: 0,
            not_filled: 0,
        };
        let since = now.plus_ms(i64::from(hours).saturating_mul(-HOUR_MS));
        Self { since, listing: Listing::Next(None), open: BTreeSet::new(), report }
    }

    pub(super) const fn hours(&self) -> u32 {
        self.report.hours
    }

    pub(super) const fn has_next_page(&self) -> bool {
        matches!(self.listing, Listing::Next(_))
    }

    /// Takes the page that is next, to ask for it.
    pub(super) fn ask(&mut self) -> Option<Option<String>> {
        let Listing::Next(page) = &self.listing else { return None };
        let page = page.clone();
        self.listing = Listing::Asked(page.clone());
        Some(page)
    }

    /// The page that was asked for did not come: it is next again.
    pub(super) fn ask_again(&mut self) {
        if let Listing::Asked(page) = &self.listing {
            self.listing = Listing::Next(page.clone());
        }
    }

    /// A page came. Gives why the list ends here although it says that it goes on.
    pub(super) fn page(
        &mut self,
        calls: usize,
        unreadable: usize,
        next: Option<String>,
        pages_max: u32,
    ) -> Option<&'static str> {
        self.report.pages += 1;
        self.report.calls_listed += calls;
        self.report.calls_unreadable += unreadable;
        let same = matches!((&self.listing, &next), (Listing::Asked(asked), Some(_)) if *asked == next);
        self.listing = next.map_or(Listing::Done, |page| Listing::Next(Some(page)));
        if same {
            return Some("the list of calls leads back to the same page");
        }
        (self.listing != Listing::Done && self.report.pages >= pages_max).then_some("too many calls")
    }

    /// A gap that is going to be filled.
    pub(super) fn open(&mut self, call_id: CallId, why: Why) {
        if self.open.insert(call_id) {
            *self.report.gaps.entry(why.as_str()).or_insert(0) += 1;
        }
    }

    /// What came of a gap; calls that are none of it change nothing.
    pub(super) fn close(&mut self, call_id: &CallId, filled: bool) {
        if self.open.remove(call_id) {
            let count = if filled { &mut self.report.filled } else { &mut self.report.not_filled };
            *count += 1;
        }
    }

    /// Whether nothing is left to ask.
    pub(super) fn is_done(&self) -> bool {
        self.listing == Listing::Done && self.open.is_empty()
    }

    pub(super) const fn report(&self) -> &RunReport {
        &self.report
    }

    /// Its end.
    pub(super) fn end(self, reason: Option<&'static str>, now: UnixMillis) -> RunReport {
        let state = if reason.is_some() { "incomplete" } else { "complete" };
        RunReport { state, reason, ended_at: Some(now), ..self.report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

    #[test]
    fn a_run_is_done_when_the_list_is_read_and_every_gap_is_closed() {
        let id = |call: &str| CallId::parse(call).unwrap();
        let mut going = Going::begin(24, NOW);
        assert_eq!(NOW.since(going.since), 86_400_000);
        assert_eq!((going.ask(), going.ask()), (Some(None), None), "one page at a time");
        going.ask_again();
        assert_eq!(going.ask(), Some(None));
        assert_eq!(going.page(100, 1, Some("p2".to_owned()), 9), None);
        going.open(id("a"), Why::Unknown);
        going.open(id("a"), Why::Unended);
        going.open(id("b"), Why::Unended);
        assert_eq!(going.ask(), Some(Some("p2".to_owned())));
        assert_eq!(going.page(7, 0, None, 9), None);
        going.close(&id("a"), true);
        going.close(&id("stranger"), true);
        assert!(!going.is_done());
        going.close(&id("b"), false);
        assert!(going.is_done());
        let report = going.end(None, NOW.plus_ms(5));
        assert_eq!((report.state, report.pages, report.calls_listed), ("complete", 2, 107));
        assert_eq!((report.calls_unreadable, report.filled, report.not_filled), (1, 1, 1));
        assert_eq!(report.gaps, BTreeMap::from([("unended", 1), ("unknown", 1)]));
    }

    #[test]
    fn a_list_without_end_is_left() {
        let mut going = Going::begin(24, NOW);
        going.ask();
        assert_eq!(going.page(1, 0, Some("p".to_owned()), 9), None);
        going.ask();
        assert!(going.page(1, 0, Some("p".to_owned()), 9).unwrap().contains("same page"));
        let mut long = Going::begin(24, NOW);
        long.ask();
        assert_eq!(long.page(1, 0, Some("p".to_owned()), 1), Some("too many calls"));
    }
}
