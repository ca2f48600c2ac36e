//! Many callers, one slot: over HTTP, again and again, with pools and single members mixed.

use std::time::{Duration, Instant};

use askpro::simulators::calcom::{BookingStatus, Operation};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::Value;

use super::{Fault, Scale, fault};
use crate::{
    home::Kind,
    judge::{Posts, judge},
    ledger::Figures,
    plain::PlainCall,
    table::Row,
    wire::Wire,
    world::World,
};

const COMPANIES: u32 = 40;
/// Callers of one race.
const CALLERS: usize = 6;

pub fn faults() -> Vec<Fault> {
    vec![fault!("last_slot", "six callers race for one member's slot, or for all three of a pool", race)]
}

/// How a race came out.
struct Outcome {
    /// Calls that were told `confirmed`.
    winners: usize,
    /// Free units that there were.
    units: usize,
    /// Some want a member of the pool by name.
    is_mixed: bool,
    told: Vec<String>,
    answers: u64,
}

impl Outcome {
    /// Nobody wins what is not there, and nothing that is there goes begging: but where Cal.com gave a member away whom
    /// another call was offered by name.
    fn is_fair(&self, scale: Scale) -> bool {
        match self.winners {
            0 => false,
            winners if winners >= self.units => winners == self.units,
            // A machine that is busy with other tests may keep somebody waiting until the budget is over.
            _ => !scale.full || self.is_mixed,
        }
    }
}

async fn race(scale: Scale) -> Vec<Row> {
    let Some(world) = World::make(Kind::MariaDb, COMPANIES, scale.seed).await else { return Vec::new() };
    let process = world.start().await;
    let races = scale.of(2_000, 60);
    let (mut wrong, mut answers, mut races_run, mut winners, mut units) = (Vec::new(), 0, 0, 0, 0);
    let mut longest = Duration::ZERO;
    for number in 0..races {
        let mut rng = SmallRng::seed_from_u64(scale.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let since = Instant::now();
        let outcome = one(&world, number, &mut rng).await;
        longest = longest.max(since.elapsed());
        answers += outcome.answers;
        winners += outcome.winners;
        races_run += 1;
        units += outcome.units;
        if !outcome.is_fair(scale) {
            wrong.push(format!(
                "race {number}: {} winners for {} units (mixed: {}): {:?}",
                outcome.winners, outcome.units, outcome.is_mixed, outcome.told
            ));
        }
    }
    let mut findings = judge(&world, &process, Posts::Once).await;
    findings.wrong.extend(wrong);
    let standing = world.calcom.bookings().iter().filter(|b| b.status == BookingStatus::Accepted).count();
    if standing != winners {
        findings.wrong.push(format!("{winners} winners and {standing} bookings at Cal.com"));
    }
    let figures = Figures { functions: answers, worst_function: longest, ..Figures::default() };
    let posts = world.calcom.requests(Some(Operation::Create));
    let refused = posts.iter().filter(|post| post.status != Some(201)).count();
    let notes = vec![format!(
        "{winners} winners for {units} free units, as many bookings at Cal.com; {refused} of {} orders refused there",
        posts.len()
    )];
    vec![Row { notes, ..Row::of("last_slot", world.kind.name(), races_run, figures, findings) }]
}

/// Each race has a start of its own in a company of its own turn.
async fn one(world: &World, number: u64, rng: &mut SmallRng) -> Outcome {
    let company = (number % u64::from(COMPANIES)) as usize;
    let slot = number / u64::from(COMPANIES);
    let (day, half) = (slot / 22, slot % 22);
    let start = start_of(day, half);
    let by_name = rng.random_bool(0.5);
    let mixed = rng.random_bool(0.3);
    let units = if by_name && !mixed { 1 } else { 3 };
    let callers = (0..CALLERS).map(|place| {
        let call = PlainCall::to(rng, "race", company);
        let names = ["Udo", "Mia", "Grace"];
        let staff = match (by_name, mixed) {
            (true, false) => Some("Mia"),
            (_, true) => Some(names[place % 3]).filter(|_| place < 3),
            (false, false) => None,
        };
        let checks_first = rng.random_bool(0.4);
        let pause = Duration::from_micros(rng.random_range(0..3_000));
        tokio::spawn(caller(world.addresses[0].clone(), call, start.clone(), staff, checks_first, pause))
    });
    let callers: Vec<_> = callers.collect();
    let mut outcome = Outcome { winners: 0, units, is_mixed: mixed, told: Vec::new(), answers: 0 };
    for caller in callers {
        let told = caller.await.unwrap();
        outcome.answers += told.len() as u64;
        outcome.winners += usize::from(told.last().is_some_and(|code| code == "confirmed"));
        outcome.told.push(told.join(" then "));
    }
    outcome
}

/// `2026-11-30T08:30`: a working day from tomorrow on.
fn start_of(day: u64, half: u64) -> String {
    let first = crate::support::days::slot(8, 0);
    let mut date: jiff::civil::Date = first.local[..10].parse().unwrap();
    for _ in 0..day {
        date = date.tomorrow().unwrap();
        while date.weekday() == jiff::civil::Weekday::Sunday {
            date = date.tomorrow().unwrap();
        }
    }
    format!("{date}T{:02}:{:02}", 8 + half / 2, 30 * (half % 2))
}

/// Wants this start and no other; hangs up in the end. Gives what it was told, word by word.
async fn caller(
    address: String,
    call: PlainCall,
    start: String,
    staff: Option<&str>,
    checks_first: bool,
    pause: Duration,
) -> Vec<String> {
    let mut wire = Wire::new(&address);
    let staff = staff.map(|name| format!(r#","staff":"{name}""#)).unwrap_or_default();
    let wish = format!(r#"{{"service":"Haarschnitt","datetime":"{start}","name":"Anna Schmidt"{staff}}}"#);
    tokio::time::sleep(pause).await;
    let mut told = Vec::new();
    let functions: &[&str] =
        if checks_first { &["check_availability", "book_appointment"] } else { &["book_appointment"] };
    for name in functions {
        let body = call.function(name, &wish);
        let answer = wire.post(&format!("/functions/retell/{name}"), body.as_bytes()).await;
        let view: Value =
            answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
        told.push(view["code"].as_str().unwrap_or("nothing").to_owned());
    }
    let mut rng = SmallRng::seed_from_u64(1);
    wire.post("/webhooks/retell", call.ended(&mut rng, 200).as_bytes()).await;
    told
}
