//! What the program itself says in the end: what its schedulers hold, and what it had to give up on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Appointment, Findings, REST_WITHIN};
use crate::{ledger::SentCall, process::Process};

/// A scheduler hears that a call is over as soon as that is journaled; on a busy machine it takes a moment.
const HOLD_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// No offer outlives its call: long before its own time is over it ends with it.
pub async fn outlived(process: &Process, calls: &BTreeMap<String, SentCall>, findings: &mut Findings) {
    let mut since = Instant::now();
    while !process.is_applied().await && since.elapsed() < REST_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let is_over = |call: &str| {
        calls.get(call).and_then(|call| call.events.get("call_ended")).is_some_and(|event| event.acknowledged)
    };
    since = Instant::now();
    loop {
        let holds = all_holds(process).await;
        let late = holds.iter().find(|hold| text(hold, "state") == "held" && is_over(text(hold, "call_id")));
        let Some(hold) = late else { return };
        if since.elapsed() > HOLD_ENDS_WITHIN {
            let (call, starts_at) = (text(hold, "call_id"), text(hold, "starts_at"));
            return findings.wrong.push(format!("{call} is over and is still offered {starts_at}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What those schedulers hold that answer.
async fn all_holds(process: &Process) -> Vec<Value> {
    let page = process.admin("/admin/schedulers?limit=1000").await.unwrap_or_default();
    let schedulers = page["items"].as_array().cloned().unwrap_or_default();
    schedulers.iter().flat_map(|one| one["view"]["holds"].as_array().cloned().unwrap_or_default()).collect()
}

/// Every slot that is still held is one that stands in a call's appointment: no call's offer or order outlived it.
pub async fn holds(process: &Process, appointments: &BTreeMap<String, Appointment>, findings: &mut Findings) {
    let standing: BTreeSet<(&str, i64)> = appointments
        .values()
        .filter(|row| row.status == "confirmed")
        .map(|row| (row.call_id.as_str(), row.starts_at_ms))
        .collect();
    let Some(page) = process.admin("/admin/schedulers?limit=1000").await else {
        return findings.wrong.push("nobody tells what the schedulers hold".to_owned());
    };
    for scheduler in page["items"].as_array().unwrap() {
        let Some(holds) = scheduler["view"]["holds"].as_array() else {
            findings.wrong.push(format!("the scheduler of {} does not answer", scheduler["company"]));
            continue;
        };
        for hold in holds {
            let (call, state) = (text(hold, "call_id"), text(hold, "state"));
            let starts_at: jiff::Timestamp = text(hold, "starts_at").parse().unwrap();
            if state != "booked" || !standing.contains(&(call, starts_at.as_millisecond())) {
                findings.wrong.push(format!("{call} still has a hold at {starts_at}: {state}"));
            }
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Nothing was dropped, no thread stood still: what the program counts of itself since it was started.
pub async fn gave_up_nothing(process: &Process, findings: &mut Findings) {
    findings.wrong.extend(dropped(process).await);
    findings.wrong.extend(stood_still(process).await);
}

/// Messages that no actor could handle, by kind of actor; those of schedulers leave no row behind.
pub async fn dropped(process: &Process) -> Option<String> {
    let dropped = process.metric_by("askpro_dead_letters_total", "actor").await;
    let dropped: BTreeMap<_, _> = dropped.into_iter().filter(|(_, times)| *times > 0.0).collect();
    (!dropped.is_empty()).then(|| format!("messages were set aside or dropped, by actor: {dropped:?}"))
}

/// Threads that were replaced.
pub async fn stood_still(process: &Process) -> Option<String> {
    let times = process.metric("askpro_shards_replaced_total").await;
    (times > 0.0).then(|| format!("{times} threads stood still and were replaced"))
}
