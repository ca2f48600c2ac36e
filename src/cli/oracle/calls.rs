//! One call: are its events there, each once, and is it in the state they say?

use std::collections::HashMap;

use super::{Fault, SentCall, StoredCall};

/// Adds what is wrong with one call.
pub(super) fn compare(sent: &SentCall, stored: &StoredCall, faults: &mut Vec<Fault>) {
    faults.extend(lost(sent, stored));
    faults.extend(doubled(sent, stored));
    faults.extend(out_of_state(sent, stored));
    faults.extend(untrue(sent, stored));
}

fn lost(sent: &SentCall, stored: &StoredCall) -> impl Iterator<Item = Fault> {
    let is_there = |event: &str| stored.events.iter().any(|is| is.event == event);
    let missing = sent.events.iter().filter(move |event| event.acknowledged && !is_there(event.event));
    missing.map(|event| Fault::Lost { call_id: sent.call_id.clone(), event: event.event.to_owned() })
}

/// The events of our own ledger are distinct by name; of all others no identity may be there twice.
fn doubled(sent: &SentCall, stored: &StoredCall) -> Vec<Fault> {
    let mut rows: HashMap<(&str, &str), usize> = HashMap::new();
    for is in &stored.events {
        let is_single =
            is.event == "transcript_updated" || sent.events.iter().any(|event| event.event == is.event);
        let identity = if is_single { "" } else { is.dedup_key.as_str() };
        *rows.entry((is.event.as_str(), identity)).or_default() += 1;
    }
    let doubled = rows.into_iter().filter(|(_, times)| *times > 1);
    let fault = |((event, _), times): ((&str, &str), usize)| Fault::Doubled {
        call_id: sent.call_id.clone(),
        event: event.to_owned(),
        times,
    };
    doubled.map(fault).collect()
}

fn out_of_state(sent: &SentCall, stored: &StoredCall) -> Option<Fault> {
    let found = if stored.status.is_empty() { "unknown" } else { stored.status.as_str() };
    (sent.is_over() && found != sent.status).then(|| Fault::OutOfState {
        call_id: sent.call_id.clone(),
        expected: sent.status.to_owned(),
        found: found.to_owned(),
    })
}

/// What the agent was told and is not so. A pending booking may come to any end, but must have its row.
fn untrue(sent: &SentCall, stored: &StoredCall) -> impl Iterator<Item = Fault> {
    sent.told.iter().filter_map(|told| {
        let id = &told.appointment_id;
        let row = stored.appointments.iter().find(|row| row.appointment_id == *id);
        let missing = match row {
            None if id.is_empty() => "a booking was told without appointment_id".to_owned(),
            None => format!("appointment {id} was told and is not there"),
            Some(row) if told.confirmed && row.status != "confirmed" => {
                format!("appointment {id} was told as confirmed and is {}", row.status)
            }
            Some(row) if row.status == "confirmed" && row.calcom_uid.is_none() => {
                format!("appointment {id} is confirmed without a booking")
            }
            Some(_) => return None,
        };
        Some(Fault::UnknownAppointment { call_id: sent.call_id.clone(), missing })
    })
}
