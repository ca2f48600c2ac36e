//! The tables of the fake database, with the rules of [`crate::ports::rows`].

use std::collections::BTreeMap;

use askpro_domain::{
    booking::Booking,
    call::{CallIdentity, CallState, EventKind, PlacedIn, Stage},
    ids::{AppointmentId, CallId, CompanyId, CustomerId},
    time::UnixMillis,
};

use crate::ports::{
    rows::{
        AppointmentRow, Body, CalendarEventRow, CallRow, CallbackRow, CustomerRow, DeadLetterRow, EventRow,
        FunctionCallRow, OutboxRow, PlatformEventRow, QuarantineRow, Write,
    },
    stores::{DamagedCall, KeptEvent, LiveCall, LiveRow, StoreError},
};

/// All rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// By call and dedup key.
    pub events: BTreeMap<(CallId, String), EventRow>,
    /// By id.
    pub calls: BTreeMap<CallId, CallRow>,
    /// By id.
    pub appointments: BTreeMap<AppointmentId, AppointmentRow>,
    /// By company and key.
    pub outbox: BTreeMap<(CompanyId, String), OutboxRow>,
    /// By company and key.
    pub callbacks: BTreeMap<(CompanyId, String), CallbackRow>,
    /// By company and id, with the import that last changed it.
    pub customers: BTreeMap<(CompanyId, CustomerId), (CustomerRow, i64)>,
    /// By dedup key.
    pub platform_events: BTreeMap<String, PlatformEventRow>,
    /// By company and dedup key.
    pub calendar_events: BTreeMap<(CompanyId, String), CalendarEventRow>,
    /// By id.
    pub quarantine: BTreeMap<String, QuarantineRow>,
    /// By id.
    pub dead_letters: BTreeMap<String, DeadLetterRow>,
    /// In order.
    pub function_calls: Vec<FunctionCallRow>,
}

impl Tables {
    /// Puts a row in, or does not, as its rule says.
    pub(super) fn take(&mut self, write: Write) {
        match write {
            Write::Event(row) => self.put_event(row),
            Write::Call(row) => drop(self.calls.insert(row.call_id.clone(), *row)),
            Write::Appointment(row) => {
                if self.appointments.get(&row.appointment).is_none_or(|old| old.version < row.version) {
                    self.appointments.insert(row.appointment.clone(), *row);
                }
            }
            Write::Outbox(row) => {
                self.outbox.entry((row.company, row.key.clone())).or_insert(row);
            }
            Write::Callback(row) => {
                let key = (row.company, row.key.clone());
                if self.callbacks.get(&key).is_none_or(|old| old.version < row.version) {
                    self.callbacks.insert(key, row);
                }
            }
            Write::Customer(row) => {
                self.customers.entry((row.company, row.id)).or_insert((row, 0));
            }
            Write::PlatformEvent(row) => {
                self.platform_events.entry(row.dedup_key.clone()).or_insert(row);
            }
            Write::CalendarEvent(row) => {
                self.calendar_events.entry((row.company, row.dedup_key.clone())).or_insert(row);
            }
            Write::Quarantine(row) => {
                if self.quarantine.get(&row.id).is_none_or(|old| old.rank < row.rank) {
                    self.quarantine.insert(row.id.clone(), row);
                }
            }
            Write::QuarantineReleased(call) => self.quarantine.retain(|_, row| row.call_id != call),
            Write::DeadLetter(row) => {
                self.dead_letters.entry(row.id.clone()).or_insert(row);
            }
            Write::DeadLetterReplayed(id) => drop(self.dead_letters.remove(&id)),
            Write::FunctionCall(row) => self.function_calls.push(row),
        }
    }

    fn put_event(&mut self, row: EventRow) {
        let key = (row.call_id.clone(), row.dedup_key.clone());
        if self.events.get(&key).is_none_or(|old| old.rank() < row.rank()) {
            self.events.insert(key, row);
        }
    }

    /// The state in the row of a call.
    #[must_use]
    pub fn call_state(&self, call: &CallId) -> Option<CallState> {
        self.calls.get(call).and_then(|row| serde_json::from_slice(&row.state).ok())
    }

    /// The same as a store answers.
    pub(super) fn read_call_state(&self, call: &CallId) -> Result<Option<CallState>, StoreError> {
        let Some(row) = self.calls.get(call) else { return Ok(None) };
        serde_json::from_slice(&row.state).map(Some).map_err(|_| StoreError::Corrupt(format!("call {call}")))
    }

    /// A call that has not ended.
    #[must_use]
    pub fn live_row(&self, call: &CallId) -> LiveRow {
        let events = self.events.values().filter(|row| row.call_id == *call);
        let heard_first = events.map(|row| row.received_at).min();
        match self.call_state(call) {
            Some(state) => LiveRow::Whole(Box::new(LiveCall { state, heard_first })),
            None => LiveRow::Damaged { call_id: call.clone() },
        }
    }

    /// What is kept of a call beside its state.
    pub(super) fn damaged_call(&self, call: &CallId) -> Option<DamagedCall> {
        let row = self.calls.get(call)?;
        let mut events: Vec<&EventRow> = self.events.values().filter(|row| row.call_id == *call).collect();
        events.sort_by_key(|row| row.received_at);
        let kept = |row: &EventRow| match &row.body {
            Body::Inline(body) => KeptEvent { received_at: row.received_at, body: body.to_vec() },
            Body::InJournal(_) => KeptEvent { received_at: row.received_at, body: Vec::new() },
        };
        Some(DamagedCall {
            placed: PlacedIn { company: row.company, branch: row.branch },
            identity: CallIdentity {
                direction: row.direction.clone(),
                from_number: row.from_number.clone(),
                to_number: row.to_number.clone(),
                agent_id: row.agent_id.clone(),
            },
            is_over: row.status != "live",
            events: events.into_iter().map(kept).collect(),
            state: row.state.to_vec(),
        })
    }

    /// Whether a company promised a callback in a call.
    pub(super) fn has_promised_callback(&self, company: CompanyId, call: &CallId) -> bool {
        let mut wishes = self.callbacks.values();
        let mut answers = self.function_calls.iter();
        wishes.any(|row| row.company == company && row.call_id.as_ref() == Some(call))
            || answers.any(|row| {
                (row.company, &row.call_id) == (company, call)
                    && row.success
                    && row.function == "request_callback"
            })
    }

    /// The furthest stage of a call, in a company or in quarantine.
    #[must_use]
    pub fn stage_of(&self, call: &CallId) -> Option<Stage> {
        let placed = self.call_state(call).map(|state| state.stage);
        let waiting = self.quarantine.values().filter(|row| row.call_id == *call);
        waiting.map(|row| EventKind::parse(&row.event).stage()).chain(placed).max()
    }

    /// The booking in the row of an appointment.
    #[must_use]
    pub fn booking(&self, appointment: &AppointmentId) -> Option<Booking> {
        self.appointments.get(appointment).and_then(|row| serde_json::from_slice(&row.state).ok())
    }

    /// The same as a store answers.
    pub(super) fn read_booking(&self, appointment: &AppointmentId) -> Result<Option<Booking>, StoreError> {
        let Some(row) = self.appointments.get(appointment) else { return Ok(None) };
        let booking = serde_json::from_slice(&row.state);
        booking.map(Some).map_err(|_| StoreError::Corrupt(format!("appointment {appointment}")))
    }

    /// The same rows with every time of receipt left out.
    #[must_use]
    pub fn without_receipts(mut self) -> Self {
        self.events.values_mut().for_each(|row| row.received_at = UnixMillis(0));
        self.calendar_events.values_mut().for_each(|row| row.received_at = UnixMillis(0));
        self.quarantine.values_mut().for_each(|row| row.received_at = UnixMillis(0));
        self.dead_letters.values_mut().for_each(|row| row.created_at = UnixMillis(0));
        self
    }
}

/// Whether a row still has its body in the journal, which no writer may hand to a database.
pub(super) fn lacks_its_body(write: &Write) -> bool {
    let body = match write {
        Write::Event(row) => Some(&row.body),
        Write::PlatformEvent(row) => Some(&row.body),
        Write::CalendarEvent(row) => Some(&row.body),
        Write::Quarantine(row) => Some(&row.body),
        Write::DeadLetter(row) => row.body.as_ref(),
        _ => None,
    };
    body.is_some_and(|body| matches!(body, Body::InJournal(_)))
}
