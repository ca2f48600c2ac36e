//! Random courses of many calls over two companies.

use std::collections::BTreeMap;

use askpro_domain::{booking::BookingOrder, policy::Heard};
use proptest::prelude::*;

use super::*;
use crate::ports::fakes::Creation;

const CALLS: usize = 8;

#[derive(Debug, Clone)]
enum Act {
    Check { call: usize, service: usize, half: i64 },
    Book { call: usize, service: usize, half: i64 },
    BookHeld { call: usize },
    HangUp { call: usize },
    Time(u64),
    Script(u8),
    SlowPosts(bool),
    SlowSlots(bool),
    Down(bool),
    Blocked(i64),
    Crash,
    Panic,
}

fn act() -> impl Strategy<Value = Act> {
    let (call, service, half) = (0..CALLS, 0..4_usize, 0..6_i64);
    prop_oneof![
        8 => (call.clone(), service.clone(), half.clone())
            .prop_map(|(call, service, half)| Act::Check { call, service, half }),
        3 => (call.clone(), service, half).prop_map(|(call, service, half)| Act::Book { call, service, half }),
        6 => call.clone().prop_map(|call| Act::BookHeld { call }),
        2 => call.prop_map(|call| Act::HangUp { call }),
        4 => prop_oneof![1_u64..3_000, 3_000_u64..60_000, Just(300_000)].prop_map(Act::Time),
        2 => (0_u8..5).prop_map(Act::Script),
        1 => any::<bool>().prop_map(Act::SlowPosts),
        1 => any::<bool>().prop_map(Act::SlowSlots),
        1 => any::<bool>().prop_map(Act::Down),
        1 => (1_i64..90_000).prop_map(Act::Blocked),
        1 => Just(Act::Crash),
        1 => Just(Act::Panic),
    ]
}

/// The services of the first two companies: even calls ring at A, odd ones at B.
fn service(call: usize, service: usize) -> &'static str {
    let of_a = ["Herrenhaarschnitt", "Damenhaarschnitt", "Dauerwelle", "Damenhaarschnitt"];
    if call.is_multiple_of(2) { of_a[service] } else { "Kontrolle" }
}

fn number(call: usize) -> &'static str {
    if call.is_multiple_of(2) { NUMBER_A } else { NUMBER_B }
}

fn time(half: i64) -> String {
    format!("{:02}:{:02}", 12 + half / 2, 30 * (half % 2))
}

struct Storm {
    rig: Rig,
    asked: Vec<(Asked, UnixMillis)>,
    over: BTreeMap<usize, u32>,
    /// Since when POSTs hang; the client gives up after [`POST_TIMEOUT_MS`], so none hangs longer.
    posts_hang_since: Option<UnixMillis>,
}

/// The client's own time-out of a POST (`calcom.write_timeout_ms`); a POST given up after a panic waits longer.
const POST_TIMEOUT_MS: i64 = 30_000;

impl Storm {
    fn call(&self, call: usize) -> String {
        format!("c{call}_{}", self.over.get(&call).copied().unwrap_or_default())
    }

    fn ask(&mut self, call: usize, function: FunctionName, arguments: Value) {
        let asked = self.rig.ask(&self.call(call), number(call), function, arguments);
        self.asked.push((asked, self.rig.now()));
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Check { call, service: s, half } => {
                let arguments =
                    json!({"datum": "morgen", "uhrzeit": time(half), "service": service(call, s)});
                self.ask(call, FunctionName::CheckAvailability, arguments);
            }
            Act::Book { call, service: s, half } => {
                let arguments = json!({"datum": "morgen", "uhrzeit": time(half), "service": service(call, s),
                    "customer_name": "Anna"});
                self.ask(call, FunctionName::BookAppointment, arguments);
            }
            Act::BookHeld { call } => {
                self.ask(call, FunctionName::BookAppointment, json!({"customer_name": "Anna"}));
            }
            Act::HangUp { call } => {
                let body = EventBody::new("call_ended", &self.call(call), self.rig.now().0);
                self.rig.event(&EventBody { to: Some(number(call).to_owned()), ..body });
                *self.over.entry(call).or_default() += 1;
            }
            Act::Time(ms) => self.pass(ms),
            Act::Script(what) => {
                use Creation as C;
                let scripts = [C::Books, C::BooksAndIsLost, C::IsLost, C::IsNotSent, C::LosesHost];
                self.rig.calendar.script([scripts[usize::from(what)]]);
            }
            Act::SlowPosts(slow) => {
                gate(&self.rig.calendar.creates, slow);
                self.posts_hang_since = slow.then(|| self.posts_hang_since.unwrap_or(self.rig.now()));
            }
            Act::SlowSlots(slow) => gate(&self.rig.calendar.fetches, slow),
            Act::Down(down) => self.rig.calendar.set_down(down),
            Act::Blocked(retry_after_ms) => {
                self.rig.calendar.tell_limits([Heard::Blocked { retry_after_ms }]);
            }
            Act::Crash => {
                self.rig.crash_and_restart();
                self.rig.calendar.creates.open();
                self.rig.calendar.fetches.open();
                self.posts_hang_since = None;
                // Their sockets died with the process.
                self.asked.clear();
            }
            Act::Panic => {
                self.rig.settle();
                self.rig.directory.panic_next(1);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        let until = self.rig.now().plus_ms(i64::try_from(ms).unwrap());
        if self.posts_hang_since.is_some_and(|since| until.since(since) >= POST_TIMEOUT_MS) {
            self.posts_hang_since = None;
            self.rig.calendar.creates.open();
            self.rig.settle();
        }
        self.rig.advance(ms);
    }

    /// Nobody is booked twice, and no agent waits longer than its budget. The calendar of this storm books what
    /// it is told; where it picks a host from a pool whom a booking under way names, a real one refuses that.
    fn check(&mut self) {
        let standing = self.rig.calendar.standing();
        for (i, (host, interval, order)) in standing.iter().enumerate() {
            for (other_host, other, other_order) in &standing[i + 1..] {
                let is_named =
                    |order: &Option<BookingOrder>| order.as_ref().is_some_and(|o| o.staff.is_some());
                let picked = is_named(order) != is_named(other_order);
                let clash = host == other_host && interval.overlaps(*other) && !picked;
                assert!(!clash, "{host} is sold twice: {order:#?} {other_order:#?}");
            }
        }
        let now = self.rig.now();
        self.asked.retain_mut(|(asked, at)| {
            let heard = asked.heard().is_some();
            assert!(heard || now.since(*at) < crate::rig::BUDGET_MS, "an agent waits since {at}");
            !heard
        });
    }
}

fn gate(gate: &crate::ports::fakes::Gate, closed: bool) {
    if closed { gate.close() } else { gate.open() }
}

fn storm(acts: Vec<Act>, reservations: bool) {
    let mut settings = Settings::default();
    settings.scheduling.reservations = reservations;
    let rig = rig_with(settings);
    let mut storm = Storm { rig, asked: Vec::new(), over: BTreeMap::new(), posts_hang_since: None };
    storm.rig.calendar.set_trusting();
    for act in acts {
        storm.act(act);
        storm.rig.settle();
        storm.check();
    }
    storm.rig.directory.panic_next(0);
    storm.rig.heal();
    for call in 0..CALLS {
        storm.act(Act::HangUp { call });
    }
    storm.rig.advance(120_000);
    storm.check();
    assert!(storm.asked.is_empty(), "{} agents were never answered", storm.asked.len());
    let tables = storm.rig.database.tables();
    let confirmed = tables.appointments.values().filter(|row| row.status == AppointmentStatus::Confirmed);
    let told = tables.outbox.values().filter(|row| row.kind == "booking_confirmed");
    assert_eq!(confirmed.count(), told.count(), "each is told once");
    storm.rig.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 400,
        ..ProptestConfig::with_cases(60) })]

    #[test]
    fn whatever_happens_nobody_is_sold_twice_and_everybody_is_answered(
        acts in proptest::collection::vec(act(), 1..60),
        reservations in any::<bool>(),
    ) {
        storm(acts, reservations);
    }
}
