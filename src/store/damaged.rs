//! What is kept of a call whose state cannot be read. Of whatever company: only for making that state anew.

use askpro_actors::ports::stores::{DamagedCall, HEAVY_PAGE_ROWS_MAX, KeptEvent, StoreError};
use askpro_domain::{
    call::{CallIdentity, CallStatus, PlacedIn},
    ids::{BranchId, CallId, CompanyId},
    time::UnixMillis,
};

use super::Database;

const SELECT_CALL: &str = "SELECT company_id, branch_id, status, direction, from_number, to_number, agent_id, state \
     FROM calls WHERE call_id = ?";
const SELECT_EVENTS: &str = "SELECT received_at, body FROM call_events \
     WHERE company_id = ? AND call_id = ? ORDER BY received_at, dedup_key LIMIT ?";

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
        let limit = i64::from(HEAVY_PAGE_ROWS_MAX);
        let values = [row.company_id.into(), call_id.as_str().into(), limit.into()];
        let events: Vec<(i64, Vec<u8>)> = self.fetch(SELECT_EVENTS, &values).await?;
        let kept = |(at, body)| KeptEvent { received_at: UnixMillis(at), body };
        let events = events.into_iter().map(kept).collect();
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
}
