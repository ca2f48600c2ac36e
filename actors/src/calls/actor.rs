//! The actor of one call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askpro_domain::{
    call::{AppointmentFact, CallState},
    customer::Upcoming,
    ids::{AppointmentId, CallId, CompanyId},
    time::UnixMillis,
};

use super::{
    AskFunction, CallMessage, CallView, CallWorld, EventReceived, Loaded, callback::Unwritten, rows,
    silence::Silence,
};
use crate::{
    parked::ParkedItem,
    ports::{
        journal::{Position, Signer},
        rows::{Body, EventRow, Write},
        stores::LiveCall,
    },
    runtime::{Actor, Context, fence},
    scheduling::SchedulingMessage,
    tenant::{LiveToken, TenantMessage},
    writer::WriteOrder,
};

/// How long before its deadline an order goes on without the store's answer.
const ORDER_MARGIN_MS: i64 = 1_000;

/// How long an order of a call that began in this life waits for the store: it can have booked nothing before, so this
/// is only for clocks that differ more than [`CLOCKS_DIFFER_MS`].
const NEW_CALL_WAIT_MS: i64 = 250;

/// How far the platform's clock and ours may be apart.
const CLOCKS_DIFFER_MS: i64 = 5_000;

/// Journaled bodies of one call that wait in memory for the store's answer.
const BODIES_KEPT_MAX: usize = 2;

/// How long an unplaced call stays in memory after its last message for bookings that a company claims in it.
const CLAIMS_KEPT_MS: i64 = 600_000;

/// A call.
pub struct CallActor {
    pub(super) state: CallState,
    pub(super) world: Arc<CallWorld>,
    /// What the store knew before, or must be asked again.
    pub(super) base: Base,
    /// Events whose rows are not yet with a writer, or that wait in quarantine for a company.
    pub(super) waiting: Vec<Waiting>,
    /// Events signed by a company's own key, until the store has said where the call belongs; with whether
    /// they are in quarantine.
    pub(super) deferred: Vec<(EventReceived, bool)>,
    /// Whether quarantine has events of this call.
    pub(super) in_quarantine: bool,
    /// Whether the store must be asked for those, wherever the call belongs.
    pub(super) ask_quarantine: bool,
    /// Which of those are not in `waiting`, by their records: only the store has their bodies.
    pub(super) left_in_quarantine: Vec<Position>,
    /// Orders that wait for it too, and until when.
    pub(super) orders: Vec<(AskFunction, UnixMillis)>,
    /// Agents that hear of a callback when it is on disk.
    pub(super) unwritten: Vec<Unwritten>,
    /// Bookings under companies' own keys, until something else says where the call belongs.
    pub(super) claims: BTreeMap<AppointmentId, (CompanyId, AppointmentFact)>,
    /// Companies whose bookings the store is asked for as well: those whose own keys may have claimed the call.
    pub(super) claims_of: BTreeSet<CompanyId>,
    /// Whether the call has a row, in the store or with a writer: it has what was claimed before.
    pub(super) has_row: bool,
    /// Companies that promised a callback under their own keys, likewise.
    pub(super) claimed_callbacks: BTreeSet<CompanyId>,
    /// Bookings of this call as they last moved, since this actor came to life, with their companies.
    pub(super) own: BTreeMap<AppointmentId, (CompanyId, Upcoming)>,
    /// Other rows that wait for the store's answer.
    pub(super) withheld: Vec<WriteOrder>,
    /// The newest transcript, until it is written.
    pub(super) transcript: Option<EventRow>,
    pub(super) live: Option<LiveToken>,
    /// The store was asked and did not answer: go by what was heard.
    pub(super) store_silent: bool,
    pub(super) told_over: bool,
    pub(super) silence: Silence,
    heard_at: UnixMillis,
}

/// Whether the store was asked what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    NotAsked,
    Asked(u64),
    Known,
}

/// An event that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub received: EventReceived,
    /// It has a row in quarantine.
    pub quarantined: bool,
    pub standing: Standing,
}

/// Whether an event may touch this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may, and its facts are in the state.
    Ours,
    /// A company's own key signed it, and the call is not placed yet: its facts are not in the state.
    Undecided,
    /// The key of another company signed it, or it tells of another company's call than the one that claims it.
    Foreign,
}

impl Actor for CallActor {
    const KIND: &'static str = "call";
    type Key = CallId;
    type Message = CallMessage;

    fn handle(&mut self, message: &CallMessage, cx: &mut Context<'_, Self>) {
        match message {
            CallMessage::EventReceived(received) => self.event_received(received, cx),
            CallMessage::AskFunction(ask) => {
                self.want_claims(ask);
                self.hear(cx);
                let was_placed = self.state.placed.is_some();
                self.order_or_ask(ask, cx);
                if !was_placed && self.state.placed.is_some() {
                    self.hand_over();
                }
            }
            CallMessage::BookingMoved(moved) => {
                self.hear(cx);
                self.booking_moved(moved);
            }
            CallMessage::CallbackTaken(taken) => {
                self.hear(cx);
                self.callback_taken(taken);
            }
            CallMessage::Loaded { question, loaded } => self.loaded(*question, loaded, cx),
            CallMessage::Restored(live) => self.restored(live, cx),
            CallMessage::Silent => self.fell_silent(cx),
            CallMessage::StillOngoing => self.silence.ongoing(cx.now()),
            CallMessage::FlushTranscript => {
                self.flush_transcript();
                self.arm_transcript(cx);
            }
            CallMessage::Answered => {}
            CallMessage::GoOn => self.go_on(cx),
            CallMessage::LoadAgain if self.base == Base::Known => {}
            CallMessage::LoadAgain => self.load(cx),
            CallMessage::GetCall(reply) => {
                cx.answer(reply, self.view());
                // Whoever only looks keeps nobody in memory.
                if self.base != Base::NotAsked {
                    return;
                }
            }
            CallMessage::Leave => return self.leave(cx),
        }
        self.follow_life(cx);
        if self.base == Base::NotAsked && self.state.placed.is_some() {
            self.load(cx);
        }
    }

    fn stopping(&mut self) {
        self.write_transcript();
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
            orders: Vec::new(),
            unwritten: Vec::new(),
            claims: BTreeMap::new(),
            claims_of: BTreeSet::new(),
            has_row: false,
            claimed_callbacks: BTreeSet::new(),
            own: BTreeMap::new(),
            in_quarantine: false,
            ask_quarantine: false,
            left_in_quarantine: Vec::new(),
            withheld: Vec::new(),
            transcript: None,
            live: None,
            store_silent: false,
            told_over: false,
            silence: Silence::new(heard_at),
            heard_at,
        }
    }

    /// A copy to replay on, so that a panic in between leaves the original whole.
    pub(super) fn clone_for_replay(&self) -> Self {
        let mut copy = Self::new(self.state.call_id.clone(), self.world.clone());
        copy.state = self.state.clone();
        copy.waiting.clone_from(&self.waiting);
        copy.deferred.clone_from(&self.deferred);
        copy.withheld.clone_from(&self.withheld);
        copy.claims.clone_from(&self.claims);
        copy.claims_of.clone_from(&self.claims_of);
        copy.claimed_callbacks.clone_from(&self.claimed_callbacks);
        copy.own.clone_from(&self.own);
        copy.in_quarantine = self.in_quarantine;
        copy.ask_quarantine = self.ask_quarantine;
        copy.silence = self.silence;
        copy
    }

    /// An event that was journaled before a panic; its rows are with a writer when `handed`, and these may be
    /// rows of quarantine: the event waits on, should the call be placed.
    pub(super) fn replay_event(mut self, received: EventReceived, handed: bool) -> Self {
        self.silence.heard(received.received_at);
        self.in_quarantine |= handed;
        self.ask_quarantine |= handed;
        if self.must_defer(received.signer) {
            self.defer(received, handed);
            return self;
        }
        self.apply(&received);
        if !received.event.kind.is_supersedable() {
            self.wait(Waiting { received, quarantined: handed, standing: Standing::Ours });
        }
        self
    }

    fn event_received(&mut self, received: &EventReceived, cx: &mut Context<'_, Self>) {
        // By what is known without it: a number may have been imported since.
        self.place();
        if self.base == Base::NotAsked || self.state.placed.is_none() {
            let claimant = self.claimant(received.signer, || self.named_by(&received.event));
            self.ask_claims_of(claimant);
        }
        self.hear(cx);
        self.silence.heard(received.received_at);
        if self.must_defer(received.signer) {
            self.defer(received.clone(), false);
            return;
        }
        self.take_event(received.clone(), false, cx);
        self.hand_over();
    }

    /// Of running transcripts only the newest waits: it has all the words of those before it.
    fn defer(&mut self, received: EventReceived, quarantined: bool) {
        let is_transcript = received.event.kind.is_supersedable();
        let known = |(other, _): &&mut (EventReceived, bool)| match is_transcript {
            true => other.event.kind.is_supersedable() && other.signer == received.signer,
            false => received.position.is_some() && other.position == received.position,
        };
        match self.deferred.iter_mut().find(known) {
            None => self.deferred.push((received, quarantined)),
            Some((older, _)) if is_transcript && rank(older) < rank(&received) => *older = received,
            Some(_) => {}
        }
        self.leave_bodies_in_journal();
    }

    /// Applies an event, or sets it aside when it is not this signer's.
    pub(super) fn take_event(
        &mut self,
        received: EventReceived,
        quarantined: bool,
        cx: &mut Context<'_, Self>,
    ) {
        let standing = self.standing_of(&received);
        if standing == Standing::Ours {
            self.apply(&received);
            if received.event.kind.is_supersedable() {
                return self.keep_transcript(&received, cx);
            }
        } else if standing == Standing::Undecided && received.event.kind.is_supersedable() {
            return;
        }
        self.wait(Waiting { received, quarantined, standing });
    }

    pub(super) fn apply(&mut self, received: &EventReceived) {
        let (event, was_placed) = (&received.event, self.state.placed.is_some());
        let state = std::mem::replace(&mut self.state, CallState::new(event.call_id.clone()));
        self.state = state.apply(event);
        self.place();
        self.note_word(received, was_placed);
    }

    fn wait(&mut self, waiting: Waiting) {
        let position = waiting.received.position;
        if position.is_none() || self.waiting.iter().all(|w| w.received.position != position) {
            self.waiting.push(waiting);
        }
    }

    /// Gives rows to the writer, with the row of the call and all that was promised in it; before the store has
    /// answered they wait.
    pub(super) fn write(&mut self, mut order: WriteOrder) {
        self.join_claims();
        let call_id = self.state.call_id.clone();
        order.call_id = Some(call_id.clone());
        fence::pass();
        if self.base != Base::Known {
            self.withheld.push(order);
            return;
        }
        if let Some(row) = rows::call_row(&self.state) {
            self.has_row = true;
            order.writes.push(Write::Call(Box::new(row)));
        }
        order.positions = self.world.pending.hand_over(&call_id, &order.positions);
        self.world.writers.write(order);
    }

    /// Hands over what waits, once the store has answered: to the company it belongs to, else to quarantine.
    pub(super) fn hand_over(&mut self) {
        self.place();
        self.join_claims();
        self.ask_what_is_missing();
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

    /// While the store is away, bodies that are in the journal need not be here too. The first few wait in
    /// memory for a store that answers at once. The journal keeps none that a writer had: of what is in quarantine.
    fn leave_bodies_in_journal(&mut self) {
        let kept = if self.store_silent { 0 } else { BODIES_KEPT_MAX };
        let (pending, call_id) = (&self.world.pending, &self.state.call_id);
        let waiting = self.waiting.iter_mut().map(|item| (&mut item.received, item.quarantined));
        let deferred = self.deferred.iter_mut().map(|(received, quarantined)| (received, *quarantined));
        let all =
            waiting.chain(deferred).filter(|(_, quarantined)| !quarantined).map(|(received, _)| received);
        let is_kept = |received: &&mut EventReceived| {
            !received.body.is_empty() && received.position.is_some_and(|at| pending.waits(call_id, at))
        };
        for received in all.filter(is_kept).skip(kept) {
            received.body = bytes::Bytes::new();
        }
    }

    fn hear(&mut self, cx: &mut Context<'_, Self>) {
        self.heard_at = cx.now();
        if self.base == Base::NotAsked {
            self.load(cx);
        }
    }

    fn loaded(&mut self, question: u64, loaded: &Loaded, cx: &mut Context<'_, Self>) {
        if self.base != Base::Asked(question) {
            // Asked by this actor before a panic: rows may have been written since.
            if self.base == Base::NotAsked {
                self.load(cx);
            }
            return;
        }
        match loaded {
            Loaded::Failed(error) => {
                tracing::debug!(call.id = %self.state.call_id, error, "the store did not say what it knows of a call");
                self.store_silent = true;
                self.leave_bodies_in_journal();
                self.load_later(cx);
            }
            Loaded::Known { state, quarantined, claims, claimed_callbacks, repair } => {
                (self.base, self.store_silent) = (Base::Known, false);
                if let Some(stored) = state {
                    self.join(stored);
                }
                for (appointment, claim) in claims {
                    self.note_claim(appointment, *claim);
                }
                self.claimed_callbacks.extend(claimed_callbacks);
                if let Some(repair) = repair {
                    self.set_row_aside(repair);
                }
                for event in quarantined {
                    self.take_quarantined(event, cx);
                }
                self.left_in_quarantine.clear();
                self.take_deferred(cx);
                self.hand_over();
                self.go_on(cx);
            }
        }
    }

    fn join(&mut self, older: &CallState) {
        self.has_row = true;
        self.make_way(older);
        let state = std::mem::replace(&mut self.state, CallState::new(older.call_id.clone()));
        self.state = state.join_older(older.clone());
    }

    /// What waited for the store's answer, now that it is known where the call stands.
    fn take_deferred(&mut self, cx: &mut Context<'_, Self>) {
        for (received, quarantined) in std::mem::take(&mut self.deferred) {
            self.take_event(received, quarantined, cx);
        }
    }

    fn restored(&mut self, live: &LiveCall, cx: &mut Context<'_, Self>) {
        self.join(&live.state);
        if let Some(at) = live.heard_first {
            self.silence.heard(at);
        }
        if live.state.placed.is_some() && self.claims_of.is_empty() {
            self.base = Base::Known;
            // The store's own answer, which may still come, is of no more use.
            self.take_deferred(cx);
            self.hand_over();
        }
    }

    /// Follows from alive to over: counts, tells the scheduler, and leaves memory when all is done.
    fn follow_life(&mut self, cx: &mut Context<'_, Self>) {
        let over = self.state.is_over();
        // A late event of a call that is over must not count it again: the store knows.
        let sure = self.base == Base::Known || self.store_silent;
        if let (Some(placed), false) = (self.state.placed, over)
            && sure
            && self.live.is_none()
        {
            self.live = Some(self.world.live.enter(placed.company));
            self.world.admissions.began(placed.company, &self.state.call_id);
            self.tell_tenant(placed.company, TenantMessage::CallBegan, cx);
            self.listen(cx);
        }
        if over && !self.told_over {
            self.told_over = true;
            self.write_transcript();
            let was_live = self.live.take().is_some();
            if let Some(placed) = self.state.placed {
                if was_live {
                    self.tell_tenant(placed.company, TenantMessage::CallEnded, cx);
                } else {
                    self.world.admissions.never_began(placed.company, &self.state.call_id);
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
        let call_id = &self.state.call_id;
        let nothing_waits = self.waiting.iter().all(|w| w.quarantined)
            && self.deferred.is_empty()
            && self.orders.is_empty()
            && self.withheld.is_empty()
            && (self.transcript.is_none() || self.state.placed.is_none())
            && self.world.pending.of(call_id).is_empty()
            // Whoever comes back before its newest row is written would read an older one.
            && !self.world.writers.has_row_of(call_id);
        let has_claims = !self.claims.is_empty() || !self.claimed_callbacks.is_empty();
        let keeps_claims = has_claims && cx.now().since(self.heard_at) < CLAIMS_KEPT_MS;
        let over_or_nowhere = self.state.is_over() || self.state.placed.is_none();
        let done = over_or_nowhere && !keeps_claims;
        if done && nothing_waits && !matches!(self.base, Base::Asked(_)) {
            return cx.stop();
        }
        if self.base == Base::NotAsked {
            self.load(cx);
        }
        if over_or_nowhere {
            cx.arm("leave", cx.now().plus_ms(self.world.settings.linger_ms), CallMessage::Leave);
        }
    }

    fn view(&self) -> CallView {
        CallView {
            state: self.state.clone(),
            unplaced: self.state.placed.is_none(),
            loaded: self.base == Base::Known,
            withheld_orders: self.withheld.len()
                + self.deferred.len()
                + self.waiting.iter().filter(|w| !w.quarantined).count(),
            heard_at: self.heard_at,
        }
    }

    /// Whether the store has said what it knows of this call.
    pub(super) fn is_known(&self) -> bool {
        self.base == Base::Known
    }

    /// Until when an order may wait for the store; one that does not answer gets one more chance.
    pub(super) fn wait_until(&self, ask: &AskFunction, now: UnixMillis) -> UnixMillis {
        let latest = ask.deadline.plus_ms(-ORDER_MARGIN_MS);
        let longest_ms = if self.began_in_this_life(ask) {
            NEW_CALL_WAIT_MS
        } else if self.store_silent {
            2 * self.world.settings.load_again_ms
        } else {
            return latest;
        };
        latest.min(now.plus_ms(longest_ms))
    }

    /// Whether everything that was ever asked in this call was asked of this process.
    fn began_in_this_life(&self, ask: &AskFunction) -> bool {
        let first = self.world.owner_since.plus_ms(CLOCKS_DIFFER_MS);
        let began = self.state.started_at.as_ref().map(|started| started.value).or(ask.started_at);
        began.is_some_and(|began| began >= first)
    }

    /// Whether the store must be asked first: a company's own key may touch only calls of that company.
    fn must_defer(&self, signer: Signer) -> bool {
        signer != Signer::Platform && self.base != Base::Known
    }
}

/// Which version of the same event stays.
fn rank(received: &EventReceived) -> String {
    rows::event_row(received, CompanyId(0)).rank()
}

/// The body of a waiting event: in memory, or left in the journal.
pub(super) fn body_of(received: &EventReceived) -> Body {
    match received.position {
        Some(position) if received.body.is_empty() => Body::InJournal(position),
        _ => Body::Inline(received.body.clone()),
    }
}
