//! A calendar in memory: it knows who works when and what is booked, and answers as it is told to.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
};

use askpro_domain::{
    booking::{BookingOrder, Refusal},
    calendar::{CalendarEvent, News},
    ids::{BodyHash, CompanyId},
    policy::{Heard, KeyId},
    secret::Secret,
    time::{Interval, UnixMillis},
};

use bytes::Bytes;

use super::{FakeReservations, Gate, lock};
use crate::ports::calendar::{
    Calendar, CalendarDecoder, CalendarError, CreateOutcome, FoundBooking, Offered, ReserveOutcome,
    ReserveWish, Turn,
};

/// What becomes of a POST that is scripted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// Booked and answered.
    Books,
    /// Booked, and the answer is lost.
    BooksAndIsLost,
    /// Not booked, and nobody knows.
    IsLost,
    /// Refused.
    Refuses(Refusal),
    /// Its host was given away in the same moment.
    LosesHost,
    /// Never sent.
    IsNotSent,
    /// Refused because of the key's limit; not before this many milliseconds.
    IsLimited(i64),
    /// The adapter panics before it sends anything.
    Panics,
}

/// A booking at the calendar.
#[derive(Debug, Clone)]
struct Booked {
    uid: String,
    host: i64,
    order: Option<BookingOrder>,
    interval: Interval,
    cancelled: bool,
}

#[derive(Default)]
struct World {
    hosts: BTreeMap<i64, Vec<i64>>,
    starts: BTreeMap<i64, BTreeSet<UnixMillis>>,
    booked: Vec<Booked>,
    script: VecDeque<Creation>,
    posts: Vec<BookingOrder>,
    fetches: Vec<(CompanyId, i64, Interval)>,
    cancels: Vec<String>,
    keys: BTreeMap<CompanyId, KeyId>,
    /// Requests that passed the turnstile, in order.
    requests: Vec<(CompanyId, &'static str)>,
    /// What answers tell of the limit, in order; then nothing.
    limits: VecDeque<Heard>,
}

/// A calendar in memory.
#[derive(Default)]
pub struct FakeCalendar {
    world: Mutex<World>,
    down: AtomicBool,
    down_for: Mutex<BTreeSet<CompanyId>>,
    blind: AtomicBool,
    trusting: AtomicBool,
    looks: AtomicI64,
    failing_cancels: AtomicU32,
    /// Closed, questions for slots wait.
    pub fetches: Gate,
    /// Closed, POSTs wait before anything is done.
    pub creates: Gate,
    /// Closed, POSTs that were done wait with their answer.
    pub create_answers: Gate,
    /// Closed, looks wait.
    pub looks_gate: Gate,
    /// What was reserved.
    pub reservations: FakeReservations,
}

impl FakeCalendar {
    /// Who serves an event type, by user id, and the starts at which they work.
    pub fn offer(&self, event_type_id: i64, hosts: &[i64], starts: impl IntoIterator<Item = UnixMillis>) {
        let mut world = lock(&self.world);
        world.hosts.insert(event_type_id, hosts.to_vec());
        world.starts.entry(event_type_id).or_default().extend(starts);
    }

    /// The key of these companies is one and the same.
    pub fn share_key(&self, companies: &[CompanyId]) {
        let key = KeyId::of(&Secret::new("cal_shared"));
        lock(&self.world).keys.extend(companies.iter().map(|company| (*company, key)));
    }

    /// What the next answers tell of their key's limit.
    pub fn tell_limits(&self, limits: impl IntoIterator<Item = Heard>) {
        lock(&self.world).limits.extend(limits);
    }

    /// Requests that were sent, with the company whose they are: `slots`, `create`, `look`, `cancel`,
    /// `reserve`, `unreserve`.
    #[must_use]
    pub fn requests(&self) -> Vec<(CompanyId, &'static str)> {
        lock(&self.world).requests.clone()
    }

    /// One request of this company passes the turnstile and is sent.
    async fn send(&self, company: CompanyId, what: &'static str, turn: &Turn) -> Result<(), CalendarError> {
        let own = || KeyId::of(&Secret::new(format!("cal_{company}")));
        let key = lock(&self.world).keys.get(&company).copied().unwrap_or_else(own);
        let permit = turn.pass(key, company).await?;
        let mut world = lock(&self.world);
        world.requests.push((company, what));
        permit.heard(world.limits.pop_front().unwrap_or(Heard::Nothing));
        Ok(())
    }

    /// Somebody else books a host.
    pub fn book_outside(&self, host: i64, interval: Interval) {
        let mut world = lock(&self.world);
        let uid = format!("outside_{}", world.booked.len());
        world.booked.push(Booked { uid, host, order: None, interval, cancelled: false });
    }

    /// The owner moves what stands under a uid, which gives it another one.
    pub fn reschedule(&self, uid: &str, new_uid: &str, interval: Interval) {
        let mut world = lock(&self.world);
        if let Some(booked) = world.booked.iter_mut().find(|booked| booked.uid == uid) {
            (booked.uid, booked.interval) = (new_uid.to_owned(), interval);
        }
    }

    /// What becomes of the next POSTs, in order; then they are booked.
    pub fn script(&self, creations: impl IntoIterator<Item = Creation>) {
        lock(&self.world).script.extend(creations);
    }

    /// Answers nothing and takes nothing from now on, or works again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The same for one company alone.
    pub fn set_down_for(&self, company: CompanyId, down: bool) {
        let mut down_for = lock(&self.down_for);
        if down {
            down_for.insert(company)
        } else {
            down_for.remove(&company)
        };
    }

    fn is_down(&self, company: CompanyId) -> bool {
        self.down.load(Ordering::SeqCst) || lock(&self.down_for).contains(&company)
    }

    /// Looks find nothing, whatever is there.
    pub fn set_blind(&self, blind: bool) {
        self.blind.store(blind, Ordering::SeqCst);
    }

    /// Books whatever it is told, as a calendar with a race would.
    pub fn set_trusting(&self) {
        self.trusting.store(true, Ordering::SeqCst);
    }

    /// The next cancellations are not taken.
    pub fn fail_cancels(&self, cancels: u32) {
        self.failing_cancels.store(cancels, Ordering::SeqCst);
    }

    /// Orders that were posted, in order.
    #[must_use]
    pub fn posts(&self) -> Vec<BookingOrder> {
        lock(&self.world).posts.clone()
    }

    /// How often it was looked for a booking.
    #[must_use]
    pub fn looks(&self) -> i64 {
        self.looks.load(Ordering::SeqCst)
    }

    /// Questions for slots.
    #[must_use]
    pub fn slot_fetches(&self) -> Vec<(CompanyId, i64, Interval)> {
        lock(&self.world).fetches.clone()
    }

    /// Uids that were cancelled.
    #[must_use]
    pub fn cancels(&self) -> Vec<String> {
        lock(&self.world).cancels.clone()
    }

    /// Bookings that stand: host, when, and the order if it was ours.
    #[must_use]
    pub fn standing(&self) -> Vec<(i64, Interval, Option<BookingOrder>)> {
        let world = lock(&self.world);
        let standing = world.booked.iter().filter(|b| !b.cancelled);
        standing.map(|b| (b.host, b.interval, b.order.clone())).collect()
    }

    fn create_now(&self, order: &BookingOrder) -> CreateOutcome {
        let mut world = lock(&self.world);
        let creation = world.script.pop_front().unwrap_or(Creation::Books);
        assert!(creation != Creation::Panics, "the calendar panics as it was told to");
        world.posts.push(order.clone());
        match creation {
            Creation::Books | Creation::Panics => self.book(&mut world, order),
            Creation::BooksAndIsLost => {
                let _ = self.book(&mut world, order);
                CreateOutcome::AnswerLost
            }
            Creation::IsLost => CreateOutcome::AnswerLost,
            Creation::Refuses(refusal) => CreateOutcome::Refused(refusal),
            Creation::LosesHost => CreateOutcome::HostRaced,
            Creation::IsNotSent => {
                world.posts.pop();
                CreateOutcome::NotSent
            }
            Creation::IsLimited(retry_after_ms) => {
                world.posts.pop();
                CreateOutcome::Limited { retry_after_ms }
            }
        }
    }

    fn book(&self, world: &mut World, order: &BookingOrder) -> CreateOutcome {
        let hosts = world.hosts.get(&order.event_type_id).cloned().unwrap_or_default();
        let free = hosts.iter().copied().find(|host| is_free(world, *host, order.interval));
        let trusted = if self.trusting.load(Ordering::SeqCst) { hosts.first().copied() } else { None };
        let Some(host) = free.or(trusted) else { return CreateOutcome::Refused(Refusal::SlotTaken) };
        let uid = format!("uid_{}", world.booked.len() + 1);
        world.booked.push(Booked {
            uid: uid.clone(),
            host,
            order: Some(order.clone()),
            interval: order.interval,
            cancelled: false,
        });
        CreateOutcome::Confirmed(FoundBooking {
            uid,
            host: Some(host),
            interval: order.interval,
            changed_at: None,
        })
    }
}

/// Length of the fixture's services by event type.
fn length_ms(event_type_id: i64) -> i64 {
    let minutes = match event_type_id {
        2002 => 135,
        2003 | 2103 | 2113 => 45,
        _ => 30,
    };
    minutes * 60_000
}

fn is_free(world: &World, host: i64, interval: Interval) -> bool {
    !world.booked.iter().any(|b| !b.cancelled && b.host == host && b.interval.overlaps(interval))
}

#[async_trait::async_trait]
impl Calendar for FakeCalendar {
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
        turn: &Turn,
    ) -> Result<Offered, CalendarError> {
        self.send(company, "slots", turn).await?;
        // What is free is what was free when the question came, however long the answer takes.
        let starts = {
            let mut world = lock(&self.world);
            world.fetches.push((company, event_type_id, window));
            let hosts = world.hosts.get(&event_type_id).cloned().unwrap_or_default();
            let length = length_ms(event_type_id);
            let free = |start: UnixMillis| {
                let interval = Interval::new(start, start.plus_ms(length));
                let shows = |host: i64, interval: Interval| {
                    is_free(&world, host, interval) && !self.reservations.hides(host, interval)
                };
                interval.is_some_and(|interval| hosts.iter().any(|host| shows(*host, interval)))
            };
            let all = world.starts.get(&event_type_id).into_iter().flatten().copied();
            let inside = all.filter(|start| window.start() <= *start && *start < window.end());
            inside.filter(|start| free(*start)).collect()
        };
        self.fetches.pass().await;
        if self.is_down(company) {
            return Err(CalendarError::Unavailable("down".to_owned()));
        }
        Ok(Offered { event_type_id, window, starts })
    }

    async fn create(&self, order: &BookingOrder, _submitted_at: UnixMillis, turn: &Turn) -> CreateOutcome {
        if let Err(CalendarError::Limited { retry_after_ms }) = self.send(order.company, "create", turn).await
        {
            return CreateOutcome::Limited { retry_after_ms };
        }
        self.creates.pass().await;
        if self.is_down(order.company) {
            return CreateOutcome::NotSent;
        }
        let outcome = self.create_now(order);
        self.create_answers.pass().await;
        outcome
    }

    async fn look(
        &self,
        order: &BookingOrder,
        _submitted_at: UnixMillis,
        turn: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError> {
        self.send(order.company, "look", turn).await?;
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.looks_gate.pass().await;
        if self.is_down(order.company) {
            return Err(CalendarError::Unavailable("down".to_owned()));
        }
        let world = lock(&self.world);
        let ours = |b: &&Booked| {
            !b.cancelled && b.order.as_ref().is_some_and(|o| o.appointment == order.appointment)
        };
        let found = world.booked.iter().find(ours).filter(|_| !self.blind.load(Ordering::SeqCst));
        Ok(found.map(|b| FoundBooking {
            uid: b.uid.clone(),
            host: Some(b.host),
            interval: b.interval,
            changed_at: None,
        }))
    }

    async fn cancel(
        &self,
        company: CompanyId,
        uid: &str,
        _reason: &str,
        turn: &Turn,
    ) -> Result<(), CalendarError> {
        self.send(company, "cancel", turn).await?;
        let failing =
            self.failing_cancels.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if failing.is_ok() || self.is_down(company) {
            return Err(CalendarError::Unavailable("down".to_owned()));
        }
        let mut world = lock(&self.world);
        world.cancels.push(uid.to_owned());
        world.booked.iter_mut().filter(|b| b.uid == uid).for_each(|b| b.cancelled = true);
        Ok(())
    }

    async fn reserve(&self, wish: &ReserveWish, turn: &Turn) -> ReserveOutcome {
        if self.send(wish.company, "reserve", turn).await.is_err() {
            return ReserveOutcome::Limited;
        }
        let length = length_ms(wish.event_type_id);
        let interval = Interval::new(wish.start, wish.start.plus_ms(length));
        let host = lock(&self.world).hosts.get(&wish.event_type_id).and_then(|hosts| hosts.first().copied());
        match (host, interval) {
            _ if self.is_down(wish.company) => ReserveOutcome::NotSent,
            (Some(host), Some(interval)) => self.reservations.reserve(wish, host, interval).await,
            _ => ReserveOutcome::Refused("no such event type".to_owned()),
        }
    }

    async fn unreserve(&self, company: CompanyId, uid: &str, turn: &Turn) -> Result<(), CalendarError> {
        self.send(company, "unreserve", turn).await?;
        if self.is_down(company) {
            return Err(CalendarError::Unavailable("down".to_owned()));
        }
        self.reservations.unreserve(uid)
    }
}

/// Reads announcements whose body is the event itself as JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakeCalendarDecoder;

impl FakeCalendarDecoder {
    /// The body of an announcement.
    #[must_use]
    pub fn body(event: &CalendarEvent) -> Bytes {
        Bytes::from(serde_json::to_vec(event).unwrap_or_default())
    }
}

impl CalendarDecoder for FakeCalendarDecoder {
    fn decode(&self, body: &Bytes) -> CalendarEvent {
        serde_json::from_slice(body).unwrap_or_else(|_| CalendarEvent {
            name: "unreadable".to_owned(),
            dedup_key: BodyHash::of(&[body]).to_hex(),
            uid: None,
            at: None,
            news: News::Changed,
        })
    }
}
