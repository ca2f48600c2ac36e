//! Rows of a call, made of its state.

use std::cell::RefCell;

use askpro_domain::{
    call::{CallState, Field},
    ids::CompanyId,
};
use bytes::Bytes;

use super::{EventReceived, actor::body_of};
use crate::ports::rows::{CallRow, EventRow, QuarantineRow};

/// The row of an event.
pub(super) fn event_row(received: &EventReceived, company: CompanyId) -> EventRow {
    let event = &received.event;
    EventRow {
        company,
        call_id: event.call_id.clone(),
        event: event.kind.name().to_owned(),
        dedup_key: event.dedup_key.clone(),
        event_timestamp: event.event_timestamp,
        body_hash: event.body_hash,
        body_bytes: event.body_bytes,
        source: event.source,
        received_at: received.received_at,
        signer_company: super::factory::signer_company(received.signer),
        body: body_of(received),
    }
}

/// The row of a call; `None` while it belongs to nobody.
pub(super) fn call_row(state: &CallState) -> Option<CallRow> {
    let placed = state.placed?;
    Some(CallRow {
        company: placed.company,
        branch: placed.branch,
        call_id: state.call_id.clone(),
        status: state.status().as_str(),
        direction: value(&state.direction),
        call_type: value(&state.call_type),
        from_number: value(&state.from_number),
        to_number: value(&state.to_number),
        agent_id: value(&state.agent_id),
        started_at: value(&state.started_at),
        ended_at: value(&state.ended_at),
        duration_ms: state.duration_ms(),
        disconnection_reason: value(&state.disconnection_reason),
        outcome: state.outcome().map(askpro_domain::call::CallOutcome::as_str),
        retell_successful: value(&state.retell_successful),
        state: json_of(state),
    })
}

/// Bytes of the buffer for JSON that are kept for the next call: few states are larger.
const BUFFER_BYTES_KEPT: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Written into a buffer that is kept, and copied once: rows that wait for the database have no bytes to spare.
fn json_of(state: &CallState) -> Bytes {
    BUFFER.with_borrow_mut(|buffer| {
        // Into memory, of texts and numbers: it cannot fail.
        let _ = serde_json::to_writer(&mut *buffer, state);
        let json = Bytes::copy_from_slice(buffer);
        buffer.clear();
        buffer.shrink_to(BUFFER_BYTES_KEPT);
        json
    })
}

/// The row of an event that belongs to nobody yet.
pub(super) fn quarantine_row(received: &EventReceived, reason: &'static str) -> QuarantineRow {
    let row = event_row(received, CompanyId(0));
    QuarantineRow {
        id: quarantine_id(&row),
        reason,
        signer_company: row.signer_company,
        rank: row.rank(),
        call_id: row.call_id,
        event: row.event,
        dedup_key: row.dedup_key,
        received_at: row.received_at,
        body: row.body,
    }
}

/// One row per distinct event of a call and signer: `q_` and 32 hex digits. What a company's own key signed takes the
/// place of nothing that others said.
fn quarantine_id(row: &EventRow) -> String {
    let signer = row.signer_company.map(|company| company.0.to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![row.call_id.as_str().as_bytes(), &[0], row.dedup_key.as_bytes()];
    if let Some(signer) = &signer {
        parts.extend([&[0], &signer[..]]);
    }
    format!("q_{}", askpro_domain::ids::BodyHash::of(&parts).to_hex())
}

fn value<T: Clone>(field: &Option<Field<T>>) -> Option<T> {
    field.as_ref().map(|f| f.value.clone())
}

#[cfg(test)]
mod tests {
    use askpro_domain::{
        booking::AppointmentStatus,
        call::AppointmentFact,
        ids::{AppointmentId, CallId},
    };

    use super::*;

    #[test]
    fn one_large_state_does_not_keep_its_memory() {
        let mut state = CallState::new(CallId::parse("c").unwrap());
        let usual = json_of(&state);
        let fact = AppointmentFact { version: 1, status: AppointmentStatus::Confirmed };
        state.appointments = (0..30_000).map(|n| (AppointmentId(format!("apt_{n:0>24}")), fact)).collect();
        assert!(json_of(&state).len() > 4 * BUFFER_BYTES_KEPT);
        assert!(BUFFER.with_borrow(Vec::capacity) <= BUFFER_BYTES_KEPT);
        assert_eq!(json_of(&CallState::new(CallId::parse("c").unwrap())), usual);
    }
}
