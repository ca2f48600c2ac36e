//! Calls, as their rows' `state` says.

use std::collections::BTreeMap;

use askpro_actors::ports::{
    stores::{
        CallFilter, CallStore, DamagedCall, DeadLetter, LiveCall, LiveRow, Place, QuarantinedEvent, RowPage,
        StoreError, StoredCall, TimelineEntry,
    },
    unreadable::{Table, unless_unreadable},
};
use askpro_domain::{
    booking::AppointmentStatus,
    call::{AppointmentFact, CallState, EventKind, Stage},
    ids::{AppointmentId, CallId, CompanyId},
    time::UnixMillis,
};
use sqlx::AssertSqlSafe;

use super::{
    Database, decode,
    dialect::{Value, placeholders},
    page, page_rows, text,
    together::{Answers, padded},
};

const CALL_ID_CHARS_MAX: usize = 128;

/// Of all companies: only for restart. The index has all of it.
const SELECT_LIVE_PLACES: &str = "SELECT rowid FROM calls WHERE status = 'live' ORDER BY rowid";
/// Of all companies: only for restart.
const SELECT_LIVE: &str = "SELECT c.call_id, c.state, (SELECT MIN(e.received_at) FROM call_events e \
     WHERE e.company_id = c.company_id AND e.call_id = c.call_id) \
     FROM calls c WHERE c.status = 'live' AND c.rowid BETWEEN ? AND ? ORDER BY c.rowid";
/// Calls that are compared with the platform at once, at most.
const COMPARED_MAX: usize = 1_000;

/// `company_id, call_id, id, version, status`
type BookingRecord = (i64, String, String, i64, String);

/// A call, and a company that may have booked or promised something in it.
pub(super) type CallOf = (CompanyId, CallId);

/// Where the bookings of a company in a call stand.
pub(super) type Bookings = BTreeMap<AppointmentId, AppointmentFact>;

/// Of a row that says what nobody understands: whatever its call orders is looked up before it is booked.
const NOT_UNDERSTOOD: AppointmentFact = AppointmentFact { version: 0, status: AppointmentStatus::Unknown };

/// Where a booking stands.
fn fact_of(id: String, version: i64, status: &str) -> (AppointmentId, AppointmentFact) {
    let known = u32::try_from(version).ok().zip(AppointmentStatus::parse(status));
    let fact = known.map(|(version, status)| AppointmentFact { version, status });
    let fact = fact.ok_or_else(|| StoreError::Corrupt(format!("appointment {id}: version or status")));
    let fact = unless_unreadable(Table::Appointments, fact).unwrap_or(NOT_UNDERSTOOD);
    (AppointmentId(id), fact)
}

#[derive(sqlx::FromRow)]
struct ListedCall {
    company_id: i64,
    call_id: String,
    state: Vec<u8>,
}

impl ListedCall {
    fn read(self) -> Result<StoredCall, StoreError> {
        let state: CallState = decode("call", &self.call_id, &self.state)?;
        if state.call_id.as_str() != self.call_id {
            return Err(StoreError::Corrupt(format!("call {}: it is another call's", self.call_id)));
        }
        Ok(StoredCall { company: CompanyId(self.company_id), state })
    }
}

#[async_trait::async_trait]
impl CallStore for Database {
    async fn find_call_state(&self, call_id: &CallId) -> Result<Option<CallState>, StoreError> {
        if !text::is_id(call_id.as_str(), CALL_ID_CHARS_MAX) {
            return Ok(None);
        }
        let database = self.clone();
        let read = move |ids| database.clone().read_states(ids);
        self.states.ask(call_id, read).await
    }

    async fn find_damaged_call(&self, call_id: &CallId) -> Result<Option<DamagedCall>, StoreError> {
        self.read_damaged(call_id).await
    }

    async fn has_promised_callback(&self, company: CompanyId, call_id: &CallId) -> Result<bool, StoreError> {
        if !text::is_id(call_id.as_str(), CALL_ID_CHARS_MAX) {
            return Ok(false);
        }
        let database = self.clone();
        let read = move |of| database.clone().read_promised(of);
        self.promised.ask(&(company, call_id.clone()), read).await
    }

    async fn live_places(&self) -> Result<Vec<Place>, StoreError> {
        let places: Vec<(i64,)> = self.fetch(SELECT_LIVE_PLACES, &[]).await?;
        Ok(places.into_iter().map(|(place,)| Place(place)).collect())
    }

    async fn list_live(&self, first: Place, last: Place) -> Result<Vec<LiveRow>, StoreError> {
        // On a thread of its own: whoever restarts hands out the page before meanwhile.
        let database = self.clone();
        let read = tokio::spawn(async move { database.read_live(first, last).await });
        read.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a page was not read".to_owned())))
    }

    /// Of all companies: only for comparing with the platform.
    async fn known_stages(&self, call_ids: &[CallId]) -> Result<BTreeMap<CallId, Stage>, StoreError> {
        let ids = call_ids.iter().map(CallId::as_str).filter(|id| text::is_id(id, CALL_ID_CHARS_MAX));
        let ids: Vec<Value<'_>> = ids.take(COMPARED_MAX).map(Value::from).collect();
        let mut stages = BTreeMap::new();
        if ids.is_empty() {
            return Ok(stages);
        }
        let among = placeholders(ids.len());
        let placed = format!("SELECT call_id, state FROM calls WHERE call_id IN ({among})");
        let rows: Vec<(String, Vec<u8>)> = self.fetch(AssertSqlSafe(placed), &ids).await?;
        let states = rows.iter().map(|(call_id, state)| decode::<CallState>("call", call_id, state));
        for state in states.filter_map(|state| unless_unreadable(Table::Calls, state)) {
            stages.insert(state.call_id, state.stage);
        }
        let waiting = format!("SELECT call_id, event FROM quarantine WHERE call_id IN ({among})");
        let waiting: Vec<(String, String)> = self.fetch(AssertSqlSafe(waiting), &ids).await?;
        for (call_id, event) in waiting {
            let Some(call_id) = CallId::parse(&call_id) else { continue };
            let stage = EventKind::parse(&event).stage();
            let furthest = stages.entry(call_id).or_insert(stage);
            *furthest = stage.max(*furthest);
        }
        Ok(stages)
    }

    /// Without a company it lists those of all: only for admins.
    async fn list_calls(&self, filter: &CallFilter) -> Result<RowPage<StoredCall, CallId>, StoreError> {
        let (sql, values) = list_query(filter);
        let rows: Vec<ListedCall> = self.fetch(AssertSqlSafe(sql), &values).await?;
        let place = |row: &ListedCall| CallId::parse(&row.call_id);
        let stored = |row: ListedCall| unless_unreadable(Table::Calls, row.read());
        Ok(RowPage::of(rows, page_rows(filter.limit), place, stored))
    }

    async fn bookings_of_call(&self, company: CompanyId, call_id: &CallId) -> Result<Bookings, StoreError> {
        if !text::is_id(call_id.as_str(), CALL_ID_CHARS_MAX) {
            return Ok(Bookings::new());
        }
        let database = self.clone();
        let read = move |of| database.clone().read_bookings(of);
        self.bookings.ask(&(company, call_id.clone()), read).await
    }

    async fn timeline(&self, company: CompanyId, call_id: &CallId) -> Result<Vec<TimelineEntry>, StoreError> {
        if !text::is_id(call_id.as_str(), CALL_ID_CHARS_MAX) {
            return Ok(Vec::new());
        }
        self.read_timeline(company, call_id).await
    }

    async fn list_quarantine(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<QuarantinedEvent>, StoreError> {
        self.read_quarantine_page(after, limit).await
    }

    async fn find_quarantined(&self, id: &str) -> Result<Option<QuarantinedEvent>, StoreError> {
        self.read_quarantined(id).await
    }

    async fn quarantined_of_call(&self, call_id: &CallId) -> Result<Vec<QuarantinedEvent>, StoreError> {
        if !text::is_id(call_id.as_str(), CALL_ID_CHARS_MAX) {
            return Ok(Vec::new());
        }
        let database = self.clone();
        let read = move |ids| database.clone().read_which_are_quarantined(ids);
        // Few calls have any, and those may have many.
        match self.quarantined.ask(call_id, read).await? {
            true => self.read_quarantined_of_call(call_id).await,
            false => Ok(Vec::new()),
        }
    }

    async fn list_dead_letters(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.read_dead_letter_page(after, limit).await
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        self.read_dead_letter(id).await
    }
}

impl Database {
    async fn read_live(&self, first: Place, last: Place) -> Result<Vec<LiveRow>, StoreError> {
        let rows: Vec<(String, Vec<u8>, Option<i64>)> =
            self.fetch(SELECT_LIVE, &[first.0.into(), last.0.into()]).await?;
        let live = |(call_id, state, heard_first): (String, Vec<u8>, Option<i64>)| match decode(
            "call", &call_id, &state,
        ) {
            Ok(state) => {
                let heard_first = heard_first.map(UnixMillis);
                Ok(LiveRow::Whole(Box::new(LiveCall { state, heard_first })))
            }
            Err(damaged) => {
                CallId::parse(&call_id).map(|call_id| LiveRow::Damaged { call_id }).ok_or(damaged)
            }
        };
        rows.into_iter().map(live).collect()
    }

    /// Of whatever company: only for bringing actors of calls back to life.
    async fn read_states(
        self,
        call_ids: Vec<CallId>,
    ) -> Result<Answers<CallId, Option<CallState>>, StoreError> {
        let values: Vec<Value<'_>> = padded(&call_ids).map(|call_id| call_id.as_str().into()).collect();
        let sql =
            format!("SELECT call_id, state FROM calls WHERE call_id IN ({})", placeholders(values.len()));
        let rows: Vec<(String, Vec<u8>)> = self.fetch(AssertSqlSafe(sql), &values).await?;
        let known = |(call_id, state): (String, Vec<u8>)| {
            Some((CallId::parse(&call_id)?, decode("call", &call_id, &state).map(Some)))
        };
        Ok(rows.into_iter().filter_map(known).collect())
    }

    async fn read_bookings(self, of: Vec<CallOf>) -> Result<Answers<CallOf, Bookings>, StoreError> {
        let (any, values) = any_of(&of);
        let sql = format!("SELECT company_id, call_id, id, version, status FROM appointments WHERE {any}");
        let rows: Vec<BookingRecord> = self.fetch(AssertSqlSafe(sql), &values).await?;
        let mut known = Answers::new();
        for (company, call_id, id, version, status) in rows {
            let Some(call_id) = CallId::parse(&call_id) else { continue };
            let bookings = known.entry((CompanyId(company), call_id)).or_insert_with(|| Ok(Bookings::new()));
            if let Ok(bookings) = bookings {
                bookings.extend([fact_of(id, version, &status)]);
            }
        }
        Ok(known)
    }

    /// Wishes that were opened in the call, and those that joined another's.
    async fn read_promised(self, of: Vec<CallOf>) -> Result<Answers<CallOf, bool>, StoreError> {
        let (any, values) = any_of(&of);
        let sql = format!(
            "SELECT company_id, call_id FROM callbacks WHERE {any} UNION SELECT company_id, call_id \
             FROM function_calls WHERE success <> 0 AND function_name = 'request_callback' AND ({any})"
        );
        let values = [values.clone(), values].concat();
        let rows: Vec<(i64, String)> = self.fetch(AssertSqlSafe(sql), &values).await?;
        let promised = |(company, call_id): (i64, String)| {
            Some(((CompanyId(company), CallId::parse(&call_id)?), Ok(true)))
        };
        Ok(rows.into_iter().filter_map(promised).collect())
    }
}

/// The condition that a row is of one of these, and its values.
fn any_of(of: &[CallOf]) -> (String, Vec<Value<'_>>) {
    let values: Vec<Value<'_>> =
        padded(of).flat_map(|(company, call_id)| [company.0.into(), Value::from(call_id.as_str())]).collect();
    (vec!["(company_id = ? AND call_id = ?)"; values.len() / 2].join(" OR "), values)
}

/// Only conditions that are wanted, so that each combination has its index.
fn list_query(filter: &CallFilter) -> (String, Vec<Value<'_>>) {
    let mut conditions = vec!["call_id > ?"];
    let mut values = vec![Value::from(filter.after.as_ref().map_or("", CallId::as_str))];
    if let Some(company) = filter.company {
        conditions.push("company_id = ?");
        values.push(company.0.into());
    }
    if let Some(status) = filter.status.as_deref() {
        conditions.push("status = ?");
        values.push(status.into());
    }
    values.push(page(filter.limit));
    let conditions = conditions.join(" AND ");
    let sql =
        format!("SELECT company_id, call_id, state FROM calls WHERE {conditions} ORDER BY call_id LIMIT ?");
    (sql, values)
}
