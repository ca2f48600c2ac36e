//! A database in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
};

use askpro_domain::{
    booking::{AppointmentStatus, Booking},
    call::{AppointmentFact, CallState, Stage},
    callback::{Callback, CallbackId, Due, NO_REASON, Priority},
    ids::{AppointmentId, CallId, CompanyId, StaffId},
    phone::PhoneNumber,
    time::UnixMillis,
};

use bytes::Bytes;

use super::{Gate, Tables, lock, tables::lacks_its_body};
use crate::ports::{
    journal::Position,
    rows::{AppointmentRow, Body, CallRow, CallbackRow, CustomerRow, DeadLetterRow, QuarantineRow, Write},
    stores::{
        BatchStore, BookingStore, CallFilter, CallStore, CallbackPlace, CallbackStore, CustomerPlace,
        CustomerStore, DamagedCall, DeadLetter, LiveRow, Place, QuarantinedEvent, RowPage, StoreError,
        StoredBooking, StoredCalendarEvent, StoredCall, StoredCustomer, TimelineEntry, UpcomingPlace,
    },
};

/// What is in the state of a damaged row.
const DAMAGED: Bytes = Bytes::from_static(b"{");

type Refusal = Box<dyn Fn(&Write) -> bool + Send + Sync>;

/// A database in memory.
#[derive(Default)]
pub struct FakeDatabase {
    tables: Mutex<Tables>,
    batches: Mutex<Vec<Vec<Write>>>,
    refuse: Mutex<Option<Refusal>>,
    away: AtomicBool,
    epoch: AtomicI64,
    panics: AtomicUsize,
    lost_answers: AtomicUsize,
    mark: Mutex<Option<(String, Position)>>,
    /// Closed, commits wait.
    pub commits: Gate,
    /// Closed, reads wait.
    pub reads: Gate,
}

impl FakeDatabase {
    /// Answers nothing from now on, or answers again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Another process has the lease now.
    pub fn set_epoch(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    /// Refuses batches with such a write for good.
    pub fn refuse(&self, refuse: impl Fn(&Write) -> bool + Send + Sync + 'static) {
        *lock(&self.refuse) = Some(Box::new(refuse));
    }

    /// Refuses nothing any more.
    pub fn refuse_nothing(&self) {
        *lock(&self.refuse) = None;
    }

    /// The next `commits` commits panic.
    pub fn panic_next(&self, commits: usize) {
        self.panics.store(commits, Ordering::SeqCst);
    }

    /// The next `commits` commits are done, but nobody hears so.
    pub fn lose_answers(&self, commits: usize) {
        self.lost_answers.store(commits, Ordering::SeqCst);
    }

    /// All rows, as they are now.
    #[must_use]
    pub fn tables(&self) -> Tables {
        lock(&self.tables).clone()
    }

    /// An import brings these customers as its `version`.
    pub fn import_customers(&self, version: i64, customers: impl IntoIterator<Item = CustomerRow>) {
        let mut tables = lock(&self.tables);
        for row in customers {
            tables.customers.insert((row.company, row.id), (row, version));
        }
    }

    /// The state in the row of an appointment is damaged.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn damage_appointment(&self, appointment: &AppointmentId) {
        let mut tables = lock(&self.tables);
        let row = tables.appointments.get_mut(appointment);
        assert!(row.map(|row| row.state = DAMAGED).is_some(), "no row of {appointment}");
    }

    /// The state in the row of an appointment is as it was before it was damaged.
    pub fn mend_appointment(&self, appointment: &AppointmentId, state: Bytes) {
        if let Some(row) = lock(&self.tables).appointments.get_mut(appointment) {
            row.state = state;
        }
    }

    /// The state in the row of a call is damaged.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn damage_call(&self, call_id: &CallId) {
        let mut tables = lock(&self.tables);
        let row = tables.calls.get_mut(call_id);
        assert!(row.map(|row| row.state = DAMAGED).is_some(), "no row of {call_id}");
    }

    /// Looks at the rows.
    pub fn with_tables<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&lock(&self.tables))
    }

    /// Every batch that was committed.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<Write>> {
        lock(&self.batches).clone()
    }

    fn answer(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        Ok(())
    }

    async fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        self.reads.pass().await;
        self.answer()?;
        Ok(look(&lock(&self.tables)))
    }

    fn check(&self, epoch: i64, writes: &[Write]) -> Result<(), StoreError> {
        self.answer()?;
        let current = self.epoch.load(Ordering::SeqCst);
        if current > epoch {
            return Err(StoreError::Fenced { ours: epoch, current });
        }
        if writes.iter().any(lacks_its_body) {
            return Err(StoreError::Corrupt("a body was left in the journal".to_owned()));
        }
        match &*lock(&self.refuse) {
            Some(refuse) if writes.iter().any(refuse) => Err(StoreError::Refused("a row".to_owned())),
            _ => Ok(()),
        }
    }
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

#[async_trait::async_trait]
impl BatchStore for FakeDatabase {
    async fn commit(&self, epoch: i64, writes: &[Write]) -> Result<(), StoreError> {
        self.commits.pass().await;
        assert!(!take_one(&self.panics), "a commit panics as it was told to");
        self.check(epoch, writes)?;
        {
            let mut tables = lock(&self.tables);
            writes.iter().cloned().for_each(|write| tables.take(write));
        }
        lock(&self.batches).push(writes.to_vec());
        if take_one(&self.lost_answers) {
            return Err(StoreError::Unavailable("the answer was lost".to_owned()));
        }
        Ok(())
    }

    async fn save_mark(&self, epoch: i64, journal_id: &str, mark: Position) -> Result<(), StoreError> {
        self.check(epoch, &[])?;
        *lock(&self.mark) = Some((journal_id.to_owned(), mark));
        Ok(())
    }

    async fn load_mark(&self, journal_id: &str) -> Result<Option<Position>, StoreError> {
        self.answer()?;
        Ok(lock(&self.mark).as_ref().filter(|(id, _)| id == journal_id).map(|(_, mark)| *mark))
    }
}

#[async_trait::async_trait]
impl CallStore for FakeDatabase {
    async fn find_call_state(&self, call_id: &CallId) -> Result<Option<CallState>, StoreError> {
        self.read(|tables| tables.read_call_state(call_id)).await?
    }

    async fn find_damaged_call(&self, call_id: &CallId) -> Result<Option<DamagedCall>, StoreError> {
        self.read(|tables| tables.damaged_call(call_id)).await
    }

    async fn has_promised_callback(&self, company: CompanyId, call_id: &CallId) -> Result<bool, StoreError> {
        self.read(|tables| tables.has_promised_callback(company, call_id)).await
    }

    async fn live_places(&self) -> Result<Vec<Place>, StoreError> {
        self.read(|tables| {
            let rows = (0..).map(Place).zip(tables.calls.values());
            rows.filter(|(_, row)| row.status == "live").map(|(place, _)| place).collect()
        })
        .await
    }

    async fn list_live(&self, first: Place, last: Place) -> Result<Vec<LiveRow>, StoreError> {
        self.read(|tables| {
            let rows = (0..).map(Place).zip(tables.calls.values());
            let live = rows.filter(|(place, row)| row.status == "live" && (first..=last).contains(place));
            live.map(|(_, row)| tables.live_row(&row.call_id)).collect()
        })
        .await
    }

    async fn known_stages(&self, call_ids: &[CallId]) -> Result<BTreeMap<CallId, Stage>, StoreError> {
        self.read(|tables| {
            let known = call_ids.iter().filter_map(|id| Some((id.clone(), tables.stage_of(id)?)));
            known.collect()
        })
        .await
    }

    async fn list_calls(&self, filter: &CallFilter) -> Result<RowPage<StoredCall, CallId>, StoreError> {
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let rows = tables.calls.values().filter(|row| {
                filter.company.is_none_or(|company| row.company == company)
                    && filter.status.as_ref().is_none_or(|status| row.status == status)
                    && filter.after.as_ref().is_none_or(|after| row.call_id > *after)
            });
            let stored = |row: &CallRow| {
                let state = tables.call_state(&row.call_id)?;
                Some(StoredCall { company: row.company, state })
            };
            RowPage::of(rows.take(limit).collect(), limit, |row| Some(row.call_id.clone()), stored)
        })
        .await
    }

    async fn bookings_of_call(
        &self,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<BTreeMap<AppointmentId, AppointmentFact>, StoreError> {
        self.read(|tables| {
            let rows = tables.appointments.values();
            let rows = rows.filter(|row| row.company == company && row.call_id == *call_id);
            rows.map(|row| {
                (row.appointment.clone(), AppointmentFact { version: row.version, status: row.status })
            })
            .collect()
        })
        .await
    }

    async fn timeline(&self, company: CompanyId, call_id: &CallId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.read(|tables| {
            let rows = tables.events.values().filter(|e| e.company == company && e.call_id == *call_id);
            rows.map(|row| TimelineEntry {
                at: row.received_at,
                kind: "event",
                name: row.event.clone(),
                detail: row.dedup_key.clone(),
                appointment_id: None,
                source: Some(row.source),
            })
            .collect()
        })
        .await
    }

    async fn list_quarantine(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<QuarantinedEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let rows = tables.quarantine.values().filter(|row| after.is_none_or(|after| *row.id > *after));
            rows.take(limit).map(quarantined).collect()
        })
        .await
    }

    async fn find_quarantined(&self, id: &str) -> Result<Option<QuarantinedEvent>, StoreError> {
        self.read(|tables| tables.quarantine.get(id).map(quarantined)).await
    }

    async fn quarantined_of_call(&self, call_id: &CallId) -> Result<Vec<QuarantinedEvent>, StoreError> {
        self.read(|tables| {
            tables.quarantine.values().filter(|row| row.call_id == *call_id).map(quarantined).collect()
        })
        .await
    }

    async fn list_dead_letters(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let rows = tables.dead_letters.values().filter(|row| after.is_none_or(|after| *row.id > *after));
            rows.take(limit).map(dead_letter).collect()
        })
        .await
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        self.read(|tables| tables.dead_letters.get(id).map(dead_letter)).await
    }
}

#[async_trait::async_trait]
impl BookingStore for FakeDatabase {
    async fn list_open(
        &self,
        after: Option<&AppointmentId>,
        limit: u32,
    ) -> Result<RowPage<Booking, AppointmentId>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let open = tables.appointments.values().filter(|row| row.status.is_open());
            let open = open.filter(|row| after.is_none_or(|after| row.appointment > *after));
            let booking = |row: &AppointmentRow| tables.booking(&row.appointment);
            RowPage::of(open.take(limit).collect(), limit, |row| Some(row.appointment.clone()), booking)
        })
        .await
    }

    async fn find(
        &self,
        company: CompanyId,
        appointment: &AppointmentId,
    ) -> Result<Option<Booking>, StoreError> {
        let found = self.read(|tables| tables.read_booking(appointment)).await?;
        Ok(found?.filter(|booking| booking.order.company == company))
    }

    async fn find_by_uid(&self, company: CompanyId, uid: &str) -> Result<Option<Booking>, StoreError> {
        self.read(|tables| {
            let rows = tables.appointments.values().filter(|row| row.company == company);
            let mut of_uid = rows.filter(|row| row.calcom_uid.as_deref() == Some(uid));
            of_uid.next().map_or(Ok(None), |row| tables.read_booking(&row.appointment))
        })
        .await?
    }

    async fn list_calendar_events(
        &self,
        company: CompanyId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredCalendarEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let rows = tables.calendar_events.values().filter(|row| row.company == company);
            let events = rows.map(|row| StoredCalendarEvent {
                id: row.id(),
                event: row.event.clone(),
                booking_uid: row.booking_uid.clone(),
                event_at: row.event_at,
                received_at: row.received_at,
            });
            let mut events: Vec<_> = events.filter(|e| before.is_none_or(|b| e.id.as_str() < b)).collect();
            events.sort_by(|one, other| other.id.cmp(&one.id));
            events.truncate(limit);
            events
        })
        .await
    }
}

#[async_trait::async_trait]
impl CustomerStore for FakeDatabase {
    async fn list_customers(
        &self,
        after: Option<CustomerPlace>,
        limit: u32,
    ) -> Result<Vec<StoredCustomer>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let mut all: Vec<StoredCustomer> = tables.customers.values().map(stored_customer).collect();
            all.retain(|customer| after.is_none_or(|after| customer.place > after));
            all.sort_by_key(|customer| customer.place);
            all.truncate(limit);
            all
        })
        .await
    }

    async fn list_upcoming(
        &self,
        from: UnixMillis,
        after: Option<&UpcomingPlace>,
        limit: u32,
    ) -> Result<RowPage<StoredBooking, UpcomingPlace>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let stored = |row: &AppointmentRow| {
                let booking = tables.booking(&row.appointment)?;
                Some(StoredBooking { booking, staff: row.staff_id.map(StaffId) })
            };
            let rows = tables.appointments.values();
            let ahead = |s: AppointmentStatus| s.stands() || s.is_open();
            let mut rows: Vec<_> = rows.filter(|row| ahead(row.status) && row.ends_at > from).collect();
            let place = |row: &AppointmentRow| (row.ends_at, row.appointment.clone());
            rows.retain(|row| after.is_none_or(|after| place(row) > *after));
            rows.sort_by_key(|row| place(row));
            rows.truncate(limit);
            RowPage::of(rows, limit, |row| Some(place(row)), stored)
        })
        .await
    }
}

#[async_trait::async_trait]
impl CallbackStore for FakeDatabase {
    async fn list_open_callbacks(
        &self,
        since: UnixMillis,
        after: Option<&CallbackPlace>,
        limit: u32,
    ) -> Result<RowPage<Callback, CallbackPlace>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|tables| {
            let wished = |row: &&CallbackRow| CallbackId::of_row_key(&row.key).is_some();
            let mut all: Vec<&CallbackRow> = tables.callbacks.values().filter(wished).collect();
            let place = |row: &CallbackRow| (row.created_at, row.key.clone());
            all.retain(|row| row.created_at > since);
            all.retain(|row| after.is_none_or(|after| place(row) > *after));
            all.sort_by_key(|row| place(row));
            all.truncate(limit);
            RowPage::of(all, limit, |row| Some(place(row)), stored_callback)
        })
        .await
    }
}

fn stored_callback(row: &CallbackRow) -> Option<Callback> {
    let due = |said: &String| Due { from: row.due_at, said: said.clone() };
    Some(Callback {
        id: CallbackId::of_row_key(&row.key)?,
        company: row.company,
        call_id: row.call_id.clone()?,
        phone: PhoneNumber::parse_e164(row.phone.as_deref()?)?,
        name: row.name.clone(),
        priority: Priority::parse(row.priority)?,
        reason: Some(row.reason.clone()).filter(|reason| reason != NO_REASON),
        due: row.due_text.as_ref().map(due),
        requested_at: row.created_at,
        version: row.version,
    })
}

fn stored_customer((row, import_version): &(CustomerRow, i64)) -> StoredCustomer {
    let (company, customer) = (row.company, row.id);
    StoredCustomer {
        place: CustomerPlace { import_version: *import_version, company, customer },
        name: row.name.clone(),
        phone: Some(row.phone.clone()),
    }
}

fn quarantined(row: &QuarantineRow) -> QuarantinedEvent {
    QuarantinedEvent {
        id: row.id.clone(),
        call_id: row.call_id.clone(),
        event: row.event.clone(),
        reason: row.reason.to_owned(),
        signer_company: row.signer_company,
        received_at: row.received_at,
        body: bytes_of(&row.body),
    }
}

fn dead_letter(row: &DeadLetterRow) -> DeadLetter {
    DeadLetter {
        id: row.id.clone(),
        actor: row.actor.to_owned(),
        actor_id: row.actor_id.clone(),
        message: row.message.to_string(),
        error: row.error.clone(),
        signer_company: row.signer_company,
        created_at: row.created_at,
        body: row.body.as_ref().map(bytes_of),
    }
}

fn bytes_of(body: &Body) -> Vec<u8> {
    match body {
        Body::Inline(bytes) => bytes.to_vec(),
        Body::InJournal(_) => Vec::new(),
    }
}
