//! The scheduler of one company: its state, its messages, and what is due.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use askpro_domain::{
    booking::{AppointmentStatus, Booking, BookingEffect, BookingEvent, BookingOrder, BookingState},
    ids::{AppointmentId, CallId, CompanyId},
    policy::Breaker,
    slots::{HoldId, HoldState, SlotLedger},
    tenant::Company,
    time::{Interval, UnixMillis},
};

use futures_util::{FutureExt, future::Shared};

use super::{
    BookingView, HoldView, SchedulerView, SchedulingAsk, SchedulingMessage, SchedulingWorld,
    breakers::Breakers, check::Question, conflict::Settling, heard::Heard, mirror::Mirror, pins::Pin,
    plan::Wish, reservations::Reservations,
};
use crate::{
    calls::Answered,
    ports::journal::{Durable, SchedulingRecord},
    runtime::{Actor, Context, Reply, fence},
};

/// How long a settled booking is remembered after its call: longer than the five minutes in which a signed
/// order may be sent again.
const SETTLED_KEPT_MS: i64 = 600_000;
/// The same where the end of the call may never be told here: the longest call lasts two hours.
const CLAIMED_KEPT_MS: i64 = 7_200_000 + SETTLED_KEPT_MS;

/// A company's scheduler.
pub struct SchedulingActor {
    pub(super) company: CompanyId,
    pub(super) world: Arc<SchedulingWorld>,
    pub(super) ledger: SlotLedger,
    pub(super) offers: BTreeMap<CallId, Offer>,
    pub(super) bookings: BTreeMap<AppointmentId, Active>,
    pub(super) questions: Vec<Question>,
    /// Agents that hear of a hold when it is on disk.
    pub(super) untold: Vec<Untold>,
    /// Agents that wait for what the store has of their earlier bookings.
    pub(super) asked_store: Vec<SchedulingAsk>,
    pub(super) mirror: Mirror,
    pub(super) breakers: Breakers,
    /// What is reserved at the calendar, as a hint.
    pub(super) reservations: Reservations,
    /// Stands before reservations alone.
    pub(super) reserve_breaker: Breaker,
    /// The pending booking whose POST is under way.
    pub(super) posting_again: Option<AppointmentId>,
    /// Pending bookings wait at least until then.
    pub(super) posts_wait_until: UnixMillis,
    /// Views are not fetched before anybody asks until then.
    pub(super) warm_wait_until: UnixMillis,
    /// What the calendar announced on its own.
    pub(super) heard: Heard,
    pub(super) last_calendar_error: Option<String>,
    /// Since when the calendar has not told its slots.
    pub(super) slots_silent_since: Option<UnixMillis>,
    pub(super) keep_at: UnixMillis,
    /// Orders that were cut off before they were submitted, to be closed as abandoned.
    pub(super) cut_off: Vec<BookingOrder>,
    /// More bookings are to be forgotten than at the end of the turn before.
    has_more_to_forget: bool,
    counted_holds: i64,
}

/// What a call is being offered.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub hold: HoldId,
    pub wish: Wish,
    pub event_type_id: i64,
    pub member: Option<askpro_domain::ids::StaffId>,
    pub interval: Interval,
    /// It was made for a booking that left its time open, and the caller is to agree to it.
    pub proposed: Option<Proposed>,
}

/// Who proposed a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposed {
    /// The tool call, when that is known.
    pub tool_call_id: Option<String>,
}

/// A booking in memory, with who waits for it.
#[derive(Debug)]
pub(super) struct Active {
    pub booking: Booking,
    pub waiters: Vec<Waiter>,
    /// Agents that hear that it is pending once that is on disk, and by then at the latest what is true without it.
    pub promised: Vec<Waiter>,
    /// The next step, and when.
    pub due: Option<(UnixMillis, DueStep)>,
    /// Its call is over: forgotten once nothing is left to do.
    pub call_finished: bool,
    /// Whether its order is on disk: nothing is sent or promised before.
    pub is_on_disk: bool,
    /// The record of its last move, not yet known to be on disk; a POST waits for it.
    pub written_ahead: WrittenAhead,
    /// It is settled, and its call is over or may end without a word: it is forgotten then.
    pub forget_at: Option<UnixMillis>,
    /// The status that was counted last: only a change of it counts.
    pub counted: AppointmentStatus,
    /// Effects of moves that the journal did not take, and when it is tried again.
    pub unrecorded: Option<(UnixMillis, Vec<BookingEffect>)>,
    /// It is about to become a conflict.
    pub settling: Option<Settling>,
    /// It surfaced after its release, and the calendar has not cancelled it yet.
    pub is_being_cancelled: bool,
}

/// Resolves when a record is on disk, for everybody who waits for it.
pub(super) type KnownDurable = Shared<Durable>;

/// The record of a move; `None` when it is known to be on disk.
#[derive(Default)]
pub(super) struct WrittenAhead(pub Option<KnownDurable>);

impl WrittenAhead {
    /// Of a record that is on its way to the disk.
    pub(super) fn of(durable: Durable) -> Self {
        Self(Some(durable.shared()))
    }
}

impl std::fmt::Debug for WrittenAhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrittenAhead")
    }
}

impl Active {
    /// A booking that nobody waits for.
    pub(super) fn of(booking: Booking) -> Self {
        Self {
            call_finished: false,
            counted: booking.status(),
            forget_at: None,
            is_being_cancelled: has_surfaced(&booking),
            booking,
            waiters: Vec::new(),
            promised: Vec::new(),
            is_on_disk: true,
            due: None,
            written_ahead: WrittenAhead::default(),
            unrecorded: None,
            settling: None,
        }
    }

    /// Whether there is still something to do for it.
    pub(super) fn is_busy(&self) -> bool {
        is_unsettled(&self.booking)
            || self.is_being_cancelled
            || self.due.is_some()
            || self.unrecorded.is_some()
    }
}

/// Whether the record of this move must be found again after a crash: what comes of it is open, or it surfaced and is
/// to be cancelled.
pub(super) fn is_needed(booking: &Booking) -> bool {
    is_unsettled(booking) || has_surfaced(booking)
}

/// Whether its outcome is open, or it is to be looked for once more.
fn is_unsettled(booking: &Booking) -> bool {
    booking.status().is_open() || booking.late_look_at.is_some()
}

/// Whether it surfaced after its release, and so is or was cancelled at the calendar by us.
fn has_surfaced(booking: &Booking) -> bool {
    matches!(booking.state, BookingState::Cancelled { .. })
        && booking.history.last().is_some_and(|last| last.reason == "surfaced_after_release")
}

/// An agent that waits for a booking.
#[derive(Debug)]
pub(super) struct Waiter {
    pub reply: Reply<Answered>,
    pub answer_by: UnixMillis,
}

/// An agent whose hold is not on disk yet.
#[derive(Debug)]
pub(super) struct Untold {
    pub waiter: Waiter,
    pub call_id: CallId,
    pub hold: HoldId,
    /// The call had it before, and its end was put off.
    pub prolongs: bool,
}

/// What a booking waits to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DueStep {
    /// Post it (again), when it is its turn.
    Post,
    /// Look at the calendar.
    Look,
    /// Cancel it there: it surfaced after its release.
    Cancel,
    /// Its POST was under way when the actor panicked, and never came back.
    GiveUpPost,
}

impl Actor for SchedulingActor {
    const KIND: &'static str = "scheduling";
    type Key = CompanyId;
    type Message = SchedulingMessage;

    fn handle(&mut self, message: &SchedulingMessage, cx: &mut Context<'_, Self>) {
        self.abandon_cut_off(cx);
        self.end_reservations(cx.now());
        match message {
            SchedulingMessage::Ask(ask) => self.ask(ask, cx),
            SchedulingMessage::CallFinished(call_id) => self.call_finished(call_id, cx),
            SchedulingMessage::Restore(restore) => self.restore(restore, cx),
            SchedulingMessage::SlotsFetched { event_type_id, window, pass, result } => {
                self.slots_fetched(*event_type_id, *window, *pass, result, cx);
            }
            SchedulingMessage::OrderWritten { appointment, answer_by, is_durable } => {
                self.order_written(appointment, *answer_by, *is_durable, cx);
            }
            SchedulingMessage::Posted { appointment, pass, outcome } => {
                self.posted(appointment, *pass, outcome.as_ref(), cx);
            }
            SchedulingMessage::Looked { appointment, pass, looked_before, result } => {
                self.looked(appointment, *pass, *looked_before, result, cx);
            }
            SchedulingMessage::EarlierFound { ask, earlier } => self.earlier_found(ask, earlier, cx),
            SchedulingMessage::HoldWritten(written) => self.hold_written(written, cx),
            SchedulingMessage::Reserved { asked, pass, outcome } => {
                self.reserved(asked, *pass, outcome, cx.now());
            }
            SchedulingMessage::Unreserved { key, result } => self.unreserved(key, result, cx.now()),
            SchedulingMessage::CancelReturned { appointment, pass, result } => {
                self.cancel_returned(appointment, *pass, result, cx);
            }
            SchedulingMessage::Announced(announcement) => self.announced(announcement, cx),
            SchedulingMessage::AnnouncedFound { announcement, found } => {
                self.announced_found(announcement, found.as_ref(), cx)
            }
            SchedulingMessage::Heeded { announcement, appointment, is_durable } => {
                self.heeded(announcement, appointment.as_ref(), *is_durable, cx)
            }
            SchedulingMessage::Kept { pin, old, again, is_durable } => {
                if !is_durable || !self.world.pins.pin_again(self.company, pin, *old, *again) {
                    self.world.outstanding.done(&[*again]);
                }
            }
            SchedulingMessage::Due => self.do_due(cx),
            SchedulingMessage::Done => {}
            SchedulingMessage::GetScheduler(reply) => {
                cx.answer(reply, self.view());
            }
        }
        self.forget_beyond_limit();
        self.remove_reservations(cx);
        self.publish_holds();
        self.arm_next(cx);
    }

    fn stopping(&mut self) {
        self.count_holds(0);
    }
}

impl Drop for SchedulingActor {
    fn drop(&mut self) {
        self.count_holds(0);
    }
}

impl SchedulingActor {
    /// A scheduler with nothing held.
    pub(super) fn new(company: CompanyId, world: Arc<SchedulingWorld>) -> Self {
        let keep_at = world.clock.now().plus_ms(world.settings.keep_every_ms);
        let breakers = Breakers::closed(company, world.breakers.clone(), world.settings.breaker.clone());
        Self {
            company,
            world,
            ledger: SlotLedger::default(),
            offers: BTreeMap::new(),
            bookings: BTreeMap::new(),
            questions: Vec::new(),
            untold: Vec::new(),
            asked_store: Vec::new(),
            mirror: Mirror::default(),
            breakers,
            reservations: Reservations::default(),
            reserve_breaker: Breaker::default(),
            posting_again: None,
            posts_wait_until: UnixMillis::default(),
            warm_wait_until: UnixMillis::default(),
            heard: Heard::default(),
            slots_silent_since: None,
            last_calendar_error: None,
            keep_at,
            cut_off: Vec::new(),
            has_more_to_forget: false,
            counted_holds: 0,
        }
    }

    /// The company as it is now; `None` when it is not in the directory.
    pub(super) fn company_now(&self) -> Option<Arc<Company>> {
        self.world.directory.current().company(self.company).cloned()
    }

    pub(super) fn call_finished(&mut self, call_id: &CallId, cx: &mut Context<'_, Self>) {
        self.drop_questions(call_id, cx);
        self.offers.remove(call_id);
        self.heard.forget_call(call_id);
        for hold in self.ledger.release_call(call_id) {
            self.record_release(&hold.id, cx.now());
        }
        let of_call: Vec<AppointmentId> = self
            .bookings
            .iter()
            .filter(|(_, active)| active.booking.order.call_id == *call_id)
            .map(|(id, _)| id.clone())
            .collect();
        for appointment in of_call {
            if let Some(active) = self.bookings.get_mut(&appointment) {
                active.call_finished = true;
            }
            self.apply(&appointment, BookingEvent::CallEnded, cx);
        }
    }

    /// A booking whose call is over is remembered for a while when nothing is left to do for it: the same order
    /// may come again. The end of a call that may be another company's is not told here, so what was ordered in
    /// such a call is remembered as long as any call can last.
    pub(super) fn forget_if_done(&mut self, appointment: &AppointmentId, now: UnixMillis) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let at = match (active.call_finished, active.booking.order.claimed) {
            (true, _) => now.plus_ms(SETTLED_KEPT_MS),
            (false, true) => now.plus_ms(CLAIMED_KEPT_MS),
            (false, false) => return,
        };
        if !active.is_busy() && active.forget_at.is_none_or(|known| at < known) {
            active.forget_at = Some(at);
            self.has_more_to_forget = true;
        }
    }

    /// At the end of a turn: whatever it read from the store was of use by then.
    fn forget_beyond_limit(&mut self) {
        let settled_max = self.world.settings.settled_max;
        if !std::mem::take(&mut self.has_more_to_forget) || self.bookings.len() <= settled_max {
            return;
        }
        let idle = self.bookings.iter().filter(|(_, active)| !active.is_busy());
        let mut kept: Vec<_> = idle.filter_map(|(id, active)| Some((active.forget_at?, id))).collect();
        let surplus = kept.len().saturating_sub(settled_max);
        kept.sort_unstable();
        let first: Vec<AppointmentId> = kept.into_iter().take(surplus).map(|(_, id)| id.clone()).collect();
        for appointment in first {
            self.bookings.remove(&appointment);
        }
    }

    /// A hold ended: its record is needed no more, once the release is a record itself. Gives when that is on
    /// disk.
    pub(super) fn record_release(&mut self, hold: &HoldId, at: UnixMillis) -> Option<Durable> {
        let record = SchedulingRecord::Released { company: self.company, hold: hold.clone(), at };
        let recorded = self.append(record);
        self.world.pins.unpin(self.company, &Pin::Hold(hold.clone()));
        match recorded {
            Ok((position, durable)) => {
                self.world.outstanding.done(&[position]);
                Some(durable)
            }
            Err(error) => {
                // Without the record the hold would come back after a crash, and end by its own time.
                tracing::warn!(%error, "the release of a hold was not journaled");
                None
            }
        }
    }

    /// When whoever must be answered by then hears its last word, should the disk not take in time what is said.
    pub(super) fn last_word_by(&self, answer_by: UnixMillis) -> UnixMillis {
        answer_by.plus_ms(self.world.settings.answer_margin_ms / 2)
    }

    /// Appends a record of this scheduler.
    pub(super) fn append(
        &self,
        record: SchedulingRecord,
    ) -> Result<
        (crate::ports::journal::Position, crate::ports::journal::Durable),
        crate::ports::journal::JournalError,
    > {
        fence::pass();
        self.world.journal.append_ordered(crate::ports::journal::Record::Scheduling(record))
    }

    /// Writes again what is still needed and lies in a segment that waits to be removed. The old record goes
    /// when the new one is on disk.
    pub(super) fn keep_records(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        for (pin, position) in self.world.pins.of(self.company) {
            if !self.world.journal.is_behind(position) {
                continue;
            }
            let record = match &pin {
                Pin::Hold(id) => self.ledger.get(id).map(|hold| SchedulingRecord::Held {
                    company: self.company,
                    hold: Box::new(hold.clone()),
                }),
                Pin::Booking(id) => self
                    .bookings
                    .get(id)
                    .map(|active| SchedulingRecord::Moved { booking: Box::new(active.booking.clone()) }),
                Pin::Order(id) => self
                    .ordered(id)
                    .map(|order| SchedulingRecord::Ordered { order: Box::new(order.clone()), at: now }),
            };
            match record.map(|record| self.append(record)) {
                Some(Ok((again, durable))) => {
                    let (lost, old) = (pin.clone(), position);
                    let kept = async move {
                        SchedulingMessage::Kept { pin, old, again, is_durable: durable.await.is_ok() }
                    };
                    cx.start(kept, move || SchedulingMessage::Kept {
                        pin: lost,
                        old,
                        again,
                        is_durable: false,
                    });
                }
                Some(Err(error)) => tracing::warn!(%error, "a record behind the mark was not written again"),
                None => self.world.pins.unpin(self.company, &pin),
            }
        }
    }

    fn publish_holds(&mut self) {
        let held = self.ledger.holds().filter(|h| !matches!(h.state, HoldState::Booked { .. })).count();
        let held = i64::try_from(held).unwrap_or(i64::MAX);
        self.count_holds(held);
    }

    /// By steps: of two schedulers that set a total, the slower one would leave the older figure.
    fn count_holds(&mut self, held: i64) {
        let more = held - self.counted_holds;
        self.world.holds_active.fetch_add(more, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 holds")]
        metrics::gauge!(crate::metrics::HOLDS_ACTIVE.name).increment(more as f64);
        self.counted_holds = held;
    }

    fn view(&self) -> SchedulerView {
        SchedulerView {
            holds: self.ledger.holds().map(|hold| self.hold_view(hold)).collect(),
            bookings: self.bookings.values().map(|a| booking_view(&a.booking)).collect(),
            questions_waiting: self.questions.len(),
            reservations: self.reservations.len(),
            views: self.mirror.len(),
            breakers: self.breakers.views(),
            last_calendar_error: self.last_calendar_error.clone(),
        }
    }

    fn hold_view(&self, hold: &askpro_domain::slots::Hold) -> HoldView {
        let (state, until) = match hold.state {
            HoldState::Held { until } => ("held", Some(until.to_rfc3339())),
            HoldState::Submitted => ("submitted", None),
            HoldState::Booked { .. } => ("booked", None),
        };
        HoldView {
            id: hold.id.0.clone(),
            call_id: hold.call_id.clone(),
            starts_at: hold.segments.first().map(|s| s.start().to_rfc3339()).unwrap_or_default(),
            state,
            until,
            reserved_until: self.reservations.until_of(&hold.id).map(UnixMillis::to_rfc3339),
        }
    }
}

fn booking_view(booking: &Booking) -> BookingView {
    BookingView {
        appointment_id: booking.order.appointment.clone(),
        call_id: booking.order.call_id.clone(),
        status: booking.status().as_str(),
        reason: booking.history.last().map(|m| m.reason.clone()).unwrap_or_default(),
        starts_at: booking.interval().start().to_rfc3339(),
    }
}
