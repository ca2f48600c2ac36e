//! kill -9 and SIGTERM under load: what was acknowledged is in the database once, and nothing is ordered twice.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use askpro::simulators::calcom::{CalcomHandle, Operation, Origin};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::json;

use crate::support::{
    database::Tables,
    days::slot,
    eventually,
    program::Program,
    retell::{Retell, call, event, over},
    service::{Setup, companies},
};

const ROUNDS: usize = 5;
const CALLERS: usize = 6;

/// What callers were told, over all rounds.
#[derive(Default)]
struct Told {
    /// `(call_id, event)` that were answered 2xx.
    events: Mutex<BTreeSet<(String, String)>>,
    /// Calls whose booking was answered `confirmed`.
    confirmed: Mutex<BTreeSet<String>>,
    /// Numbers of calls given out so far.
    calls: AtomicU32,
}

/// Callers that call, book and hang up until they are told to stop or nobody answers any more.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(retell: &Retell, told: &Arc<Told>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = |_| {
            let (retell, told, stop) = (retell.clone(), told.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let number = told.calls.fetch_add(1, Ordering::SeqCst);
                    if one_call(&retell, &told, number).await.is_none() {
                        return;
                    }
                }
            })
        };
        let callers = (0..CALLERS).map(caller).collect();
        Self { stop, callers }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await.unwrap();
        }
    }
}

/// One call from its start to its end; nothing when the line is dead.
async fn one_call(retell: &Retell, told: &Told, number: u32) -> Option<()> {
    let id = format!("call_load_{number:05}");
    let call = call(&id);
    send(retell, told, &id, "call_started", &call).await?;
    let at = slot(9 + i8::try_from(number % 9).unwrap(), if number.is_multiple_of(2) { 0 } else { 30 });
    let order = json!({ "service": "Herrenhaarschnitt", "date": at.german_date, "time": at.time, "name": "Anna Schmidt" });
    let body = json!({ "call": call, "args": order }).to_string();
    let request =
        retell.signed("/functions/retell/book_appointment", body.as_bytes(), crate::support::days::now_ms());
    let response = request.timeout(Duration::from_secs(10)).send().await.ok()?;
    let answer: serde_json::Value = response.json().await.ok()?;
    if answer["status"] == "confirmed" {
        told.confirmed.lock().unwrap().insert(id.clone());
    }
    send(retell, told, &id, "call_ended", &over(&call, 20_000, "user_hangup")).await
}

/// Notes an event as acknowledged when it was answered 2xx.
async fn send(retell: &Retell, told: &Told, id: &str, name: &str, call: &serde_json::Value) -> Option<()> {
    let body = event(name, call).to_string();
    let request = retell.signed("/webhooks/retell", body.as_bytes(), crate::support::days::now_ms());
    let status = request.timeout(Duration::from_secs(10)).send().await.ok()?.status();
    if status.is_success() {
        told.events.lock().unwrap().insert((id.to_owned(), name.to_owned()));
    }
    Some(())
}

async fn prepared() -> (Setup, CalcomHandle) {
    let mut setup = Setup::new().with("DATABASE__LEASE_TTL_MS", "1000");
    let calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    (setup, calcom)
}

/// Waits until nothing is open any more, then compares what was told with what is there.
async fn check(setup: &Setup, calcom: &CalcomHandle, told: &Told) {
    let tables = Tables::open(setup.database_url()).await;
    let wanted = told.events.lock().unwrap().clone();
    let stored = async || -> BTreeSet<(String, String)> {
        let rows = tables.rows("call_id, event", "FROM call_events").await;
        rows.into_iter().map(|mut row| (row.remove(0).unwrap(), row.remove(0).unwrap())).collect()
    };
    eventually("everything that was acknowledged is in the database", async || {
        stored().await.is_superset(&wanted).then_some(())
    })
    .await;
    assert_eq!(tables.count("call_events").await, u64::try_from(stored().await.len()).unwrap(), "each once");
    assert_eq!(tables.count("dead_letters").await, 0);
    let confirmed: BTreeSet<String> =
        tables.texts("call_id", "FROM appointments WHERE status = 'confirmed'").await.into_iter().collect();
    let promised = told.confirmed.lock().unwrap().clone();
    assert!(confirmed.is_superset(&promised), "{:?}", promised.difference(&confirmed).collect::<Vec<_>>());
    let uids: BTreeSet<String> = tables.texts("calcom_uid", "FROM appointments").await.into_iter().collect();
    let mut ordered = BTreeSet::new();
    for booking in calcom.bookings().iter().filter(|b| b.origin == Origin::Api && b.stands()) {
        assert!(uids.contains(&booking.uid), "a booking without a row: {booking:?}");
        let order = json!(booking.metadata).to_string();
        assert!(ordered.insert(order.clone()), "ordered twice: {order}");
    }
    assert!(calcom.overlaps().is_empty());
}

/// Waits until no booking's outcome is open: what a crash left in the journal has its row, and the reconciler has looked at
/// what was cut off.
async fn nothing_open(program: &Program, setup: &Setup) {
    let tables = Tables::open(setup.database_url()).await;
    let open = "appointments WHERE status IN ('submitted', 'pending_confirmation', 'unknown')";
    crate::support::within(Duration::from_secs(70), "no outcome is open", async || {
        (program.is_applied().await && tables.count(open).await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_again_and_again() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let (setup, calcom) = prepared().await;
    let told = Arc::new(Told::default());
    for round in 0..ROUNDS {
        let mut program = Program::start(&setup).await;
        let load = Load::start(&program.retell, &told);
        let until = told.events.lock().unwrap().len() + rng.random_range(20..120);
        eventually(&format!("round {round} is under load"), async || {
            (told.events.lock().unwrap().len() >= until).then_some(())
        })
        .await;
        program.kill();
        load.end().await;
    }
    let mut program = Program::start(&setup).await;
    nothing_open(&program, &setup).await;
    check(&setup, &calcom, &told).await;
    assert!(told.confirmed.lock().unwrap().len() > 3, "the load did book");
    let posts = calcom.requests(Some(Operation::Create)).len();
    let bookings = calcom.bookings().len();
    let orders = Tables::open(setup.database_url()).await.count("appointments").await;
    assert!(u64::try_from(posts).unwrap() <= orders, "{posts} posts for {orders} orders");
    println!("{} events, {bookings} bookings, {posts} posts", told.events.lock().unwrap().len());
    program.signal("TERM");
    assert_eq!(program.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_process_finishes_what_it_took() {
    let (setup, calcom) = prepared().await;
    let told = Arc::new(Told::default());
    let mut program = Program::start(&setup).await;
    let load = Load::start(&program.retell, &told);
    eventually("it is under load", async || (told.events.lock().unwrap().len() > 60).then_some(())).await;
    program.signal("TERM");
    let code = program.ended().await.code();
    load.end().await;
    assert_eq!(code, Some(0));
    // Before any other process could replay the journal.
    let tables = Tables::open(setup.database_url()).await;
    let stored = tables.rows("call_id, event", "FROM call_events").await.len();
    assert!(stored >= told.events.lock().unwrap().len(), "{stored} stored");
    check(&setup, &calcom, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_skip_the_flush() {
    let (setup, calcom) = prepared().await;
    let told = Arc::new(Told::default());
    let mut program = Program::start(&setup).await;
    let load = Load::start(&program.retell, &told);
    eventually("it is under load", async || (told.events.lock().unwrap().len() > 40).then_some(())).await;
    program.signal("TERM");
    let mut signals = 0;
    while program.is_running() && signals < 20 {
        program.signal(if signals % 2 == 0 { "TERM" } else { "INT" });
        signals += 1;
    }
    assert_eq!(program.ended().await.code(), Some(0));
    load.end().await;
    check(&setup, &calcom, &told).await;
}
