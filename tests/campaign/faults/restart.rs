//! Killed with very many calls on the line: the next process knows all of them.

use std::time::{Duration, Instant};

use askpro::simulators::calcom::{Fault as Trouble, FaultKind, Operation};
use rand::{SeedableRng, rngs::SmallRng};

use super::{Fault, Scale, fault};
use crate::{
    judge::{Findings, event_rows},
    ledger::Figures,
    plain::PlainCall,
    process::Process,
    support::database::Tables,
    table::Row,
    wire::Wire,
    world::{World, pass},
};

/// Companies that share the calls.
const COMPANIES: u32 = 60;
const CONNECTIONS: usize = 32;
/// From the start of the next process to `/readyz` 200, at most; only judged at the real size.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// Then the journal is applied within this time, and every call known again.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);

pub fn faults() -> Vec<Fault> {
    vec![fault!(
        "restart_live",
        "killed with 100,000 live calls, 1,000 holds and 100 bookings in flight",
        restart
    )]
}

async fn restart(scale: Scale) -> Vec<Row> {
    let (calls, holds, bookings) = scale.of((100_000, 1_000, 100), (2_000, 40, 10));
    let mut rows = Vec::new();
    for kind in scale.kinds() {
        let Some(world) = World::make(kind, COMPANIES, scale.seed).await else { continue };
        let mut process = world.start().await;
        let mut told = Told::default();
        told.ring(&world, calls, scale.seed).await;
        told.hold(&world, holds, scale.seed + 1).await;
        world.calcom.add_fault(Trouble {
            kind: FaultKind::SlowAnswer { ms: 20_000 },
            api_key: None,
            operation: Some(Operation::Create),
            count: None,
        });
        told.book(&world, bookings).await;
        process.kill();
        let mut process = world.spawn();
        let ready = process.until_ready().await;
        world.calcom.clear_faults();
        let acknowledged = told.calls.len() as u64;
        let figures = Figures { acknowledged, functions: told.answers, ..Figures::default() };
        let mut row = Row::of("restart_live", kind.name(), 1, figures, Findings::default());
        row.recovery = Some(ready);
        if scale.full && ready > READY_WITHIN {
            row.findings.wrong.push(format!("ready {ready:.1?} after its start"));
        }
        let there = (told.calls.len() as u64 / CONNECTIONS as u64, told.held, told.booking);
        let wanted = ((calls / CONNECTIONS) as u64, holds as u64, bookings as u64);
        if there != wanted {
            row.findings.wrong.push(format!("not as many as there were to be: {there:?} of {wanted:?}"));
        }
        compare(&world, &process, &told, calls + holds, &mut row).await;
        row.notes.push(format!(
            "{} live calls, {} holds, {} bookings in flight",
            told.calls.len(),
            told.held,
            told.booking
        ));
        rows.push(row);
    }
    rows
}

/// What was acknowledged.
#[derive(Default)]
struct Told {
    calls: Vec<String>,
    answers: u64,
    held: u64,
    booking: u64,
    /// Calls with a hold.
    holders: Vec<PlainCall>,
}

impl Told {
    /// So many calls begin.
    async fn ring(&mut self, world: &World, count: usize, seed: u64) {
        let hands: Vec<_> = (0..CONNECTIONS)
            .map(|hand| {
                let mut wire = Wire::new(&world.addresses[0]);
                let mut rng = SmallRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(hand as u64));
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    for _ in 0..count / CONNECTIONS {
                        let call = PlainCall::new(&mut rng, "call", COMPANIES as usize);
                        let answer = wire.post("/webhooks/retell", call.started().as_bytes()).await;
                        if answer.is_some_and(|answer| answer.status == 204) {
                            taken.push(call.id);
                        }
                    }
                    taken
                })
            })
            .collect();
        for hand in hands {
            self.calls.extend(hand.await.unwrap());
        }
    }

    /// Calls that hold a slot each: of every company, at another time each.
    async fn hold(&mut self, world: &World, count: usize, seed: u64) {
        let mut wire = Wire::new(&world.addresses[0]);
        let mut rng = SmallRng::seed_from_u64(seed);
        for number in 0..count * 2 {
            if self.held as usize >= count {
                break;
            }
            let call = PlainCall::to(&mut rng, "hold", number % COMPANIES as usize);
            let slot = number / COMPANIES as usize;
            let day = crate::support::days::slot(9, 0);
            let time = format!("{:02}:{:02}", 8 + slot / 2 % 11, 30 * (slot % 2));
            let arguments = format!(
                r#"{{"service":"Haarschnitt","datetime":"{}T{time}","name":"Anna Schmidt"}}"#,
                &day.local[..10]
            );
            let body = call.function("check_availability", &arguments);
            let mut answer = wire.post("/functions/retell/check_availability", body.as_bytes()).await;
            // Behind the crowd of calls that have just begun the first ones are told to come again.
            while answer.as_ref().is_some_and(|answer| answer.status == 503) {
                pass(0.2).await;
                answer = wire.post("/functions/retell/check_availability", body.as_bytes()).await;
            }
            let Some(answer) = answer.filter(|answer| answer.status == 200) else { continue };
            self.answers += 1;
            let view: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if view["held_until"].is_string() {
                self.held += 1;
                self.holders.push(call);
            }
        }
    }

    /// Some of them book; Cal.com books and does not answer before the end of this process.
    async fn book(&mut self, world: &World, count: usize) {
        for call in self.holders.iter().take(count) {
            let mut wire = Wire::new(&world.addresses[0]);
            let body = call.function("book_appointment", r#"{"name":"Anna Schmidt","confirm":true}"#);
            tokio::spawn(
                async move { wire.post("/functions/retell/book_appointment", body.as_bytes()).await },
            );
        }
        let posted = || world.calcom.requests(Some(Operation::Create)).len();
        crate::support::within(Duration::from_secs(20), "the bookings are under way", async || {
            (posted() >= count).then_some(())
        })
        .await;
        self.booking = count as u64;
    }
}

/// Every call is live again, every hold is there, and every booking comes to its end without a second post.
async fn compare(world: &World, process: &Process, told: &Told, calls: usize, row: &mut Row) {
    // It is ready before everything in its journal is in the database, and before the last call is known again.
    let (since, wanted) = (Instant::now(), told.calls.len() as f64);
    let live = loop {
        let is_applied = process.is_applied().await;
        let live = process.metric("askpro_calls_live").await;
        if is_applied && live >= wanted || since.elapsed() > KNOWN_WITHIN {
            break live;
        }
        pass(0.2).await;
    };
    if live < wanted || live > calls as f64 + told.held as f64 {
        row.findings.lost.push(format!("{wanted} calls were on the line, {live} are"));
    }
    let holds = process.metric("askpro_holds_active").await;
    let wanted = (told.held - told.booking) as f64;
    if holds < wanted {
        row.findings.lost.push(format!("{wanted} slots were held, {holds} are"));
    }
    let tables: Tables = world.tables().await;
    let since = Instant::now();
    let confirmed = async || tables.count("appointments WHERE status = 'confirmed'").await;
    while confirmed().await < told.booking && since.elapsed() < Duration::from_secs(60) {
        pass(0.2).await;
    }
    if confirmed().await < told.booking {
        row.findings.lost.push(format!(
            "{} bookings were told, {} are confirmed",
            told.booking,
            confirmed().await
        ));
    }
    let (posts, bookings) =
        (world.calcom.requests(Some(Operation::Create)).len(), world.calcom.bookings().len());
    let wanted = told.booking as usize;
    if posts != wanted || bookings != wanted || !world.calcom.overlaps().is_empty() {
        row.findings.doubled.push(format!("{wanted} orders, {posts} posts, {bookings} bookings at Cal.com"));
    }
    let rows = event_rows(&tables).await;
    let started = |call: &String| rows.get(&(call.clone(), "call_started".to_owned()));
    let missing = told.calls.iter().filter(|call| started(call).is_none()).count();
    let doubled = rows.values().filter(|times| **times > 1).count();
    if doubled > 0 {
        row.findings.doubled.push(format!("{doubled} events have more than one row"));
    }
    if missing > 0 {
        row.findings.lost.push(format!("{missing} of {} acknowledged call_started", told.calls.len()));
    }
}
