//! Twice as much as goes through, for a minute. The service has one core to itself and everybody else, the callers and
//! the database, the others: callers who share its cores are held up by it and cannot bring twice as much.
//!
//! Those who press wait for each other and for the database: an answer that is there long since is read late. So how long
//! answers take is measured by a few others, on a thread of their own that has next to nothing to do. They have their
//! connections before: how long thousands of new ones take to be taken in, the crowd's own figures tell.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::Value;
use tokio::sync::{Barrier, Semaphore};

use super::{Fault, Scale, fault};
use crate::{
    cores::Cores,
    home::Kind,
    judge::{Findings, event_rows, gave_up_nothing},
    ledger::Figures,
    plain::PlainCall,
    process::Process,
    table::Row,
    wire::Wire,
    world::{World, pass},
};

const COMPANIES: u32 = 12;
/// Connections that measure what goes through: enough that nobody waits for a caller, and too few to be turned away.
const CONNECTIONS: usize = 64;
/// Connections that bring twice as much, at most: Retell opens another one when none is free.
const CROWD_MAX: usize = 8_000;
/// Calls at the same time. What is next of them comes over whichever connection is free, one call after the other, so at
/// any time as much of each kind comes as at any other.
const CALLS: usize = 8_192;
/// What comes at once, at most, as the time in which it is due.
const BURST_S: f64 = 0.01;
/// Connections that measure how long answers take, and what each of them sends.
const SAMPLERS: usize = 64;
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Of what was accepted, 99 of 100 are answered within this time.
const P99_MAX: Duration = Duration::from_millis(100);
/// What memory may grow by between the second quarter of the run and its end: so much (of that each callback takes some
/// that nobody has made yet, and some ten thousand are noted), and what an event takes that waits for the database then.
const GROWTH_MAX_BYTES: u64 = 64 * 1024 * 1024;
const WAITING_BYTES_MAX: u64 = 3 * 1024;

/// Shares of two kinds that differ by less are equal.
const SHARES_EQUAL_WITHIN: f64 = 0.03;

/// What goes on under the load, as a share of what goes through without; refusing costs something too.
const ACCEPTED_MIN: f64 = 0.4;
/// What comes, as many times what goes through; 2 is meant.
const PRESSED_MIN: f64 = 1.8;
/// What is refused of what goes through, with everybody waiting for the answer before.
const REFUSED_ALONE_MAX: f64 = 0.05;
/// Answers whose times are known.
const SAMPLES_MIN: usize = 500;
/// Of the answers of functions, those that only say that it takes too long.
const BUSY_MAX: f64 = 0.01;
/// How long connections take to be there, at most.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);

pub fn faults() -> Vec<Fault> {
    vec![fault!("overload", "twice as many requests as go through", overload)]
}

/// How often Retell sends an event again.
const RETRIES: u32 = 3;

/// Kinds of requests, in the order in which they are refused.
const KINDS: [&str; 4] = ["transcript_updated", "function_read", "function_write", "lifecycle"];

#[derive(Default)]
struct Counts {
    accepted: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    without_retry_after: u64,
    other: BTreeMap<u16, u64>,
    unanswered: u64,
    /// Functions that were answered, and did nothing.
    busy: u64,
    times: Vec<Duration>,
    kept: Kept,
}

/// What was accepted and must be in the database.
#[derive(Default)]
struct Kept {
    /// Lifecycle events that were answered 204.
    events: Vec<(String, &'static str)>,
    /// Ids of callbacks that agents were told of.
    callbacks: Vec<String>,
}

struct Crowd {
    stop: AtomicBool,
    /// Those who measure, and who begins with everything else when all of them have their connection.
    connected: Barrier,
    /// Requests that are due and that nobody has taken up.
    due: Semaphore,
    /// Of whom nothing is on its way that must be answered first.
    calls: Mutex<VecDeque<Talk>>,
    counts: Mutex<Counts>,
    /// Of those who measure.
    samples: Mutex<Counts>,
}

/// A call, and what is next of it.
struct Talk {
    call: PlainCall,
    step: u32,
    /// How often that was refused.
    refused: u32,
}

/// A request of a call.
struct Request {
    kind: &'static str,
    /// Of what must be in the database.
    event: &'static str,
    path: &'static str,
    body: String,
}

/// When the next request is sent.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as the one before is answered.
    Answered,
    /// As soon as one is due, by whoever is free.
    Due,
    /// At fixed times.
    Samples,
}

async fn overload(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in scale.of(vec![Kind::MariaDb, Kind::Sqlite], vec![Kind::MariaDb]) {
        let Some(mut world) = World::make(kind, COMPANIES, scale.seed).await else { continue };
        // As many threads as it takes by itself.
        world.set("HTTP__WORKERS", "0");
        let cores = Cores::first();
        let process = world.start().await;
        cores.others();
        // What goes through when everybody waits for the answer before.
        let alone = press(&world, &process, f64::INFINITY, scale.of(10.0, 2.0), scale.seed).await;
        let capacity = (alone.counts.times.len() + alone.samples.times.len()) as f64 / alone.seconds;
        let pressed = press(&world, &process, 2.0 * capacity, scale.of(60.0, 4.0), scale.seed + 1).await;
        rows.push(tell(&world, &process, scale, capacity, alone, pressed).await);
    }
    rows
}

struct Pressed {
    counts: Counts,
    /// Of those who measured, which are no part of the others.
    samples: Counts,
    seconds: f64,
    connections: usize,
    /// Resident bytes, four times a second.
    memory: Vec<u64>,
    /// Events that are acknowledged and not in the database at the end.
    waiting: u64,
}

/// Sends so many requests per second.
async fn press(world: &World, process: &Process, per_s: f64, seconds: f64, seed: u64) -> Pressed {
    let crowd = Arc::new(Crowd {
        stop: AtomicBool::new(false),
        connected: Barrier::new(SAMPLERS + 1),
        due: Semaphore::new(0),
        calls: Mutex::default(),
        counts: Mutex::default(),
        samples: Mutex::default(),
    });
    let chance = |hand: usize| SmallRng::seed_from_u64(seed.wrapping_mul(65_537).wrapping_add(hand as u64));
    let caller = |hand: usize| (crowd.clone(), Wire::new(&world.addresses[0]), chance(hand));
    let mut rng = chance(SAMPLERS + CROWD_MAX);
    *crowd.calls.lock().unwrap() = (0..CALLS).map(|_| Talk::new(&mut rng)).collect();
    let pace = if per_s.is_finite() { Pace::Due } else { Pace::Answered };
    let samplers: Vec<_> = (0..SAMPLERS).map(&caller).collect();
    let sampling = std::thread::spawn(move || {
        before_all_others();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let all = samplers.into_iter().map(|(crowd, wire, rng)| send(crowd, wire, rng, Pace::Samples));
        runtime.block_on(futures_util::future::join_all(all));
    });
    let mut hands = Vec::new();
    let mut open = |count: usize| {
        for _ in 0..count {
            let (crowd, wire, rng) = caller(SAMPLERS + hands.len());
            hands.push(tokio::spawn(send(crowd, wire, rng, pace)));
        }
        hands.len()
    };
    tokio::time::timeout(CONNECTED_WITHIN, crowd.connected.wait())
        .await
        .expect("those who measure are answered");
    let mut connections = open(CONNECTIONS);
    let (since, mut memory, mut next_look, mut added) = (Instant::now(), Vec::new(), 0.0, 0);
    while since.elapsed().as_secs_f64() < seconds {
        let passed = since.elapsed().as_secs_f64();
        if per_s.is_finite() {
            // What nobody took up since the last time finds no connection free.
            connections = open(crowd.due.available_permits().min(CROWD_MAX - connections));
            let due = (passed * per_s) as usize;
            // Whoever brings them may be held up by the database; what was due meanwhile does not come all at once.
            crowd.due.add_permits((due - added).min((BURST_S * per_s) as usize));
            added = due;
        }
        if passed >= next_look {
            memory.push(process.resident_bytes());
            next_look += 0.25;
        }
        pass(0.002).await;
    }
    let waiting = process.seen().await.map(|seen| seen.outstanding).unwrap_or_default();
    crowd.stop.store(true, Ordering::Relaxed);
    crowd.due.close();
    let seconds = since.elapsed().as_secs_f64();
    for hand in hands {
        hand.await.unwrap();
    }
    tokio::task::spawn_blocking(move || sampling.join().unwrap()).await.unwrap();
    let counts = std::mem::take(&mut *crowd.counts.lock().unwrap());
    let samples = std::mem::take(&mut *crowd.samples.lock().unwrap());
    Pressed { counts, samples, seconds, connections, memory, waiting }
}

/// Gives this thread its core whenever it has something to do: whoever measures waits for nobody. As far as the machine
/// lets us.
fn before_all_others() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let thread = thread.file_name().unwrap();
    let _ = Command::new("renice").args(["-n", "-19", "-p"]).arg(thread).output();
}

/// One connection: sends what is due, one request after the other.
async fn send(crowd: Arc<Crowd>, mut wire: Wire, mut rng: SmallRng, pace: Pace) {
    let mut own = Counts::default();
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    if matches!(pace, Pace::Samples) {
        let first = PlainCall::new(&mut rng, "load", COMPANIES as usize).function("list_services", "{}");
        assert!(wire.post("/functions/retell/list_services", first.as_bytes()).await.is_some());
        crowd.connected.wait().await;
    }
    // Not all of those who measure at the same moment.
    ticks.reset_after(SAMPLE_EVERY.mul_f64(rng.random()));
    while !crowd.stop.load(Ordering::Relaxed) {
        let due_at = match pace {
            Pace::Answered => None,
            Pace::Due => {
                let Ok(due) = crowd.due.acquire().await else { break };
                due.forget();
                None
            }
            Pace::Samples => Some(ticks.tick().await.into_std()),
        };
        let next = crowd.calls.lock().unwrap().pop_front();
        let mut talk = next.unwrap_or_else(|| Talk::new(&mut rng));
        let Request { kind, event, path, body } = talk.request(&mut rng);
        // A call does not wait for the answer to a transcript.
        let waiting = if kind == KINDS[0] {
            crowd.calls.lock().unwrap().push_back(talk);
            None
        } else {
            Some(talk)
        };
        // Who measures counts from when it was due: what came late because the answer before was late is late too.
        let since = due_at.unwrap_or_else(Instant::now);
        let answer = wire.post(path, body.as_bytes()).await;
        let is_refused = answer.as_ref().is_some_and(|answer| answer.status == 503);
        match answer {
            Some(answer) if answer.status < 300 => {
                *own.accepted.entry(kind).or_default() += 1;
                own.times.push(since.elapsed());
                match (kind, &waiting) {
                    ("lifecycle", Some(talk)) => own.kept.events.push((talk.call.id.clone(), event)),
                    ("function_write", _) => match callback_of(&answer.body) {
                        Some(id) => own.kept.callbacks.push(id),
                        None => own.busy += 1,
                    },
                    ("function_read", _) => own.busy += u64::from(is_busy(&answer.body)),
                    _ => {}
                }
            }
            Some(answer) if is_refused => {
                *own.refused.entry(kind).or_default() += 1;
                // A refusal is held back, and what is next would take another connection.
                ticks.reset();
                own.without_retry_after += u64::from(!answer.retry_after);
            }
            Some(answer) => *own.other.entry(answer.status).or_default() += 1,
            None => own.unanswered += 1,
        }
        if let Some(mut talk) = waiting {
            talk.refused = if is_refused { talk.refused + 1 } else { 0 };
            crowd.calls.lock().unwrap().push_back(talk);
        }
    }
    let counts = if matches!(pace, Pace::Samples) { &crowd.samples } else { &crowd.counts };
    counts.lock().unwrap().add(own);
}

impl Talk {
    /// Somewhere in a call.
    fn new(rng: &mut SmallRng) -> Self {
        let call = PlainCall::new(rng, "load", COMPANIES as usize);
        Self { call, step: rng.random_range(0..8), refused: 0 }
    }

    /// Goes on to what is next. An event that was refused comes again, so many times at most, as Retell sends it.
    fn request(&mut self, rng: &mut SmallRng) -> Request {
        let comes_again = kind_of(self.step) == "lifecycle" && (1..=RETRIES).contains(&self.refused);
        if !comes_again {
            self.refused = 0;
            self.step = (self.step + 1) % 8;
            if self.step == 0 {
                self.call = PlainCall::new(rng, "load", COMPANIES as usize);
            }
        }
        let call = &self.call;
        let (event, path, body) = match self.step {
            0 => ("call_started", "/webhooks/retell", call.started()),
            1..=4 => ("", "/webhooks/retell", call.transcript(rng, 2_000)),
            5 => ("", "/functions/retell/list_services", call.function("list_services", "{}")),
            6 => {
                let wish = r#"{"name":"Anna Schmidt","reason":"x"}"#;
                ("", "/functions/retell/request_callback", call.function("request_callback", wish))
            }
            _ => ("call_ended", "/webhooks/retell", call.ended(rng, 4_000)),
        };
        Request { kind: kind_of(self.step), event, path, body }
    }
}

/// What the steps of a call ask for.
const fn kind_of(step: u32) -> &'static str {
    match step {
        0 | 7 => KINDS[3],
        1..=4 => KINDS[0],
        5 => KINDS[1],
        _ => KINDS[2],
    }
}

/// The callback that an agent was told of.
fn callback_of(answer: &[u8]) -> Option<String> {
    let view: Value = serde_json::from_slice(answer).ok()?;
    let is_noted = view["code"] == "callback_requested";
    is_noted.then(|| view["callback_id"].as_str().unwrap_or_default().to_owned())
}

/// Whether an agent was told that it takes too long.
fn is_busy(answer: &[u8]) -> bool {
    serde_json::from_slice::<Value>(answer).is_ok_and(|view| view["code"] == "busy")
}

impl Kept {
    fn add(&mut self, others: Self) {
        self.events.extend(others.events);
        self.callbacks.extend(others.callbacks);
    }
}

impl Counts {
    fn add(&mut self, own: Self) {
        for (kind, count) in own.accepted {
            *self.accepted.entry(kind).or_default() += count;
        }
        for (kind, count) in own.refused {
            *self.refused.entry(kind).or_default() += count;
        }
        for (status, count) in own.other {
            *self.other.entry(status).or_default() += count;
        }
        self.without_retry_after += own.without_retry_after;
        self.unanswered += own.unanswered;
        self.busy += own.busy;
        self.times.extend(own.times);
        self.kept.add(own.kept);
    }

    /// The time within which so many of 100 that were accepted had their answer.
    fn percentile(&mut self, percent: usize) -> Duration {
        self.times.sort_unstable();
        self.times.get(self.times.len() * percent / 100).copied().unwrap_or_default()
    }

    /// Share of a kind that was refused.
    fn refused_share(&self, kind: &str) -> f64 {
        let of = |counts: &BTreeMap<&'static str, u64>| counts.get(kind).copied().unwrap_or_default() as f64;
        let (refused, accepted) = (of(&self.refused), of(&self.accepted));
        if refused + accepted > 0.0 { refused / (refused + accepted) } else { 0.0 }
    }
}

async fn tell(
    world: &World,
    process: &Process,
    scale: Scale,
    capacity: f64,
    mut alone: Pressed,
    mut pressed: Pressed,
) -> Row {
    let (p99_alone, p50, p99) =
        (alone.samples.percentile(99), pressed.samples.percentile(50), pressed.samples.percentile(99));
    let samples = pressed.samples.times.len();
    let (crowd_p50, crowd_p99) = (pressed.counts.percentile(50), pressed.counts.percentile(99));
    let worst_ack =
        pressed.samples.times.last().max(pressed.counts.times.last()).copied().unwrap_or_default();
    for part in [&mut alone, &mut pressed] {
        let samples = std::mem::take(&mut part.samples);
        part.counts.add(samples);
    }
    let counts = &pressed.counts;
    let accepted: u64 = counts.accepted.values().sum();
    let refused: u64 = counts.refused.values().sum();
    let mut findings = Findings::default();
    let refused_before = alone.counts.refused.values().sum::<u64>() as f64
        / (alone.counts.refused.values().sum::<u64>() + alone.counts.times.len() as u64) as f64;
    let shares: Vec<String> =
        KINDS.iter().map(|kind| format!("{kind} {:.1} %", 100.0 * counts.refused_share(kind))).collect();
    let quarter = pressed.memory.len() / 4;
    let early = pressed.memory.iter().skip(quarter).take(quarter.max(1)).max().copied().unwrap_or_default();
    let late = pressed.memory.iter().rev().take(quarter.max(1)).max().copied().unwrap_or_default();
    let mut notes = vec![
        format!(
            "goes through {capacity:.0}/s with p99 {p99_alone:.1?}; sent {:.0}/s over {} connections, accepted {:.0}/s with p50 {p50:.1?}, p99 {p99:.1?}",
            (accepted + refused) as f64 / pressed.seconds,
            pressed.connections,
            accepted as f64 / pressed.seconds
        ),
        format!(
            "as {SAMPLERS} others measured on {samples} that were accepted; the crowd read its answers with p50 {crowd_p50:.1?}, p99 {crowd_p99:.1?}"
        ),
        format!("refused: {}; before {:.1} %", shares.join(", "), 100.0 * refused_before),
        format!(
            "memory {} MiB in the second quarter, {} MiB in the last; {} events wait for the database then",
            early >> 20,
            late >> 20,
            pressed.waiting
        ),
    ];
    if counts.without_retry_after > 0 {
        findings.wrong.push(format!("{} refusals without Retry-After", counts.without_retry_after));
    }
    if !counts.other.is_empty() {
        findings.wrong.push(format!("answered {:?}", counts.other));
    }
    if refused == 0 {
        findings.wrong.push("nothing was refused".to_owned());
    }
    // A few seconds on a busy machine tell the first kind from the last and no more.
    let order = if scale.full { KINDS.to_vec() } else { vec![KINDS[0], KINDS[KINDS.len() - 1]] };
    for (place, kind) in order.iter().enumerate() {
        let share = counts.refused_share(kind);
        let before =
            order[..place].iter().filter(|before| share > counts.refused_share(before) + SHARES_EQUAL_WITHIN);
        findings.wrong.extend(before.map(|before| format!("{kind} was refused more than {before}")));
    }
    let functions: u64 = KINDS[1..3].iter().filter_map(|kind| counts.accepted.get(kind)).sum();
    let unserved = format!(
        "{} of {functions} functions were answered and did nothing, {} requests got no answer",
        counts.busy, counts.unanswered
    );
    // A machine that is busy with something else lets some of them wait too long.
    if scale.full {
        let of_capacity = |count: u64| count as f64 / pressed.seconds / capacity;
        let [pressed, accepted] = [of_capacity(accepted + refused), of_capacity(accepted)];
        let is_unserved = counts.unanswered > 0 || counts.busy as f64 > BUSY_MAX * functions as f64;
        let wrong = [
            (is_unserved, unserved.clone()),
            (pressed < PRESSED_MIN, format!("only {pressed:.2} times what goes through came")),
            (accepted < ACCEPTED_MIN, format!("only {accepted:.2} times what goes through was accepted")),
            (refused_before > REFUSED_ALONE_MAX, format!("{refused_before:.3} was refused without the load")),
            (samples < SAMPLES_MIN, format!("only {samples} answers were measured")),
            (p99 > P99_MAX, format!("p99 of what was accepted {p99:.1?}")),
        ];
        findings.wrong.extend(wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what));
    }
    let (grown, growth_max) =
        (late.saturating_sub(early), GROWTH_MAX_BYTES + WAITING_BYTES_MAX * pressed.waiting);
    if scale.full && grown > growth_max {
        findings.wrong.push(format!(
            "memory grew by {} MiB, {} MiB are right",
            grown >> 20,
            growth_max >> 20
        ));
    }
    let since = Instant::now();
    let figures =
        Figures { acknowledged: accepted + alone.counts.times.len() as u64, worst_ack, ..Figures::default() };
    let mut kept = alone.counts.kept;
    kept.add(pressed.counts.kept);
    notes.push(unserved);
    notes.push(format!("{} events and {} callbacks to be kept", kept.events.len(), kept.callbacks.len()));
    everything_is_kept(world, process, kept, &mut findings).await;
    let recovery = Some(since.elapsed());
    gave_up_nothing(process, &mut findings).await;
    Row { recovery, notes, ..Row::of("overload", world.kind.name(), 1, figures, findings) }
}

async fn everything_is_kept(world: &World, process: &Process, kept: Kept, findings: &mut Findings) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(180) {
        if process.is_applied().await {
            break;
        }
        pass(0.2).await;
    }
    let tables = world.tables().await;
    let callbacks: BTreeSet<String> =
        tables.texts("idempotency_key", "FROM callbacks").await.into_iter().collect();
    let is_lost = |id: &String| !callbacks.contains(&format!("requested:{id}"));
    findings.lost.extend(kept.callbacks.iter().filter(|id| is_lost(id)).map(|id| format!("callback {id}")));
    let rows = event_rows(&tables).await;
    for (call, event) in kept.events {
        match rows.get(&(call.clone(), event.to_owned())) {
            Some(1) => {}
            None => findings.lost.push(format!("{event} of {call}")),
            Some(times) => findings.doubled.push(format!("{event} of {call}, {times} rows")),
        }
    }
}
