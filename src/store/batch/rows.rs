//! Rows of the ports as values of their tables' columns, in the order of `tables`.
//!
//! Lengths are checked here, so that no server in strict mode refuses a batch half-way: ids that do not fit
//! are refused, display text is cut.

use std::borrow::Cow;

use askpro_actors::ports::{
    rows::{
        AppointmentRow, Body, CalendarEventRow, CallRow, CallbackRow, CustomerRow, DeadLetterRow, EventRow,
        FunctionCallRow, OutboxRow, PlatformEventRow, QuarantineRow,
    },
    stores::StoreError,
};
use askpro_domain::ids::{BodyHash, CallId};

use super::super::{
    dialect::{Row, Value},
    text::{clip, id},
};

/// Longest `call_id`.
pub(super) const CALL_ID_CHARS_MAX: usize = 128;
/// Longest id of a dead letter.
pub(super) const DEAD_LETTER_ID_CHARS_MAX: usize = 255;
const KEY_CHARS_MAX: usize = 255;
const QUARANTINE_ID_CHARS_MAX: usize = 512;
const EVENT_CHARS_MAX: usize = 128;
const WORD_CHARS_MAX: usize = 32;
const CODE_CHARS_MAX: usize = 64;
const NUMBER_CHARS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 255;
const PHONE_CHARS_MAX: usize = 16;
const EMAIL_CHARS_MAX: usize = 320;
const ERROR_CHARS_MAX: usize = 2000;
const RANK_CHARS_MAX: usize = 64;

pub(super) fn event(row: &EventRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        call_id(&row.call_id)?.into(),
        id("dedup_key", &row.dedup_key, KEY_CHARS_MAX)?.into(),
        clip(&row.event, EVENT_CHARS_MAX).into(),
        row.rank().into(),
        row.event_timestamp.map(|t| t.0).into(),
        row.body_hash.to_hex().into(),
        i64::from(row.body_bytes).into(),
        row.source.as_str().into(),
        row.received_at.0.into(),
        body(&row.body)?.into(),
    ])
}

pub(super) fn call(row: &CallRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        call_id(&row.call_id)?.into(),
        row.branch.0.into(),
        clip(row.status, WORD_CHARS_MAX).into(),
        clip_some(row.direction.as_deref(), WORD_CHARS_MAX),
        clip_some(row.call_type.as_deref(), CODE_CHARS_MAX),
        clip_some(row.from_number.as_deref(), NUMBER_CHARS_MAX),
        clip_some(row.to_number.as_deref(), NUMBER_CHARS_MAX),
        clip_some(row.agent_id.as_deref(), NUMBER_CHARS_MAX),
        row.started_at.map(|t| t.0).into(),
        row.ended_at.map(|t| t.0).into(),
        row.duration_ms.into(),
        clip_some(row.disconnection_reason.as_deref(), NUMBER_CHARS_MAX),
        clip_some(row.outcome, WORD_CHARS_MAX),
        row.retell_successful.map(i64::from).into(),
        row.state.as_ref().into(),
    ])
}

pub(super) fn appointment(row: &AppointmentRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        id("appointment id", row.appointment.as_str(), CODE_CHARS_MAX)?.into(),
        call_id(&row.call_id)?.into(),
        row.service_id.into(),
        row.staff_id.into(),
        row.starts_at.0.into(),
        row.ends_at.0.into(),
        row.status.as_str().into(),
        match &row.calcom_uid {
            Some(uid) => id("calcom_uid", uid, KEY_CHARS_MAX)?.into(),
            None => Value::Text(None),
        },
        i64::from(row.version).into(),
        row.state.as_ref().into(),
    ])
}

pub(super) fn outbox(row: &OutboxRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        id("idempotency_key", &row.key, KEY_CHARS_MAX)?.into(),
        clip(row.kind, CODE_CHARS_MAX).into(),
        some_call_id(row.call_id.as_ref())?,
        row.payload.as_bytes().into(),
        row.created_at.0.into(),
        "pending".into(),
    ])
}

pub(super) fn callback(row: &CallbackRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        id("idempotency_key", &row.key, KEY_CHARS_MAX)?.into(),
        some_call_id(row.call_id.as_ref())?,
        clip_some(row.phone.as_deref(), NUMBER_CHARS_MAX),
        clip_some(row.name.as_deref(), NAME_CHARS_MAX),
        clip(row.priority, WORD_CHARS_MAX).into(),
        clip(&row.reason, NAME_CHARS_MAX).into(),
        row.due_at.map(|at| at.0).into(),
        clip_some(row.due_text.as_deref(), NAME_CHARS_MAX),
        row.created_at.0.into(),
        "open".into(),
        i64::from(row.version).into(),
    ])
}

pub(super) fn customer(row: &CustomerRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        row.id.0.into(),
        clip(&row.name, NAME_CHARS_MAX).into(),
        id("phone", row.phone.as_str(), PHONE_CHARS_MAX)?.into(),
        clip_some(row.email.as_deref(), EMAIL_CHARS_MAX),
    ])
}

pub(super) fn platform_event(row: &PlatformEventRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        id("dedup_key", &row.dedup_key, KEY_CHARS_MAX)?.into(),
        clip(&row.event, EVENT_CHARS_MAX).into(),
        row.received_at.0.into(),
        body(&row.body)?.into(),
    ])
}

pub(super) fn calendar_event(row: &CalendarEventRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        id("dedup_key", &row.dedup_key, KEY_CHARS_MAX)?.into(),
        row.id().into(),
        clip(&row.event, EVENT_CHARS_MAX).into(),
        clip_some(row.booking_uid.as_deref(), KEY_CHARS_MAX),
        row.event_at.map(|t| t.0).into(),
        row.received_at.0.into(),
        body(&row.body)?.into(),
    ])
}

pub(super) fn quarantine(row: &QuarantineRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        id("quarantine id", &row.id, QUARANTINE_ID_CHARS_MAX)?.into(),
        call_id(&row.call_id)?.into(),
        clip(&row.event, EVENT_CHARS_MAX).into(),
        id("dedup_key", &row.dedup_key, KEY_CHARS_MAX)?.into(),
        id("rank", &row.rank, RANK_CHARS_MAX)?.into(),
        clip(row.reason, CODE_CHARS_MAX).into(),
        row.signer_company.map(|c| c.0).into(),
        row.received_at.0.into(),
        body(&row.body)?.into(),
    ])
}

pub(super) fn dead_letter(row: &DeadLetterRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        id("dead letter id", &row.id, DEAD_LETTER_ID_CHARS_MAX)?.into(),
        clip(row.actor, CODE_CHARS_MAX).into(),
        clip(&row.actor_id, NAME_CHARS_MAX).into(),
        clip(&row.message, CODE_CHARS_MAX).into(),
        clip(&row.error, ERROR_CHARS_MAX).into(),
        row.signer_company.map(|c| c.0).into(),
        row.created_at.0.into(),
        row.body.as_ref().map(body).transpose()?.into(),
    ])
}

pub(super) fn function_call(row: &FunctionCallRow) -> Result<Row<'_>, StoreError> {
    Ok(vec![
        row.company.0.into(),
        call_id(&row.call_id)?.into(),
        answer_id(row).into(),
        row.answered_at.0.into(),
        clip(row.function, CODE_CHARS_MAX).into(),
        i64::from(row.success).into(),
        clip(&row.code, CODE_CHARS_MAX).into(),
        row.took_ms.into(),
    ])
}

/// The row has no id of its own, and a commit whose answer was lost is written again.
fn answer_id(row: &FunctionCallRow) -> String {
    let (at, took) = (row.answered_at.0.to_be_bytes(), row.took_ms.to_be_bytes());
    BodyHash::of(&[&at, &took, row.function.as_bytes(), &[0, u8::from(row.success)], row.code.as_bytes()])
        .to_hex()
}

fn call_id(call: &CallId) -> Result<&str, StoreError> {
    id("call_id", call.as_str(), CALL_ID_CHARS_MAX)
}

fn some_call_id(call: Option<&CallId>) -> Result<Value<'_>, StoreError> {
    match call {
        Some(call) => Ok(call_id(call)?.into()),
        None => Ok(Value::Text(None)),
    }
}

fn clip_some(text: Option<&str>, chars_max: usize) -> Value<'_> {
    let clipped: Option<Cow<'_, str>> = text.map(|t| clip(t, chars_max));
    clipped.into()
}

/// The writers read bodies from the journal before they commit.
fn body(body: &Body) -> Result<&[u8], StoreError> {
    match body {
        Body::Inline(bytes) => Ok(bytes),
        Body::InJournal(position) => Err(StoreError::Refused(format!(
            "the body at journal position {} was not read before the commit",
            position.0
        ))),
    }
}
