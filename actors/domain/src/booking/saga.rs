//! How a booking moves.

use serde::{Deserialize, Serialize};

use super::{AppointmentStatus, Booking, BookingOrder, BookingState, HISTORY_MAX, Move, Standing};
use crate::time::UnixMillis;

/// Answered looks without a trace after which a booking counts as absent.
pub const LOOKS_MAX: u32 = 3;
/// How often a booking that the caller was told of is posted again when it is absent.
pub const POSTS_AGAIN_MAX: u32 = 3;
/// Delays of the looks after the answer was lost, by answered looks so far: all three within 60 s.
pub const UNKNOWN_LOOK_DELAYS_MS: [i64; 3] = [1_000, 9_000, 30_000];
/// Delay of a look after one that Cal.com did not answer.
const LOOK_AGAIN_MS: i64 = 5_000;

/// Delay of the one look for a POST that was believed lost, after its slot was given back.
pub const LATE_LOOK_MS: i64 = 600_000;
/// Delay of that look after one that Cal.com did not answer.
const LATE_LOOK_AGAIN_MS: i64 = 60_000;
/// Shortest and longest delay of a POST after one that never reached Cal.com; it doubles in between.
const POST_AGAIN_MS_MIN: i64 = 5_000;
const POST_AGAIN_MS_MAX: i64 = 60_000;
/// Reason of a move to the next POST after one that was found absent.
const POSTED_AGAIN: &str = "posted_again";
/// How often an order for a pool is posted again because the host that Cal.com chose for it was given away in the
/// same moment.
const POSTS_AFTER_RACE_MAX: usize = 3;
/// Reason of a move to the next try after such a race.
const HOST_RACED: &str = "host_raced";
/// Reason of a move to wait until Cal.com can be reached.
const UNREACHABLE: &str = "calendar_unreachable";

/// Why Cal.com refused. Stable codes, facts: table of refusals of its booking endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Somebody has the slot, or no host is free.
    SlotTaken,
    /// Too soon, too far away, or outside the bookable range.
    OutOfBounds,
    /// In the past.
    DateInPast,
    /// The booker has too many active bookings.
    BookerLimit,
    /// The booker is blocked or must log in.
    BookerBlocked,
    /// The same attendee has this very booking already.
    AlreadyBooked,
    /// Name, phone or e-mail was not accepted.
    ContactRejected,
    /// The event type does not exist or cannot be booked.
    ServiceMisconfigured,
    /// The key is missing, wrong or may not do this.
    NotAuthorized,
    /// Anything else that Cal.com refused for good.
    Other,
}

impl Refusal {
    /// The code in rows, answers and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SlotTaken => "slot_taken",
            Self::OutOfBounds => "out_of_bounds",
            Self::DateInPast => "date_in_past",
            Self::BookerLimit => "booker_limit",
            Self::BookerBlocked => "booker_blocked",
            Self::AlreadyBooked => "already_booked",
            Self::ContactRejected => "contact_rejected",
            Self::ServiceMisconfigured => "service_misconfigured",
            Self::NotAuthorized => "calendar_not_authorized",
            Self::Other => "refused",
        }
    }
}

/// What a look at Cal.com gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookResult {
    /// Our booking is there, wherever it was moved to since.
    Found(Standing),
    /// Cal.com answered, and it is not there.
    Absent,
    /// Cal.com did not answer; does not count.
    NoAnswer,
}

/// What can happen to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookingEvent {
    /// Cal.com has it; what said so was checked to be ours.
    Confirmed(Standing),
    /// Cal.com refused.
    Refused(Refusal),
    /// Cal.com gave the host that it had chosen to another booking in the same moment: nothing was made, and somebody
    /// else of the pool is free.
    HostRaced,
    /// The request certainly never reached Cal.com (no connection, rate limit, breaker): safe to post again.
    NotSent,
    /// The answer was lost: connection died, time-out, 5xx.
    AnswerLost,
    /// The process restarted between the POST and its answer.
    Restarted,
    /// The caller's budget is over and the agent was told "pending".
    ToldPending,
    /// A look came back.
    Looked(LookResult),
    /// The call ended.
    CallEnded,
    /// Found at Cal.com after its slot was given back: a POST that was believed lost came through after all.
    Surfaced {
        /// Its uid.
        uid: String,
    },
    /// Cal.com announces where it stands: it may have been moved there, or given to another host.
    StandsAtCalendar(Standing),
    /// Cal.com announces that it was cancelled or rejected there.
    CancelledAtCalendar {
        /// Its uid.
        uid: String,
        /// When Cal.com said so, by its own clock.
        at: UnixMillis,
    },
}

/// What a booking wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookingEffect {
    /// POST the order, not before `at`.
    Post {
        /// When.
        at: UnixMillis,
    },
    /// POST the order now, ahead of all that nobody waits for: its caller may.
    PostAtOnce,
    /// Look at Cal.com by our metadata, not before `at`.
    Look {
        /// When.
        at: UnixMillis,
    },
    /// Turn the hold into a booking with this host.
    OccupySlot {
        /// Cal.com's user id of the host.
        host: Option<i64>,
    },
    /// Give the slot back.
    ReleaseSlot,
    /// Occupy the slot where the booking stands now, instead of the one before.
    FollowSlot,
    /// The booked slot is free again at the calendar.
    FreeSlot,
    /// Tell the customer that the booking stands; once.
    NotifyConfirmed,
    /// Ask a human to call back.
    RequestCallback {
        /// Whether it cannot wait.
        urgent: bool,
        /// Stable reason.
        reason: &'static str,
    },
    /// Cancel this uid at Cal.com: it surfaced after we gave the slot back.
    CancelAtCalendar {
        /// Cal.com's uid.
        uid: String,
    },
}

/// The moved booking and what it wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// After the move.
    pub booking: Booking,
    /// In order.
    pub effects: Vec<BookingEffect>,
}

/// An event that means nothing in that state; the booking is unchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a booking that is {status:?} cannot take {event:?}")]
pub struct IllegalMove {
    /// The booking as it was.
    pub booking: Box<Booking>,
    /// Its status.
    pub status: AppointmentStatus,
    /// The event.
    pub event: BookingEvent,
}

impl Booking {
    /// A booking that is about to be posted for the first time. Write it ahead, then POST.
    #[must_use]
    pub fn submit(order: BookingOrder, now: UnixMillis) -> Self {
        let mut booking = Self {
            order,
            version: 1,
            submitted_at: now,
            held_since: now,
            call_over: false,
            told_pending: false,
            late_look_at: None,
            announced: None,
            state: BookingState::Submitted { post: 1 },
            history: Vec::new(),
        };
        booking.remember("submitted", now);
        booking
    }

    /// The same with the time since which its slot has been held.
    #[must_use]
    pub fn held_since(self, held_since: UnixMillis) -> Self {
        Self { held_since, ..self }
    }

    /// Whether the caller may be told that it is pending: it is on its way, or nobody knows whether it arrived
    /// and Cal.com has not said anything of it. Once Cal.com was looked at in vain it is in doubt.
    #[must_use]
    pub fn may_be_promised(&self) -> bool {
        match self.state {
            BookingState::Submitted { .. } => true,
            BookingState::Unknown { absent_looks, refusal, .. } => absent_looks == 0 && refusal.is_none(),
            _ => false,
        }
    }

    /// Whether the caller was told that it is pending, and it still is.
    #[must_use]
    pub fn is_promised(&self) -> bool {
        self.told_pending && self.status().is_open()
    }

    /// With what is free instead of it; only a conflict keeps that.
    #[must_use]
    pub fn offer_instead(mut self, free: Vec<UnixMillis>) -> Self {
        if let BookingState::Conflict { alternatives, .. } = &mut self.state {
            *alternatives = free;
        }
        self
    }

    /// An order that a crash cut off before it was submitted: the agent heard an error.
    #[must_use]
    pub fn abandon(order: BookingOrder, now: UnixMillis) -> Self {
        let mut booking = Self::submit(order, now);
        booking.state = BookingState::Abandoned;
        booking.history.clear();
        booking.remember("not_submitted_before_restart", now);
        booking
    }

    /// The status in its row.
    #[must_use]
    pub fn status(&self) -> AppointmentStatus {
        match &self.state {
            BookingState::Submitted { .. } if self.told_pending => AppointmentStatus::PendingConfirmation,
            BookingState::Submitted { .. } => AppointmentStatus::Submitted,
            BookingState::Unknown { .. } => AppointmentStatus::Unknown,
            BookingState::Confirmed { .. } => AppointmentStatus::Confirmed,
            BookingState::Refused { .. } => AppointmentStatus::Refused,
            BookingState::Conflict { .. } => AppointmentStatus::Conflict,
            BookingState::Abandoned => AppointmentStatus::Abandoned,
            BookingState::Cancelled { .. } => AppointmentStatus::Cancelled,
        }
    }

    /// Cal.com's uid, where it has one.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        match &self.state {
            BookingState::Confirmed { uid, .. } | BookingState::Cancelled { uid } => Some(uid),
            _ => None,
        }
    }

    /// Moves the booking. Errors: [`IllegalMove`] when the event means nothing here; nothing changed then.
    pub fn apply(self, event: BookingEvent, now: UnixMillis) -> Result<Step, IllegalMove> {
        use BookingEvent as E;
        use BookingState as S;
        match (self.state.clone(), event) {
            (_, E::CallEnded) => Ok(self.call_ended(now)),
            (S::Submitted { .. } | S::Unknown { .. }, E::Confirmed(standing)) => {
                Ok(self.confirm(standing, false, now))
            }
            (S::Unknown { .. }, E::Looked(LookResult::Found(standing))) => {
                Ok(self.confirm(standing, true, now))
            }
            (S::Submitted { post } | S::Unknown { post, .. }, E::Refused(refusal)) => {
                Ok(if is_doubtful(refusal, post) {
                    self.doubt(post, refusal, now)
                } else {
                    self.refuse(refusal, post > 1, now)
                })
            }
            (S::Submitted { post: 1 }, E::HostRaced) if self.may_have_another_host() => {
                Ok(self.host_raced(now))
            }
            (S::Submitted { .. } | S::Unknown { .. }, E::HostRaced) => {
                self.apply(E::Refused(Refusal::SlotTaken), now)
            }
            (S::Submitted { post }, E::NotSent) => Ok(self.not_sent(post, now)),
            (S::Submitted { post }, E::AnswerLost) => Ok(self.lose(post, None, "answer_lost", now)),
            (S::Submitted { post }, E::Restarted) => Ok(self.lose(post, None, "restarted", now)),
            (S::Unknown { post, refusal, .. }, E::Restarted) => {
                Ok(self.lose(post, refusal, "restarted", now))
            }
            (S::Submitted { .. } | S::Unknown { .. }, E::ToldPending) => Ok(self.told_pending(now)),
            (S::Unknown { refusal: Some(refusal), .. }, E::Looked(LookResult::Absent)) => {
                Ok(self.refuse(refusal, true, now))
            }
            (S::Unknown { post, since, absent_looks, .. }, E::Looked(LookResult::Absent)) => {
                Ok(self.absent(post, since, absent_looks + 1, now))
            }
            (S::Unknown { .. }, E::Looked(LookResult::NoAnswer)) => Ok(Step {
                booking: self,
                effects: vec![BookingEffect::Look { at: now.plus_ms(LOOK_AGAIN_MS) }],
            }),
            (S::Abandoned | S::Refused { .. } | S::Conflict { .. }, E::Surfaced { uid }) => {
                Ok(self.surface(uid, now))
            }
            (S::Abandoned | S::Refused { .. } | S::Conflict { .. }, E::Looked(look))
                if self.late_look_at.is_some() =>
            {
                Ok(self.looked_late(look, now))
            }
            (S::Confirmed { .. }, E::StandsAtCalendar(standing)) => Ok(self.hear(standing, now)),
            (S::Cancelled { .. }, E::StandsAtCalendar(standing)) if self.was_called_off() => {
                Ok(self.hear(standing, now))
            }
            (S::Confirmed { .. }, E::CancelledAtCalendar { uid, at }) => Ok(self.call_off(&uid, at, now)),
            (_, event) => Err(IllegalMove { status: self.status(), booking: Box::new(self), event }),
        }
    }

    /// Nobody hears any more what comes of it; as long as that is open, it must be known after a crash too.
    fn call_ended(mut self, now: UnixMillis) -> Step {
        if !self.call_over {
            self.call_over = true;
            if self.status().is_open() {
                self.move_to(self.state.clone(), "call_ended", now);
            }
        }
        Step { booking: self, effects: Vec::new() }
    }

    /// It stands, and not always as it was ordered: it may have been moved before we hear that it was made.
    fn confirm(mut self, standing: Standing, by_look: bool, now: UnixMillis) -> Step {
        let reason = match (self.call_over, by_look) {
            (true, _) => "confirmed_after_hangup",
            (false, true) => "confirmed_by_look",
            (false, false) => "confirmed",
        };
        let is_moved = standing.interval != self.order.interval;
        let Standing { uid, host, .. } = self.first_word(standing);
        self.move_to(BookingState::Confirmed { uid, host }, reason, now);
        let slot = if is_moved { BookingEffect::FollowSlot } else { BookingEffect::OccupySlot { host } };
        Step { booking: self, effects: vec![slot, BookingEffect::NotifyConfirmed] }
    }

    /// `lost_before`: the answer of an earlier POST of it was lost.
    fn refuse(mut self, refusal: Refusal, lost_before: bool, now: UnixMillis) -> Step {
        let mut effects = vec![BookingEffect::ReleaseSlot];
        if lost_before {
            effects.push(self.plan_late_look(LATE_LOOK_MS, now));
        }
        if self.told_pending {
            let conflict = BookingState::Conflict { refusal, alternatives: Vec::new() };
            self.move_to(conflict, refusal.code(), now);
            effects.push(BookingEffect::RequestCallback { urgent: true, reason: "booking_conflict" });
        } else {
            self.move_to(BookingState::Refused { refusal }, refusal.code(), now);
            if self.call_over {
                effects.push(BookingEffect::RequestCallback { urgent: true, reason: "refused_after_hangup" });
            }
        }
        Step { booking: self, effects }
    }

    /// A refusal that our own earlier POST may have caused: a look decides.
    fn doubt(self, post: u32, refusal: Refusal, now: UnixMillis) -> Step {
        self.lose(post, Some(refusal), "refused_after_lost_answer", now)
    }

    fn lose(mut self, post: u32, refusal: Option<Refusal>, reason: &'static str, now: UnixMillis) -> Step {
        self.move_to(BookingState::Unknown { post, since: now, absent_looks: 0, refusal }, reason, now);
        let at = now.plus_ms(look_delay(0));
        Step { booking: self, effects: vec![BookingEffect::Look { at }] }
    }

    /// Never reached Cal.com, so the same post may be sent again, until Cal.com says yes or no. Only the first
    /// time is a move; waiting as long as it has lasted already doubles the delay each time.
    fn not_sent(mut self, post: u32, now: UnixMillis) -> Step {
        let of_this_post = self.history.iter().rev().take_while(|m| m.reason != POSTED_AGAIN);
        let since = of_this_post.filter(|m| m.reason == UNREACHABLE).map(|m| m.at).last();
        if since.is_none() {
            self.move_to(BookingState::Submitted { post }, UNREACHABLE, now);
        }
        let lasted = since.map_or(0, |since| now.since(since));
        let at = now.plus_ms(lasted.clamp(POST_AGAIN_MS_MIN, POST_AGAIN_MS_MAX));
        Step { booking: self, effects: vec![BookingEffect::Post { at }] }
    }

    /// Whether Cal.com may pick another host for it: of a pool it picks one that is free. Of those who race only one wins
    /// each time, so the fifth of five loses too often, though there may be a fifth host.
    fn may_have_another_host(&self) -> bool {
        self.order.staff.is_none() && self.races_lost() < POSTS_AFTER_RACE_MAX
    }

    /// How often it was posted again because its host was given away.
    #[must_use]
    pub fn races_lost(&self) -> usize {
        self.history.iter().filter(|m| m.reason == HOST_RACED).count()
    }

    /// Nothing was made, so the same post may be sent again, and at once: a caller waits, and the slot is held.
    fn host_raced(mut self, now: UnixMillis) -> Step {
        self.move_to(self.state.clone(), HOST_RACED, now);
        Step { booking: self, effects: vec![BookingEffect::PostAtOnce] }
    }

    fn told_pending(mut self, now: UnixMillis) -> Step {
        if !self.told_pending {
            self.told_pending = true;
            self.move_to(self.state.clone(), "told_pending", now);
        }
        Step { booking: self, effects: Vec::new() }
    }

    fn absent(mut self, post: u32, since: UnixMillis, absent_looks: u32, now: UnixMillis) -> Step {
        if absent_looks < LOOKS_MAX {
            let state = BookingState::Unknown { post, since, absent_looks, refusal: None };
            self.move_to(state, "absent", now);
            let at = now.plus_ms(look_delay(absent_looks));
            return Step { booking: self, effects: vec![BookingEffect::Look { at }] };
        }
        if self.told_pending && post <= POSTS_AGAIN_MAX {
            self.move_to(BookingState::Submitted { post: post + 1 }, POSTED_AGAIN, now);
            return Step { booking: self, effects: vec![BookingEffect::Post { at: now }] };
        }
        // Whoever was promised it is owed other times. A round robin that has nobody left says no more than a server
        // that fails, so this is also how a promise ends whose slot was sold elsewhere.
        let (state, reason) = if self.told_pending {
            let conflict = BookingState::Conflict { refusal: Refusal::Other, alternatives: Vec::new() };
            (conflict, "booking_conflict")
        } else {
            (BookingState::Abandoned, "booking_not_found")
        };
        self.move_to(state, "absent_at_calendar", now);
        let callback = BookingEffect::RequestCallback { urgent: true, reason };
        let late_look = self.plan_late_look(LATE_LOOK_MS, now);
        Step { booking: self, effects: vec![BookingEffect::ReleaseSlot, late_look, callback] }
    }

    /// One look after the slot was given back: a POST that was believed lost may come through after all.
    fn plan_late_look(&mut self, delay_ms: i64, now: UnixMillis) -> BookingEffect {
        let at = now.plus_ms(delay_ms);
        self.late_look_at = Some(at);
        BookingEffect::Look { at }
    }

    fn looked_late(mut self, look: LookResult, now: UnixMillis) -> Step {
        match look {
            LookResult::Found(standing) => self.surface(standing.uid, now),
            LookResult::Absent => {
                self.late_look_at = None;
                Step { booking: self, effects: Vec::new() }
            }
            LookResult::NoAnswer => {
                let look = self.plan_late_look(LATE_LOOK_AGAIN_MS, now);
                Step { booking: self, effects: vec![look] }
            }
        }
    }

    fn surface(mut self, uid: String, now: UnixMillis) -> Step {
        self.late_look_at = None;
        self.move_to(BookingState::Cancelled { uid: uid.clone() }, "surfaced_after_release", now);
        Step { booking: self, effects: vec![BookingEffect::CancelAtCalendar { uid }] }
    }

    pub(super) fn move_to(&mut self, state: BookingState, reason: &str, now: UnixMillis) {
        self.state = state;
        self.version += 1;
        self.remember(reason, now);
    }

    fn remember(&mut self, reason: &str, now: UnixMillis) {
        if self.history.len() >= HISTORY_MAX {
            self.history.remove(1);
        }
        let status = self.status();
        self.history.push(Move { at: now, status, reason: reason.to_owned() });
    }
}

/// Whether our own earlier POST of the same order may be what a later one was refused for.
fn is_doubtful(refusal: Refusal, post: u32) -> bool {
    post > 1 && matches!(refusal, Refusal::SlotTaken | Refusal::AlreadyBooked)
}

fn look_delay(absent_looks: u32) -> i64 {
    let index = usize::try_from(absent_looks).unwrap_or_default();
    UNKNOWN_LOOK_DELAYS_MS.get(index).copied().unwrap_or(LOOK_AGAIN_MS)
}
