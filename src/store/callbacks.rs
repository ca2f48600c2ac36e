//! Open wishes to be called back. Reads of all companies: only for start.

use askpro_actors::ports::{
    stores::{CallbackPlace, CallbackStore, RowPage, StoreError},
    unreadable::{Table, unless_unreadable},
};
use askpro_domain::{
    callback::{Callback, CallbackId, Due, NO_REASON, Priority},
    ids::{CallId, CompanyId},
    phone::PhoneNumber,
    time::UnixMillis,
};

use super::{Database, page, page_rows};

const SELECT_OPEN: &str = "SELECT company_id, idempotency_key, call_id, phone, name, priority, reason, due_at, \
     due_text, created_at, version FROM callbacks \
     WHERE status = 'open' AND created_at >= ? AND (created_at > ? OR idempotency_key > ?) \
     AND idempotency_key LIKE 'requested:%' ORDER BY created_at, idempotency_key LIMIT ?";

#[derive(sqlx::FromRow)]
struct OpenCallback {
    company_id: i64,
    idempotency_key: String,
    call_id: Option<String>,
    phone: Option<String>,
    name: Option<String>,
    priority: String,
    reason: String,
    due_at: Option<i64>,
    due_text: Option<String>,
    created_at: i64,
    version: i64,
}

#[async_trait::async_trait]
impl CallbackStore for Database {
    async fn list_open_callbacks(
        &self,
        since: UnixMillis,
        after: Option<&CallbackPlace>,
        limit: u32,
    ) -> Result<RowPage<Callback, CallbackPlace>, StoreError> {
        // Without a place the first is the one right after `since`.
        let (at, key) = after.map_or((since.plus_ms(1).0, ""), |(at, key)| (at.0, key.as_str()));
        let values = [at.into(), at.into(), key.into(), page(limit)];
        let rows: Vec<OpenCallback> = self.fetch(SELECT_OPEN, &values).await?;
        let place = |row: &OpenCallback| Some((UnixMillis(row.created_at), row.idempotency_key.clone()));
        let open = |row: OpenCallback| unless_unreadable(Table::Callbacks, row.read());
        Ok(RowPage::of(rows, page_rows(limit), place, open))
    }
}

impl OpenCallback {
    fn read(self) -> Result<Callback, StoreError> {
        let broken =
            |column: &str| StoreError::Corrupt(format!("callback {}: {column}", self.idempotency_key));
        let due = |said: &String| Due { from: self.due_at.map(UnixMillis), said: said.clone() };
        Ok(Callback {
            id: CallbackId::of_row_key(&self.idempotency_key).ok_or_else(|| broken("idempotency_key"))?,
            company: CompanyId(self.company_id),
            call_id: self.call_id.as_deref().and_then(CallId::parse).ok_or_else(|| broken("call_id"))?,
            phone: self.phone.as_deref().and_then(PhoneNumber::parse_e164).ok_or_else(|| broken("phone"))?,
            name: self.name.clone(),
            priority: Priority::parse(&self.priority).ok_or_else(|| broken("priority"))?,
            reason: Some(self.reason.clone()).filter(|reason| reason != NO_REASON),
            due: self.due_text.as_ref().map(due),
            requested_at: UnixMillis(self.created_at),
            version: u32::try_from(self.version).map_err(|_| broken("version"))?,
        })
    }
}
