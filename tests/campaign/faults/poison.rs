//! Messages that make their actor panic, and threads that stand still. The program is this binary itself, with a
//! probe before every turn of an actor; everything else is the service as it is.

use std::{
    collections::BTreeMap,
    process::{Command, ExitCode},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use askpro::{app, config::Config};
use askpro_actors::runtime::Probe;
use rand::{SeedableRng, rngs::SmallRng};
use serde_json::Value;

use super::{Fault, Scale, all_taken, fault};
use crate::{
    companies,
    hammer::{Blows, hammer},
    home::Kind,
    judge::{Findings, Posts, dropped, event_rows, judge, stood_still},
    plain::PlainCall,
    process::Process,
    support::database::Tables,
    table::Row,
    traffic::{Style, Traffic},
    wire::Wire,
    world::{World, pass},
};

const COMPANIES: u32 = 6;
/// Connections of those who have nothing to do with it.
const CONNECTIONS: usize = 8;
/// Calls with trouble in them that come in each second.
const TROUBLED_PER_S: f64 = 40.0;
/// Callers who book in the company with the trouble, where that is in its scheduler: few, for they cost the others
/// throughput too.
const BOOKERS: usize = 3;
/// A turn that stands still does so for this long, beyond the second and a half after which its thread is replaced.
const STANDS_STILL: Duration = Duration::from_secs(6);
/// The same actor stands still again after this time at the earliest: not when its turn is done again.
const STANDS_STILL_EVERY: Duration = Duration::from_secs(15);
/// Callers go on for so long at most until the trouble has been there.
const STRUCK_WITHIN: Duration = Duration::from_secs(20);
/// What the others may lose: of their throughput, and beyond their p99.
const THROUGHPUT_MIN: f64 = 0.8;
const P99_MAX: f64 = 1.5;

pub fn faults() -> Vec<Fault> {
    vec![
        fault!("poison_message", "calls whose every turn panics", message),
        fault!("poison_company", "a company whose scheduler and whose every call panic", company),
        fault!("hanging_thread", "a turn of a call that stands still for seconds", hanging),
        fault!("hanging_scheduler", "a turn of a scheduler that stands still for seconds", hanging_scheduler),
    ]
}

/// What is wrong in the last company.
struct Trouble {
    name: &'static str,
    /// For [`serve`], by the company's id.
    told: fn(&str) -> String,
    /// Kinds of actors that it must strike.
    kinds: &'static [&'static str],
    /// Threads stand still, instead of turns that panic.
    hangs: bool,
}

impl Trouble {
    fn is_of_the_scheduler(&self) -> bool {
        self.kinds.contains(&"scheduling")
    }
}

/// `askpro serve` with trouble: `panic:KIND:KEY` panics in every turn of such an actor, `hang:KIND:KEY` stands still
/// in one now and then. A key is met by its beginning; several troubles stand side by side with commas between them.
pub fn serve(trouble: &str) -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load(None, std::env::vars()).unwrap();
    askpro::telemetry::logs::init(&config.log).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match runtime.block_on(app::run_probed(config, Some(probe(trouble)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn probe(trouble: &str) -> Probe {
    let troubles: Vec<[String; 3]> = trouble
        .split(',')
        .filter_map(|one| {
            let mut words = one.splitn(3, ':').map(str::to_owned);
            Some([words.next()?, words.next()?, words.next()?])
        })
        .collect();
    let hung: Mutex<BTreeMap<String, Instant>> = Mutex::default();
    Arc::new(move |kind, key| {
        for [what, of, begins] in &troubles {
            if kind != of {
                continue;
            }
            let key = key.to_string();
            if !key.starts_with(begins.as_str()) {
                continue;
            }
            match what.as_str() {
                "hang" => {
                    let now = Instant::now();
                    let is_time = {
                        let mut hung = hung.lock().unwrap_or_else(PoisonError::into_inner);
                        let lately = hung.get(&key).is_some_and(|at| now - *at < STANDS_STILL_EVERY);
                        if !lately {
                            hung.insert(key, now);
                        }
                        !lately
                    };
                    if is_time {
                        #[allow(clippy::disallowed_methods, reason = "standing still is what is tried here")]
                        std::thread::sleep(STANDS_STILL);
                    }
                }
                _ => panic!("as it was told to"),
            }
        }
    })
}

/// The service with this trouble, at the world's address.
async fn start(world: &World, trouble: &str) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("ASKPRO__")) {
        command.env_remove(name);
    }
    command.envs(&world.setup.env).args(["--serve", trouble]);
    let mut process = Process::spawn(command, &world.addresses[0], world.setup.folder.path());
    process.until_ready().await;
    process
}

async fn message(scale: Scale) -> Vec<Row> {
    let told = |_: &str| "panic:call:bad".to_owned();
    course(Trouble { name: "poison_message", told, kinds: &["call"], hangs: false }, scale).await
}

async fn company(scale: Scale) -> Vec<Row> {
    let told = |id: &str| format!("panic:call:bad,panic:scheduling:{id}");
    course(Trouble { name: "poison_company", told, kinds: &["call", "scheduling"], hangs: false }, scale)
        .await
}

async fn hanging(scale: Scale) -> Vec<Row> {
    let told = |_: &str| "hang:call:bad".to_owned();
    course(Trouble { name: "hanging_thread", told, kinds: &["call"], hangs: true }, scale).await
}

async fn hanging_scheduler(scale: Scale) -> Vec<Row> {
    let told = |id: &str| format!("hang:scheduling:{id}");
    course(Trouble { name: "hanging_scheduler", told, kinds: &["scheduling"], hangs: true }, scale).await
}

/// What the others noticed in one run beside the trouble, as shares of the run before it without.
#[derive(Debug, Clone, Copy)]
struct Noticed {
    throughput: f64,
    p99: f64,
}

async fn course(trouble: Trouble, scale: Scale) -> Vec<Row> {
    let Some(mut world) = World::make(Kind::MariaDb, COMPANIES, scale.seed).await else { return Vec::new() };
    world.set("LOG__LEVEL", "error");
    let tables = world.tables().await;
    let last = COMPANIES as usize - 1;
    let of_last = format!("FROM companies WHERE slug = '{}'", companies::slug(last));
    let id = tables.texts("id", &of_last).await.remove(0);
    let mut process = start(&world, &(trouble.told)(&id)).await;
    let (runs, seconds) = (scale.of(5, 1), scale.of(20.0, 3.0));
    let mut noticed = Vec::new();
    let mut troubled = Troubled::new(&world.addresses[0], scale.seed, trouble.hangs);
    let bookers = if trouble.is_of_the_scheduler() { BOOKERS } else { 0 };
    let style = Style { company: Some(last), ..Style::busy(bookers) };
    let (mut others, mut untaken, mut untroubled) = (Blows::default(), 0, 0);
    let mut worst = (Duration::ZERO, Duration::ZERO);
    for run in 0..runs {
        let before = blows(&trouble, &process).await;
        let alone = hammer(&world.addresses[0], CONNECTIONS, last, seconds, scale.seed + 2 * run).await;
        let traffic = Traffic::start(&world.line, &world.lines, &style, scale.seed + run);
        let (beside, ()) = tokio::join!(
            hammer(&world.addresses[0], CONNECTIONS, last, seconds, scale.seed + 2 * run + 1),
            troubled.come_in(seconds)
        );
        if !strikes(&trouble, &process, &before).await {
            untroubled += 1;
        }
        untaken += traffic.end().await;
        noticed.push(Noticed {
            throughput: beside.per_second() / alone.per_second(),
            p99: beside.p99().as_secs_f64() / alone.p99().as_secs_f64(),
        });
        others.acknowledged += alone.acknowledged + beside.acknowledged;
        others.refused += alone.refused + beside.refused;
        worst = (worst.0.max(alone.worst), worst.1.max(beside.worst));
    }
    let mut figures = world.line.ledger.figures();
    figures.acknowledged += others.acknowledged + troubled.acknowledged.len() as u64;
    let row = Row::of(trouble.name, world.kind.name(), runs, figures, Findings::default());
    let mut row = Row { untaken, ..row };
    tell(&noticed, scale, &mut row);
    row.notes
        .push(format!("the others' slowest answer: {:.0?} without it, {:.0?} beside it", worst.0, worst.1));
    row.figures.worst_ack = row.figures.worst_ack.max(worst.0.max(worst.1));
    struck(&trouble, &process, &mut row).await;
    if untroubled > 0 {
        row.findings.wrong.push(format!("the trouble was not there in {untroubled} of {runs} runs"));
    }
    all_taken(&mut row);
    if others.refused > 0 {
        row.findings.wrong.push(format!("{} requests of the others were refused", others.refused));
    }
    // The next process has no trouble, and everything that was set aside is replayed.
    process.signal("TERM");
    process.ended(Duration::from_secs(30)).await;
    let since = Instant::now();
    process = world.start().await;
    replay_all(&process).await;
    let of_others = format!("call_events WHERE company_id <> {id}");
    all_there(&process, &tables, &of_others, others.acknowledged, &troubled, &mut row).await;
    row.recovery = Some(since.elapsed());
    let nothing_else = judge(&world, &process, Posts::Once).await;
    row.findings.add(nothing_else);
    vec![row]
}

/// How often the trouble has struck each kind of actor that it shall strike, or threads.
async fn blows(trouble: &Trouble, process: &Process) -> Vec<f64> {
    if trouble.hangs {
        return vec![process.metric("askpro_shards_replaced_total").await];
    }
    let restarts = restarts(process).await;
    trouble.kinds.iter().map(|kind| restarts.get(*kind).copied().unwrap_or_default()).collect()
}

/// Whether the trouble strikes once more than before, each kind. Callers go on meanwhile: few of them come to a scheduler
/// in a short run, and a thread is replaced a moment after it began to stand still.
async fn strikes(trouble: &Trouble, process: &Process, before: &[f64]) -> bool {
    let since = Instant::now();
    loop {
        if blows(trouble, process).await.iter().zip(before).all(|(now, before)| now > before) {
            return true;
        }
        if since.elapsed() > STRUCK_WITHIN {
            return false;
        }
        pass(0.1).await;
    }
}

/// Restarts so far by the kind of actor.
async fn restarts(process: &Process) -> BTreeMap<String, f64> {
    process.metric_by("askpro_actor_restarts_total", "actor").await
}

/// The trouble was there, and no other: nothing was set aside where threads stand still, none was replaced where turns
/// panic.
async fn struck(trouble: &Trouble, process: &Process, row: &mut Row) {
    let (dropped, stood_still) = (dropped(process).await, stood_still(process).await);
    let (wanted, unwanted) = if trouble.hangs { (stood_still, dropped) } else { (dropped, stood_still) };
    match wanted {
        Some(wanted) => row.notes.push(wanted),
        None => row.findings.wrong.push("the trouble was not there".to_owned()),
    }
    row.findings.wrong.extend(unwanted);
    row.notes.push(format!("restarts by actor: {:?}", restarts(process).await));
}

/// Ratios are medians; a short run on a busy machine says nothing about them.
fn tell(noticed: &[Noticed], scale: Scale, row: &mut Row) {
    let median = |of: fn(&Noticed) -> f64| {
        let mut all: Vec<f64> = noticed.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (throughput, p99) = (median(|n| n.throughput), median(|n| n.p99));
    row.notes.push(format!("the others' throughput x {throughput:.2}, their p99 x {p99:.2}"));
    if scale.full && (throughput < THROUGHPUT_MIN || p99 > P99_MAX) {
        row.findings
            .wrong
            .push(format!("the others noticed it: throughput x {throughput:.2}, p99 x {p99:.2}"));
    }
}

/// Those with trouble in them.
struct Troubled {
    wire: Wire,
    rng: SmallRng,
    /// One each half minute stands still; of the others many come.
    is_rare: bool,
    /// `(call, event)` that were answered 204.
    acknowledged: Vec<(String, &'static str)>,
}

impl Troubled {
    fn new(address: &str, seed: u64, is_rare: bool) -> Self {
        Self {
            wire: Wire::new(address),
            rng: SmallRng::seed_from_u64(seed),
            is_rare,
            acknowledged: Vec::new(),
        }
    }

    async fn come_in(&mut self, seconds: f64) {
        let since = Instant::now();
        while since.elapsed().as_secs_f64() < seconds {
            let call = PlainCall::to(&mut self.rng, "bad", COMPANIES as usize - 1);
            for (event, body) in
                [("call_started", call.started()), ("call_ended", call.ended(&mut self.rng, 2_000))]
            {
                let answer = self.wire.post("/webhooks/retell", body.as_bytes()).await;
                if answer.is_some_and(|answer| answer.status == 204) {
                    self.acknowledged.push((call.id.clone(), event));
                }
            }
            let pause = if self.is_rare { seconds } else { 1.0 / TROUBLED_PER_S };
            pass(pause.min((seconds - since.elapsed().as_secs_f64()).max(0.0))).await;
        }
    }
}

/// Replays dead letters until there are none.
async fn replay_all(process: &Process) {
    crate::support::within(Duration::from_secs(60), "every dead letter is replayed", async || {
        let page = process.admin("/admin/dead-letters?limit=200").await?;
        let items: Vec<Value> = page["items"].as_array()?.clone();
        for item in &items {
            process.admin_post(&format!("/admin/dead-letters/{}/replay", item["id"].as_str()?)).await;
        }
        items.is_empty().then_some(())
    })
    .await;
}

async fn all_there(
    process: &Process,
    tables: &Tables,
    of_others: &str,
    wanted: u64,
    troubled: &Troubled,
    row: &mut Row,
) {
    // What was replayed is in the journal first.
    let is_there =
        async || (process.is_applied().await && tables.count(of_others).await == wanted).then_some(());
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while is_there().await.is_none() {
            pass(0.2).await;
        }
    });
    if waited.await.is_err() {
        let there = tables.count(of_others).await;
        let seen = process.seen().await;
        row.findings.lost.push(format!("{wanted} events were acknowledged and {there} are there; {seen:?}"));
    }
    let rows = event_rows(tables).await;
    for ((call, event), times) in rows.iter().filter(|(_, times)| **times > 1) {
        row.findings.doubled.push(format!("{event} of {call}, {times} rows"));
    }
    for (call, event) in &troubled.acknowledged {
        match rows.get(&(call.clone(), (*event).to_owned())) {
            Some(_) => {}
            None => row.findings.lost.push(format!("{event} of {call}")),
        }
    }
}
