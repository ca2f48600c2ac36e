//! What is kept of a call whose state cannot be read. Of whatever company: only for making that state anew.

use askpro_actors::ports::stores::{DamagedCall, HEAVY_PAGE_ROWS_MAX, KeptEvent, StoreError};
use askpro_domain::{
    call::{CallIdentity, CallStatus, PlacedIn},
    ids::{BranchId, CallId, CompanyId},
    time::UnixMillis,
};

use super::{Database, dialect::Value};

const SELECT_CALL: &str = "SELECT company_id, branch_id, status, direction, from_number, to_number, agent_id, state \
     FROM calls WHERE call_id = ?";
const SELECT_EVENTS: &str = "SELECT received_at, dedup_key, body FROM call_events \
     WHERE company_id = ? AND call_id = ? AND received_at >= ? AND (received_at > ? OR dedup_key > ?) \
     ORDER BY received_at, dedup_key LIMIT ?";

#[derive(sqlx::FromRow)]
struct CallRecord {
    company_id: i64,
    branch_id: i64,
    status: String,
    direction: Option<String>,
    from_number: Option<String>,
    to_number: Option<String>,
    agent_id: Option<String>,
    state: Vec<u8>,
}

impl Database {
    pub(super) async fn read_damaged(&self, call_id: &CallId) -> Result<Option<DamagedCall>, StoreError> {
        let rows: Vec<CallRecord> = self.fetch(SELECT_CALL, &[call_id.as_str().into()]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let events = self.read_events(row.company_id, call_id).await?;
        Ok(Some(DamagedCall {
            placed: PlacedIn { company: CompanyId(row.company_id), branch: BranchId(row.branch_id) },
            identity: CallIdentity {
                direction: row.direction,
                from_number: row.from_number,
                to_number: row.to_number,
                agent_id: row.agent_id,
            },
            is_over: row.status != CallStatus::Live.as_str(),
            events,
            state: row.state,
        }))
    }

    /// All of them, a page at a time: the last ones tell how the call ended.
    async fn read_events(&self, company: i64, call_id: &CallId) -> Result<Vec<KeptEvent>, StoreError> {
        let (mut events, mut at, mut key) = (Vec::new(), i64::MIN, String::new());
        loop {
            let [company, from, after] = [company, at, at].map(Value::from);
            let limit = i64::from(HEAVY_PAGE_ROWS_MAX).into();
            let values = [company, call_id.as_str().into(), from, after, key.as_str().into(), limit];
            let page: Vec<(i64, String, Vec<u8>)> = self.fetch(SELECT_EVENTS, &values).await?;
            let is_last = page.len() < usize::from(HEAVY_PAGE_ROWS_MAX);
            for (received_at, dedup_key, body) in page {
                (at, key) = (received_at, dedup_key);
                events.push(KeptEvent { received_at: UnixMillis(received_at), body });
            }
            if is_last {
                return Ok(events);
            }
        }
    }
}
