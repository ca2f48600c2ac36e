//! The rows of a wish.

use askpro_domain::{
    callback::{Callback, CallbackId, NO_REASON},
    tenant::Language,
};
use serde_json::json;

use crate::ports::{
    journal::CallbackRecord,
    rows::{CallbackRow, OutboxRow, Write},
};

/// The wish itself, and the one notice of it.
pub(crate) fn rows_of(record: &CallbackRecord) -> Vec<Write> {
    let callback = &record.callback;
    vec![Write::Callback(row(callback)), Write::Outbox(notice(callback, record.language))]
}

fn row(callback: &Callback) -> CallbackRow {
    CallbackRow {
        company: callback.company,
        key: callback.id.row_key(),
        call_id: Some(callback.call_id.clone()),
        phone: Some(callback.phone.as_str().to_owned()),
        name: callback.name.clone(),
        priority: callback.priority.as_str(),
        reason: callback.reason.clone().unwrap_or_else(|| NO_REASON.to_owned()),
        due_at: callback.due.as_ref().and_then(|due| due.from),
        due_text: callback.due.as_ref().map(|due| due.said.clone()),
        created_at: callback.requested_at,
        version: callback.version,
    }
}

/// It names the wish; whoever sends it reads there what has joined meanwhile.
fn notice(callback: &Callback, language: Language) -> OutboxRow {
    let CallbackId(id) = &callback.id;
    OutboxRow {
        company: callback.company,
        key: format!("callback_requested:{id}"),
        kind: "callback_requested",
        call_id: Some(callback.call_id.clone()),
        payload: json!({ "callback_id": id, "phone": callback.phone, "language": language }).to_string(),
        created_at: callback.requested_at,
    }
}
