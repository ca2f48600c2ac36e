//! Whether the tables have what was acknowledged: everything once, and nothing else.

use crate::{load::Pairs, service::Service};

/// What was wrong, in words.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    pub fn add(&mut self, finding: String) {
        eprintln!("  WRONG: {finding}");
        self.0.push(finding);
    }

    /// Adds it unless both are the same.
    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        if found != wanted {
            self.add(format!("{what}: {found:?} where {wanted:?} is right"));
        }
    }

    pub fn into_inner(self) -> Vec<String> {
        self.0
    }
}

/// Calls that ended and were analyzed: `ended_calls` of them beside `live` ones that only began. Ids are given once,
/// so rows of that number with as many ids are those events and no others.
pub async fn compare(service: &Service, pairs: Option<(&Pairs, u64)>, live: u64, findings: &mut Findings) {
    let (ended, bytes) = pairs.map_or((0, 0), |(pairs, calls)| (calls, pairs.bytes(calls)));
    let tables = &service.tables;
    let wanted = [("call_started", live), ("call_ended", ended), ("call_analyzed", ended)];
    for (event, wanted) in wanted {
        let of_event = format!("FROM call_events WHERE event = '{event}'");
        let found = tables.rows("COUNT(*), COUNT(DISTINCT call_id)", &of_event).await.remove(0);
        let figure = |place: usize| found[place].as_ref().and_then(|text| text.parse::<u64>().ok());
        findings.same(
            &format!("rows and calls of {event}"),
            (figure(0), figure(1)),
            (Some(wanted), Some(wanted)),
        );
    }
    let all = tables.count("call_events").await;
    findings.same("rows of call_events", all, live + 2 * ended);
    let ends = "FROM call_events WHERE event <> 'call_started'";
    let stored = tables.texts("SUM(body_bytes)", ends).await.remove(0);
    let stored = if stored.is_empty() { "0".to_owned() } else { stored };
    findings.same("bytes of bodies before compression", stored, bytes.to_string());
    let calls = tables.texts("COUNT(*)", "FROM calls WHERE status = 'ended'").await.remove(0);
    findings.same("calls that ended", calls, ended.to_string());
    for table in ["quarantine", "dead_letters"] {
        findings.same(&format!("rows of {table}"), tables.count(table).await, 0);
    }
}
