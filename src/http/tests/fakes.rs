//! Ports in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use askpro_actors::ports::{
    calendar::{
        Calendar, CalendarError, CreateOutcome, FoundBooking, Offered, ReserveOutcome, ReserveWish, Turn,
    },
    directory::DirectoryView,
    journal::{Durable, Journal, JournalError, JournalStatus, Position, Record},
    rows::{Body, Write},
    stores::{
        BatchStore, BookingStore, CallFilter, CallStore, CallbackPlace, CallbackStore, CompanyRows,
        CompanyStore, CustomerPlace, CustomerStore, DamagedCall, DeadLetter, FigureStore, LiveRow, Place,
        QuarantinedEvent, RowPage, SetAside, StoreError, StoredBooking, StoredCalendarEvent, StoredCall,
        StoredCustomer, TimelineEntry, UpcomingPlace,
    },
    voice::{Account, CallPage, Looked, Told, Voice, VoiceError},
};
use askpro_domain::{
    booking::{Booking, BookingOrder},
    call::{AppointmentFact, CallState, Stage},
    callback::Callback,
    ids::{AppointmentId, CallId, CompanyId},
    tenant::{Company, Customer, Directory},
    time::{Interval, UnixMillis},
};
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct FakeJournal {
    pub(super) records: Mutex<Vec<Record>>,
    pub(super) full: AtomicBool,
    /// Appends wait here while the gate is shut.
    pub(super) shut: AtomicBool,
    pub(super) opened: Notify,
    pub(super) arrived: Notify,
}

impl FakeJournal {
    fn place(&self, record: Record) -> Result<Position, JournalError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(JournalError::Full { bytes: 1_000, max_bytes: 1_000 });
        }
        let mut records = self.records.lock().unwrap();
        records.push(record);
        Ok(Position(records.len() as u64))
    }
}

#[async_trait::async_trait]
impl Journal for FakeJournal {
    async fn append(&self, record: Record) -> Result<Position, JournalError> {
        let position = self.place(record)?;
        self.arrived.notify_one();
        while self.shut.load(Ordering::SeqCst) {
            self.opened.notified().await;
        }
        Ok(position)
    }

    fn append_ordered(&self, record: Record) -> Result<(Position, Durable), JournalError> {
        Ok((self.place(record)?, Box::pin(std::future::ready(Ok(())))))
    }

    fn read(&self, position: Position) -> Result<Record, JournalError> {
        let records = self.records.lock().unwrap();
        let unreadable = || JournalError::Unreadable { position: position.0, reason: "absent".to_owned() };
        records.get(position.0 as usize - 1).cloned().ok_or_else(unreadable)
    }

    fn committed(&self, _positions: &[Position]) {}

    fn is_behind(&self, _position: Position) -> bool {
        false
    }

    fn status(&self) -> JournalStatus {
        let bytes = if self.full.load(Ordering::SeqCst) { 1 << 30 } else { 0 };
        JournalStatus { bytes, max_bytes: 1 << 30, ..JournalStatus::default() }
    }
}

/// A database: what was committed, and what a test put in.
#[derive(Default)]
pub(super) struct FakeStore {
    pub(super) writes: Mutex<Vec<Write>>,
    pub(super) committed: Notify,
    pub(super) quarantine: Mutex<Vec<QuarantinedEvent>>,
    pub(super) dead_letters: Mutex<Vec<DeadLetter>>,
    pub(super) ended: Mutex<BTreeMap<String, StoredCall>>,
    pub(super) down: AtomicBool,
}

impl FakeStore {
    fn up<T>(&self, value: T) -> Result<T, StoreError> {
        let down = self.down.load(Ordering::SeqCst);
        if down { Err(StoreError::Unavailable("switched off".to_owned())) } else { Ok(value) }
    }

    /// Waits until something that `wanted` picks was committed.
    pub(super) async fn wait_for<T>(&self, wanted: impl Fn(&Write) -> Option<T>) -> T {
        let found = async {
            loop {
                let next = self.committed.notified();
                if let Some(found) = self.writes.lock().unwrap().iter().find_map(&wanted) {
                    return found;
                }
                next.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), found).await.expect("it is committed")
    }

    fn apply(&self, write: &Write) {
        match write {
            Write::Quarantine(row) => {
                let Body::Inline(body) = &row.body else { panic!("bodies are inline here") };
                self.quarantine.lock().unwrap().push(QuarantinedEvent {
                    id: row.id.clone(),
                    call_id: row.call_id.clone(),
                    event: row.event.clone(),
                    reason: row.reason.to_owned(),
                    signer_company: row.signer_company,
                    received_at: row.received_at,
                    body: body.to_vec(),
                });
            }
            Write::QuarantineReleased(call_id) => {
                self.quarantine.lock().unwrap().retain(|event| event.call_id != *call_id);
            }
            Write::DeadLetterReplayed(id) => self.dead_letters.lock().unwrap().retain(|l| l.id != *id),
            _ => {}
        }
    }
}

#[async_trait::async_trait]
impl FigureStore for FakeStore {
    async fn count_set_aside(&self) -> Result<SetAside, StoreError> {
        let count = |rows: usize| u32::try_from(rows).unwrap();
        self.up(SetAside {
            quarantined: count(self.quarantine.lock().unwrap().len()),
            dead_letters: count(self.dead_letters.lock().unwrap().len()),
            bookings_unknown: 0,
        })
    }
}

#[async_trait::async_trait]
impl BatchStore for FakeStore {
    async fn commit(&self, _epoch: i64, writes: &[Write]) -> Result<(), StoreError> {
        self.up(())?;
        writes.iter().for_each(|write| self.apply(write));
        self.writes.lock().unwrap().extend_from_slice(writes);
        self.committed.notify_waiters();
        Ok(())
    }

    async fn save_mark(&self, _epoch: i64, _journal_id: &str, _mark: Position) -> Result<(), StoreError> {
        self.up(())
    }

    async fn load_mark(&self, _journal_id: &str) -> Result<Option<Position>, StoreError> {
        self.up(None)
    }
}

#[async_trait::async_trait]
impl CallStore for FakeStore {
    async fn find_call_state(&self, call_id: &CallId) -> Result<Option<CallState>, StoreError> {
        self.up(self.ended.lock().unwrap().get(call_id.as_str()).map(|call| call.state.clone()))
    }

    async fn find_damaged_call(&self, _: &CallId) -> Result<Option<DamagedCall>, StoreError> {
        self.up(None)
    }

    async fn has_promised_callback(&self, _: CompanyId, _: &CallId) -> Result<bool, StoreError> {
        self.up(false)
    }

    async fn known_stages(&self, _: &[CallId]) -> Result<BTreeMap<CallId, Stage>, StoreError> {
        self.up(BTreeMap::new())
    }

    async fn live_places(&self) -> Result<Vec<Place>, StoreError> {
        self.up(Vec::new())
    }

    async fn list_live(&self, _first: Place, _last: Place) -> Result<Vec<LiveRow>, StoreError> {
        self.up(Vec::new())
    }

    async fn list_calls(&self, filter: &CallFilter) -> Result<RowPage<StoredCall, CallId>, StoreError> {
        let after = filter.after.as_ref().map_or("", |id| id.as_str());
        let ended = self.ended.lock().unwrap();
        let limit = filter.limit as usize;
        let calls: Vec<_> = ended.iter().filter(|(id, _)| id.as_str() > after).take(limit).collect();
        self.up(RowPage::of(calls, limit, |(id, _)| CallId::parse(id), |(_, call)| Some(call.clone())))
    }

    async fn bookings_of_call(
        &self,
        _: CompanyId,
        _: &CallId,
    ) -> Result<BTreeMap<AppointmentId, AppointmentFact>, StoreError> {
        self.up(BTreeMap::new())
    }

    async fn timeline(&self, _: CompanyId, call_id: &CallId) -> Result<Vec<TimelineEntry>, StoreError> {
        let writes = self.writes.lock().unwrap();
        let entry = |write: &Write| match write {
            Write::Event(row) if row.call_id == *call_id => Some(TimelineEntry {
                at: row.received_at,
                kind: "event",
                name: row.event.clone(),
                detail: row.dedup_key.clone(),
                appointment_id: None,
                source: Some(row.source),
            }),
            _ => None,
        };
        self.up(writes.iter().filter_map(entry).collect())
    }

    async fn list_quarantine(&self, _: Option<&str>, _: u32) -> Result<Vec<QuarantinedEvent>, StoreError> {
        self.up(self.quarantine.lock().unwrap().clone())
    }

    async fn find_quarantined(&self, id: &str) -> Result<Option<QuarantinedEvent>, StoreError> {
        self.up(self.quarantine.lock().unwrap().iter().find(|event| event.id == id).cloned())
    }

    async fn quarantined_of_call(&self, call_id: &CallId) -> Result<Vec<QuarantinedEvent>, StoreError> {
        let quarantine = self.quarantine.lock().unwrap();
        self.up(quarantine.iter().filter(|event| event.call_id == *call_id).cloned().collect())
    }

    async fn list_dead_letters(&self, _: Option<&str>, _: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.up(self.dead_letters.lock().unwrap().clone())
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        self.up(self.dead_letters.lock().unwrap().iter().find(|letter| letter.id == id).cloned())
    }
}

#[async_trait::async_trait]
impl BookingStore for FakeStore {
    async fn list_open(
        &self,
        _: Option<&AppointmentId>,
        _: u32,
    ) -> Result<RowPage<Booking, AppointmentId>, StoreError> {
        self.up(RowPage { rows: Vec::new(), next: None })
    }

    async fn find(&self, _: CompanyId, _: &AppointmentId) -> Result<Option<Booking>, StoreError> {
        self.up(None)
    }

    async fn find_by_uid(&self, _: CompanyId, _: &str) -> Result<Option<Booking>, StoreError> {
        self.up(None)
    }

    async fn list_calendar_events(
        &self,
        company: CompanyId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredCalendarEvent>, StoreError> {
        let writes = self.writes.lock().unwrap();
        let rows = writes.iter().rev().filter_map(|write| match write {
            Write::CalendarEvent(row) if row.company == company => Some(StoredCalendarEvent {
                id: row.id(),
                event: row.event.clone(),
                booking_uid: row.booking_uid.clone(),
                event_at: row.event_at,
                received_at: row.received_at,
            }),
            _ => None,
        });
        let rows = rows.filter(|row| before.is_none_or(|before| row.id.as_str() < before));
        self.up(rows.take(limit as usize).collect())
    }
}

#[async_trait::async_trait]
impl CompanyStore for FakeStore {
    async fn read_companies(&self) -> Result<CompanyRows, StoreError> {
        self.up(CompanyRows::default())
    }

    async fn save_companies(&self, _: &[Company], _: &[(CompanyId, Customer)]) -> Result<u64, StoreError> {
        self.up(0)
    }

    async fn companies_version(&self) -> Result<i64, StoreError> {
        self.up(0)
    }
}

#[async_trait::async_trait]
impl CallbackStore for FakeStore {
    async fn list_open_callbacks(
        &self,
        _: UnixMillis,
        _: Option<&CallbackPlace>,
        _: u32,
    ) -> Result<RowPage<Callback, CallbackPlace>, StoreError> {
        self.up(RowPage { rows: Vec::new(), next: None })
    }
}

#[async_trait::async_trait]
impl CustomerStore for FakeStore {
    async fn list_customers(
        &self,
        _: Option<CustomerPlace>,
        _: u32,
    ) -> Result<Vec<StoredCustomer>, StoreError> {
        self.up(Vec::new())
    }

    async fn list_upcoming(
        &self,
        _: UnixMillis,
        _: Option<&UpcomingPlace>,
        _: u32,
    ) -> Result<RowPage<StoredBooking, UpcomingPlace>, StoreError> {
        self.up(RowPage { rows: Vec::new(), next: None })
    }
}

/// A calendar that never answers.
pub(super) struct NoCalendar;

fn no_calendar() -> CalendarError {
    CalendarError::Unavailable("there is none".to_owned())
}

#[async_trait::async_trait]
impl Calendar for NoCalendar {
    async fn slots(&self, _: CompanyId, _: i64, _: Interval, _: &Turn) -> Result<Offered, CalendarError> {
        Err(no_calendar())
    }

    async fn create(&self, _: &BookingOrder, _: UnixMillis, _: &Turn) -> CreateOutcome {
        CreateOutcome::NotSent
    }

    async fn look(
        &self,
        _: &BookingOrder,
        _: UnixMillis,
        _: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError> {
        Err(no_calendar())
    }

    async fn cancel(&self, _: CompanyId, _: &str, _: &str, _: &Turn) -> Result<(), CalendarError> {
        Err(no_calendar())
    }

    async fn reserve(&self, _: &ReserveWish, _: &Turn) -> ReserveOutcome {
        ReserveOutcome::NotSent
    }

    async fn unreserve(&self, _: CompanyId, _: &str, _: &Turn) -> Result<(), CalendarError> {
        Err(no_calendar())
    }
}

/// A Retell that is never asked: there is no key.
pub(super) struct NoVoice;

#[async_trait::async_trait]
impl Voice for NoVoice {
    fn has_key(&self, _: Account) -> bool {
        false
    }

    async fn find_call(&self, _: Account, _: &CallId) -> Result<Looked, VoiceError> {
        Err(VoiceError::NoKey)
    }

    async fn list_calls(&self, _: Account, _: UnixMillis, _: Option<&str>) -> Result<CallPage, VoiceError> {
        Err(VoiceError::NoKey)
    }

    fn given_up(&self, _: &CallId) -> Result<Told, String> {
        Err("there is none".to_owned())
    }
}

/// Companies that a test can exchange.
#[derive(Default)]
pub(super) struct Companies(pub(super) Mutex<Arc<Directory>>);

impl DirectoryView for Companies {
    fn current(&self) -> Arc<Directory> {
        self.0.lock().unwrap().clone()
    }
}
