//! Was anything lost or sold twice? The demo's last words.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Context;

use crate::cli::admin::AdminClient;
use crate::cli::oracle::{self, Fault, SentCall, SentEvent, Source, Verdict};
use crate::cli::own_service::OwnService;
use crate::cli::settings;
use crate::simulators::retell::{DialerCounters, ScriptGenerator};

/// What the service still has to do, it does by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the demo did and whether it was right.
#[derive(Debug)]
pub(super) struct Summary {
    counters: DialerCounters,
    verdict: Verdict,
    bookings: BTreeMap<String, u64>,
}

/// Compares the dialled calls, which `again` invents once more, with what the service has.
pub(super) async fn examine(
    service: &OwnService,
    mut again: ScriptGenerator,
    counters: &DialerCounters,
) -> anyhow::Result<Summary> {
    let now_ms = settings::now_ms();
    let sent = (0..counters.calls_started).map(|_| {
        let script = again.next(now_ms);
        let event = |event| SentEvent { event, acknowledged: true };
        SentCall {
            call_id: script.call_id,
            events: script.expected.events.into_iter().map(event).collect(),
            status: script.expected.status,
            told: Vec::new(),
        }
    });
    let source = Source {
        admin: AdminClient::new(&service.running.base_url(), &service.admin_token)?,
        calcom_url: Some(service.calcom.base_url()),
    };
    let verdict = oracle::examine(&source, sent.collect(), now_ms.unsigned_abs(), PATIENCE).await;
    let verdict = verdict.context("the demo cannot be checked")?;
    let mut bookings = BTreeMap::new();
    for booking in service.calcom.bookings() {
        *bookings.entry(format!("{:?}", booking.status).to_lowercase()).or_default() += 1;
    }
    Ok(Summary { counters: counters.clone(), verdict, bookings })
}

impl Summary {
    /// Nothing is wrong but what was never acknowledged: the dialler does not know which events these were.
    pub(super) fn is_sound(&self) -> bool {
        let unacknowledged = self.counters.refused + self.counters.unanswered;
        let excused = |fault: &&Fault| matches!(fault.kind(), "lost" | "out_of_state");
        let missing = self.verdict.faults.iter().filter(excused).count() as u64;
        let others = self.verdict.faults.iter().filter(|fault| !excused(fault)).count();
        others == 0 && self.lost() <= unacknowledged && (unacknowledged > 0 || missing == 0)
    }

    fn lost(&self) -> u64 {
        self.verdict.by_kind().get("lost").map_or(0, |count| *count as u64)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (counters, verdict) = (&self.counters, &self.verdict);
        writeln!(f, "\ncalls        {} begun, {} through", counters.calls_started, counters.calls_finished)?;
        writeln!(
            f,
            "requests     {} sent, {} acknowledged, {} refused, {} unanswered",
            counters.sent, counters.acknowledged, counters.refused, counters.unanswered,
        )?;
        for (answer, count) in &counters.function_answers {
            writeln!(f, "             {answer}: {count}")?;
        }
        let bookings: Vec<String> =
            self.bookings.iter().map(|(status, count)| format!("{count} {status}")).collect();
        writeln!(
            f,
            "bookings     {} at Cal.com",
            if bookings.is_empty() { "none".to_owned() } else { bookings.join(", ") }
        )?;
        let kinds: Vec<String> = verdict
            .by_kind()
            .iter()
            .map(|(kind, count)| format!("{} {count}", kind.replace('_', " ")))
            .collect();
        writeln!(
            f,
            "checked      {} calls, {} events, {} appointments still open: {}",
            verdict.calls_checked,
            verdict.events_checked,
            verdict.appointments_open,
            kinds.join(", "),
        )?;
        for fault in verdict.faults.iter().take(10) {
            writeln!(f, "             {fault}")?;
        }
        write!(
            f,
            "verdict      {}",
            if self.is_sound() { "sound: nothing lost, no slot sold twice" } else { "NOT SOUND" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(faults: Vec<Fault>, unanswered: u64) -> Summary {
        let counters = DialerCounters { unanswered, ..DialerCounters::default() };
        Summary { counters, verdict: Verdict { faults, ..Verdict::default() }, bookings: BTreeMap::new() }
    }

    fn lost() -> Fault {
        Fault::Lost { call_id: "call_1".to_owned(), event: "call_ended".to_owned() }
    }

    #[test]
    fn what_was_never_acknowledged_is_not_lost() {
        assert!(summary(Vec::new(), 0).is_sound());
        assert!(!summary(vec![lost()], 0).is_sound());
        assert!(summary(vec![lost()], 1).is_sound());
        let overlap = Fault::Overlap { host_id: 1, first: "a".to_owned(), second: "b".to_owned() };
        assert!(!summary(vec![overlap], 5).is_sound());
    }
}
