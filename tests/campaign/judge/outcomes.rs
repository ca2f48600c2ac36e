//! What a call's row says came of it, beside what its appointments and callbacks say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Appointment, Findings};
use crate::{ledger::SentCall, support::database::Tables};

/// Compares the outcome of every call that has a row; nothing is open any more.
pub async fn outcomes(
    tables: &Tables,
    calls: &BTreeMap<String, SentCall>,
    appointments: &BTreeMap<String, Appointment>,
    asked_back: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let mut of_call: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in appointments.values() {
        of_call.entry(&row.call_id).or_default().push(&row.status);
    }
    for row in tables.rows("call_id, outcome", "FROM calls").await {
        let [Some(call_id), outcome] = <[_; 2]>::try_from(row).unwrap() else { continue };
        let Some(call) = calls.get(&call_id) else { continue };
        let statuses = of_call.get(call_id.as_str()).map_or(&[][..], Vec::as_slice);
        let promised = !call.callbacks.is_empty() || asked_back.contains(&call_id);
        let expected = expected(statuses, promised);
        // A callback whose answer was lost may have joined another call's row.
        let may_be = outcome.as_deref() == Some("callback_requested")
            && call.callback_unheard
            && expected != Some("booked");
        if outcome.as_deref() != expected && !may_be {
            findings.wrong.push(format!(
                "the outcome of {call_id} is {outcome:?}, its appointments are {statuses:?}, a callback was \
                 promised: {promised}"
            ));
        }
    }
}

fn expected(statuses: &[&str], callback: bool) -> Option<&'static str> {
    if statuses.contains(&"confirmed") {
        Some("booked")
    } else if callback {
        Some("callback_requested")
    } else if statuses.iter().any(|status| !["cancelled", "rescheduled"].contains(status)) {
        Some("booking_failed")
    } else {
        None
    }
}
