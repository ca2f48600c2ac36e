//! The actor of one call.

use std::sync::Arc;

use askpro_domain::{
    call::{CallEvent, CallState},
    ids::{CallId, CompanyId},
    time::UnixMillis,
};

use super::{CallMessage, CallView, CallWorld, EventReceived, Loaded, rows};
use crate::{
    parked::ParkedItem,
    ports::{
        rows::{Body, EventRow, Write},
        stores::QuarantinedEvent,
    },
    runtime::{Actor, Context},
    scheduling::SchedulingMessage,
    tenant::{LiveToken, TenantMessage},
    writer::WriteOrder,
};

/// A call.
pub struct CallActor {
    pub(super) state: CallState,
    pub(super) world: Arc<CallWorld>,
    /// What the store knew before.
    base: Base,
    /// Events whose rows are not yet with a writer, or that wait in quarantine for a company.
    pub(super) waiting: Vec<Waiting>,
    /// Events signed by a company's own key, until the store has said where the call belongs.
    deferred: Vec<EventReceived>,
    /// Other rows that wait for the store's answer.
    withheld: Vec<WriteOrder>,
    /// The newest transcript, until it is written.
    transcript: Option<EventRow>,
    live: Option<LiveToken>,
    told_over: bool,
    heard_at: UnixMillis,
}

/// Whether the store was asked what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    NotAsked,
    Asked,
    Known,
}

/// An event that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub received: EventReceived,
    /// It has a row in quarantine.
    pub quarantined: bool,
}

impl Actor for CallActor {
    const KIND: &'static str = "call";
    type Key = CallId;
    type Message = CallMessage;

    fn handle(&mut self, message: &CallMessage, cx: &mut Context<'_, Self>) {
        match message {
            CallMessage::EventReceived(received) => self.event_received(received, cx),
            CallMessage::AskFunction(ask) => {
                self.hear(cx);
                self.ask_function(ask, cx);
            }
            CallMessage::BookingMoved(moved) => {
                self.hear(cx);
                self.booking_moved(moved);
            }
            CallMessage::Loaded(loaded) => self.loaded(loaded, cx),
            CallMessage::Restored(state) => self.restored(state),
            CallMessage::FlushTranscript => self.flush_transcript(),
            CallMessage::LoadAgain => self.load(cx),
            CallMessage::GetCall(reply) => {
                cx.answer(reply, self.view());
            }
            CallMessage::Leave => return self.leave(cx),
        }
        self.follow_life(cx);
    }
}

impl CallActor {
    /// A call of which nothing is known yet.
    pub(super) fn new(call_id: CallId, world: Arc<CallWorld>) -> Self {
        let heard_at = world.clock.now();
        Self {
            state: CallState::new(call_id),
            world,
            base: Base::NotAsked,
            waiting: Vec::new(),
            deferred: Vec::new(),
            withheld: Vec::new(),
            transcript: None,
            live: None,
            told_over: false,
            heard_at,
        }
    }

    /// A copy to replay on, so that a panic in between leaves the original whole.
    pub(super) fn clone_for_replay(&self) -> Self {
        let mut copy = Self::new(self.state.call_id.clone(), self.world.clone());
        copy.state = self.state.clone();
        copy.waiting.clone_from(&self.waiting);
        copy
    }

    /// An event that was journaled before a panic; its rows are with a writer when `handed`.
    pub(super) fn replay_event(mut self, received: EventReceived, handed: bool) -> Self {
        self.apply(&received.event);
        if !received.event.kind.is_supersedable() {
            // Rows that a writer has may be quarantine rows: the event waits on, should the call be placed.
            self.wait(received, handed);
        }
        self
    }

    /// A booking's move that was journaled before a panic.
    pub(super) fn replay_booking(mut self, booking: &askpro_domain::booking::Booking) -> Self {
        let state = std::mem::replace(&mut self.state, CallState::new(booking.order.call_id.clone()));
        self.state = state.settle(booking.order.appointment.clone(), super::factory::fact_of(booking));
        self
    }

    fn event_received(&mut self, received: &EventReceived, cx: &mut Context<'_, Self>) {
        self.hear(cx);
        if self.must_defer(received.signer) {
            self.deferred.push(received.clone());
            return;
        }
        self.take_event(received.clone(), false, cx);
        self.hand_over();
    }

    /// Applies an event, or sets it aside when it is not this signer's.
    fn take_event(&mut self, received: EventReceived, quarantined: bool, cx: &mut Context<'_, Self>) {
        if self.is_foreign(&received) {
            if !quarantined {
                self.quarantine_foreign(&received);
            }
            return;
        }
        self.apply(&received.event);
        if received.event.kind.is_supersedable() {
            self.keep_transcript(&received, cx);
        } else {
            self.wait(received, quarantined);
        }
    }

    fn apply(&mut self, event: &CallEvent) {
        let state = std::mem::replace(&mut self.state, CallState::new(event.call_id.clone()));
        self.state = state.apply(event);
        self.place();
    }

    fn wait(&mut self, received: EventReceived, quarantined: bool) {
        let known = received.position.is_some()
            && self.waiting.iter().any(|w| w.received.position == received.position);
        if !known {
            self.waiting.push(Waiting { received, quarantined });
        }
    }

    /// Keeps the newer transcript, to be written at most every few seconds.
    fn keep_transcript(&mut self, received: &EventReceived, cx: &mut Context<'_, Self>) {
        let row = rows::event_row(received, CompanyId(0));
        if self.transcript.as_ref().is_none_or(|old| old.rank() < row.rank()) {
            if self.transcript.is_none() {
                let at = cx.now().plus_ms(self.world.settings.transcript_flush_ms);
                cx.arm("transcript", at, CallMessage::FlushTranscript);
            }
            self.transcript = Some(row);
        }
    }

    fn flush_transcript(&mut self) {
        if self.base != Base::Known {
            return;
        }
        let (Some(placed), Some(mut row)) = (self.state.placed, self.transcript.take()) else { return };
        row.company = placed.company;
        self.write(WriteOrder { call_id: None, writes: vec![Write::Event(row)], positions: Vec::new() });
    }

    fn booking_moved(&mut self, moved: &super::BookingMoved) {
        let call_id = self.state.call_id.clone();
        let mut state = std::mem::replace(&mut self.state, CallState::new(call_id));
        state = state.place(moved.placed).settle(moved.appointment.clone(), moved.fact);
        self.state = if moved.callback { state.promise_callback() } else { state };
        let positions = vec![moved.position];
        self.write(WriteOrder { call_id: None, writes: moved.writes.clone(), positions });
        self.hand_over();
    }

    /// Gives rows to the writer, with the row of the call; before the store has answered they wait.
    pub(super) fn write(&mut self, mut order: WriteOrder) {
        let call_id = self.state.call_id.clone();
        order.call_id = Some(call_id.clone());
        if self.base != Base::Known {
            self.withheld.push(order);
            return;
        }
        if let Some(row) = rows::call_row(&self.state) {
            order.writes.push(Write::Call(Box::new(row)));
        }
        self.world.pending.hand_over(&call_id, &order.positions);
        self.world.writers.write(order);
    }

    /// Hands over what waits, once the store has answered: to the company it belongs to, else to quarantine.
    pub(super) fn hand_over(&mut self) {
        if self.base != Base::Known {
            self.leave_bodies_in_journal();
            return;
        }
        for order in std::mem::take(&mut self.withheld) {
            self.write(order);
        }
        match self.state.placed {
            Some(placed) => self.hand_over_placed(placed.company),
            None => self.hand_over_unplaced(),
        }
    }

    fn hand_over_placed(&mut self, company: CompanyId) {
        if self.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let was_quarantined = waiting.iter().any(|w| w.quarantined);
        let positions =
            waiting.iter().filter(|w| !w.quarantined).filter_map(|w| w.received.position).collect();
        let mut writes: Vec<Write> =
            waiting.iter().map(|w| Write::Event(rows::event_row(&w.received, company))).collect();
        if was_quarantined {
            writes.push(Write::QuarantineReleased(self.state.call_id.clone()));
        }
        self.write(WriteOrder { call_id: None, writes, positions });
    }

    /// While the store is away, bodies that are in the journal need not be here too.
    fn leave_bodies_in_journal(&mut self) {
        const KEPT: usize = 2;
        if self.state.placed.is_none() {
            return;
        }
        for waiting in self.waiting.iter_mut().skip(KEPT) {
            if waiting.received.position.is_some() {
                waiting.received.body = bytes::Bytes::new();
            }
        }
    }

    fn hear(&mut self, cx: &mut Context<'_, Self>) {
        self.heard_at = cx.now();
        if self.base == Base::NotAsked {
            self.load(cx);
        }
    }

    /// Asks the store what it knows of this call, outside this turn.
    fn load(&mut self, cx: &mut Context<'_, Self>) {
        self.base = Base::Asked;
        let (store, call_id) = (self.world.store.clone(), self.state.call_id.clone());
        let ask = async move {
            let loaded = match store.find_call_state(&call_id).await {
                Ok(Some(state)) if state.placed.is_some() => Loaded::Known(Some(Box::new(state)), Vec::new()),
                Ok(state) => match store.quarantined_of_call(&call_id).await {
                    Ok(events) => Loaded::Known(state.map(Box::new), events),
                    Err(error) => Loaded::Failed(error.to_string()),
                },
                Err(error) => Loaded::Failed(error.to_string()),
            };
            CallMessage::Loaded(Box::new(loaded))
        };
        cx.start(ask, || CallMessage::Loaded(Box::new(Loaded::Failed("the question panicked".to_owned()))));
    }

    fn loaded(&mut self, loaded: &Loaded, cx: &mut Context<'_, Self>) {
        match loaded {
            Loaded::Failed(error) => {
                tracing::debug!(call.id = %self.state.call_id, error, "the store did not say what it knows of a call");
                cx.arm("load", cx.now().plus_ms(self.world.settings.load_again_ms), CallMessage::LoadAgain);
            }
            Loaded::Known(stored, quarantined) => {
                self.base = Base::Known;
                if let Some(stored) = stored {
                    self.join(stored);
                }
                for event in quarantined {
                    self.take_quarantined(event, cx);
                }
                for received in std::mem::take(&mut self.deferred) {
                    self.take_event(received, false, cx);
                }
                self.hand_over();
            }
        }
    }

    fn take_quarantined(&mut self, stored: &QuarantinedEvent, cx: &mut Context<'_, Self>) {
        let body = bytes::Bytes::copy_from_slice(&stored.body);
        match self.world.decoder.decode(&body) {
            Ok(event) if !self.waits_already(&event) => {
                let signer = stored
                    .signer_company
                    .map_or(crate::ports::journal::Signer::Platform, crate::ports::journal::Signer::Company);
                let received =
                    EventReceived { event, body, position: None, received_at: stored.received_at, signer };
                self.take_event(received, true, cx);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(quarantine.id = stored.id, error, "a quarantined event cannot be read")
            }
        }
    }

    fn waits_already(&self, event: &CallEvent) -> bool {
        self.waiting.iter().any(|w| w.received.event.body_hash == event.body_hash)
    }

    fn join(&mut self, older: &CallState) {
        let state = std::mem::replace(&mut self.state, CallState::new(older.call_id.clone()));
        self.state = state.join_older(older.clone());
    }

    fn restored(&mut self, state: &CallState) {
        self.join(state);
        if state.placed.is_some() {
            self.base = Base::Known;
            self.hand_over();
        }
    }

    /// Follows from alive to over: counts, tells the scheduler, and leaves memory when all is done.
    fn follow_life(&mut self, cx: &mut Context<'_, Self>) {
        let over = self.state.is_over();
        if let (Some(placed), false) = (self.state.placed, over)
            && self.live.is_none()
        {
            self.live = Some(self.world.live.enter(placed.company));
            self.tell_tenant(placed.company, TenantMessage::CallBegan, cx);
        }
        if over && !self.told_over {
            self.told_over = true;
            self.flush_transcript();
            let was_live = self.live.take().is_some();
            if let Some(placed) = self.state.placed {
                if was_live {
                    self.tell_tenant(placed.company, TenantMessage::CallEnded, cx);
                }
                self.tell_scheduler(placed.company, cx);
            }
        }
        if over || self.state.placed.is_none() {
            cx.arm("leave", cx.now().plus_ms(self.world.settings.linger_ms), CallMessage::Leave);
        }
    }

    fn tell_tenant(&self, company: CompanyId, message: TenantMessage, cx: &mut Context<'_, Self>) {
        let world = self.world.clone();
        cx.effect(move || {
            if let Some(tenants) = world.tenants.get() {
                // A figure that does not fit into a full mailbox is counted there as refused.
                let _ = tenants.offer(company, message);
            }
        });
    }

    fn tell_scheduler(&self, company: CompanyId, cx: &mut Context<'_, Self>) {
        let (world, call_id) = (self.world.clone(), self.state.call_id.clone());
        cx.effect(move || {
            let Some(schedulers) = world.schedulers.get() else { return };
            let message = SchedulingMessage::CallFinished(call_id.clone());
            if let Ok(true) | Ok(false) = schedulers.offer_if_live(company, message) {
                return;
            }
            world.parked.park(ParkedItem::CallFinished { company, call_id });
        });
    }

    /// Leaves memory when nothing is left to do here.
    fn leave(&mut self, cx: &mut Context<'_, Self>) {
        self.flush_transcript();
        let nothing_waits = self.waiting.iter().all(|w| w.quarantined)
            && self.deferred.is_empty()
            && self.withheld.is_empty()
            && (self.transcript.is_none() || self.state.placed.is_none());
        let nothing_waits = nothing_waits && self.world.pending.of(&self.state.call_id).is_empty();
        let done = self.state.is_over() || self.state.placed.is_none();
        if done && nothing_waits && self.base != Base::Asked {
            cx.stop();
        } else if done {
            cx.arm("leave", cx.now().plus_ms(self.world.settings.linger_ms), CallMessage::Leave);
        }
    }

    fn view(&self) -> CallView {
        CallView {
            state: self.state.clone(),
            unplaced: self.state.placed.is_none(),
            loaded: self.base == Base::Known,
            withheld_orders: self.withheld.len() + self.waiting.iter().filter(|w| !w.quarantined).count(),
            heard_at: self.heard_at,
        }
    }

    /// Whether the store must be asked first: a company's own key may touch only calls of that company.
    fn must_defer(&self, signer: crate::ports::journal::Signer) -> bool {
        signer != crate::ports::journal::Signer::Platform && self.base != Base::Known
    }
}

/// The body of a waiting event: in memory, or left in the journal.
pub(super) fn body_of(received: &EventReceived) -> Body {
    match received.position {
        Some(position) if received.body.is_empty() => Body::InJournal(position),
        _ => Body::Inline(received.body.clone()),
    }
}
