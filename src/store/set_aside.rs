//! Events that could not be placed and messages that could not be processed. They belong to no tenant
//! yet, so these reads are for the router and for admins.

use askpro_actors::ports::stores::{DeadLetter, HEAVY_PAGE_ROWS_MAX, QuarantinedEvent, StoreError};
use askpro_domain::{
    ids::{CallId, CompanyId},
    time::UnixMillis,
};

use sqlx::AssertSqlSafe;

use super::{
    Database,
    dialect::{Value, placeholders},
    text,
    together::{Answers, padded},
};

const ID_CHARS_MAX: usize = 512;

const QUARANTINE_PAGE: &str = "SELECT id, call_id, event, reason, signer_company_id, received_at, body \
     FROM quarantine WHERE id > ? ORDER BY id LIMIT ?";
const QUARANTINE_ONE: &str = "SELECT id, call_id, event, reason, signer_company_id, received_at, body \
     FROM quarantine WHERE id = ?";
/// Bounded by the distinct events of one call; all of them, because a release deletes all.
const QUARANTINE_OF_CALL: &str = "SELECT id, call_id, event, reason, signer_company_id, received_at, body \
     FROM quarantine WHERE call_id = ? ORDER BY received_at, id";
const DEAD_LETTER_PAGE: &str = "SELECT id, actor, actor_id, message, error_text, signer_company_id, \
     created_at, body FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?";
const DEAD_LETTER_ONE: &str = "SELECT id, actor, actor_id, message, error_text, signer_company_id, \
     created_at, body FROM dead_letters WHERE id = ?";

#[derive(sqlx::FromRow)]
struct QuarantineRecord {
    id: String,
    call_id: String,
    event: String,
    reason: String,
    signer_company_id: Option<i64>,
    received_at: i64,
    body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct DeadLetterRecord {
    id: String,
    actor: String,
    actor_id: String,
    message: String,
    error_text: String,
    signer_company_id: Option<i64>,
    created_at: i64,
    body: Option<Vec<u8>>,
}

impl Database {
    pub(super) async fn read_quarantine_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<QuarantinedEvent>, StoreError> {
        self.read_quarantine(QUARANTINE_PAGE, &[after.unwrap_or_default().into(), page(limit)]).await
    }

    pub(super) async fn read_quarantined(&self, id: &str) -> Result<Option<QuarantinedEvent>, StoreError> {
        if !text::is_id(id, ID_CHARS_MAX) {
            return Ok(None);
        }
        Ok(self.read_quarantine(QUARANTINE_ONE, &[id.into()]).await?.into_iter().next())
    }

    /// Which of these calls have quarantined events.
    pub(super) async fn read_which_are_quarantined(
        self,
        call_ids: Vec<CallId>,
    ) -> Result<Answers<CallId, bool>, StoreError> {
        let values: Vec<Value<'_>> = padded(&call_ids).map(|call_id| call_id.as_str().into()).collect();
        let among = placeholders(values.len());
        let sql = format!("SELECT DISTINCT call_id FROM quarantine WHERE call_id IN ({among})");
        let rows: Vec<(String,)> = self.fetch(AssertSqlSafe(sql), &values).await?;
        let quarantined = rows.into_iter().filter_map(|(call_id,)| CallId::parse(&call_id));
        Ok(quarantined.map(|call_id| (call_id, Ok(true))).collect())
    }

    pub(super) async fn read_quarantined_of_call(
        &self,
        call_id: &CallId,
    ) -> Result<Vec<QuarantinedEvent>, StoreError> {
        self.read_quarantine(QUARANTINE_OF_CALL, &[call_id.as_str().into()]).await
    }

    async fn read_quarantine(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<QuarantinedEvent>, StoreError> {
        let rows: Vec<QuarantineRecord> = self.fetch(sql, values).await?;
        rows.into_iter().map(QuarantinedEvent::try_from).collect()
    }

    pub(super) async fn read_dead_letter_page(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let values = [after.unwrap_or_default().into(), page(limit)];
        let rows: Vec<DeadLetterRecord> = self.fetch(DEAD_LETTER_PAGE, &values).await?;
        Ok(rows.into_iter().map(DeadLetter::from).collect())
    }

    pub(super) async fn read_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        if !text::is_id(id, ID_CHARS_MAX) {
            return Ok(None);
        }
        let rows: Vec<DeadLetterRecord> = self.fetch(DEAD_LETTER_ONE, &[id.into()]).await?;
        Ok(rows.into_iter().next().map(DeadLetter::from))
    }
}

impl TryFrom<QuarantineRecord> for QuarantinedEvent {
    type Error = StoreError;

    fn try_from(row: QuarantineRecord) -> Result<Self, StoreError> {
        let call_id = CallId::parse(&row.call_id)
            .ok_or_else(|| StoreError::Corrupt(format!("quarantine {}: not the id of a call", row.id)))?;
        Ok(Self {
            id: row.id,
            call_id,
            event: row.event,
            reason: row.reason,
            signer_company: row.signer_company_id.map(CompanyId),
            received_at: UnixMillis(row.received_at),
            body: row.body,
        })
    }
}

impl From<DeadLetterRecord> for DeadLetter {
    fn from(row: DeadLetterRecord) -> Self {
        Self {
            id: row.id,
            actor: row.actor,
            actor_id: row.actor_id,
            message: row.message,
            error: row.error_text,
            signer_company: row.signer_company_id.map(CompanyId),
            created_at: UnixMillis(row.created_at),
            body: row.body,
        }
    }
}

fn page(limit: u32) -> Value<'static> {
    Value::from(i64::from(limit.clamp(1, HEAVY_PAGE_ROWS_MAX.into())))
}
