//! `askpro bench`: open-loop load on a service, and an oracle that looks at what became of it.
//!
//! Everything is sent when a schedule says so, whether or not the service keeps up, and a latency counts from
//! the moment a request was due. The service is spoken to over HTTP alone, also when it is one of our own.

mod args;
pub(super) mod companies;
mod figures;
mod load;
mod machine;
mod model;
mod pool;
mod report;
mod schedule;
#[cfg(test)]
mod tests;
mod trouble;
mod wire;
mod wish;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use serde_json::Value;

pub(super) use self::args::{BenchArgs, positive};
use self::figures::Figures;
use self::load::{Load, Sending};
use self::machine::Machine;
use self::model::Model;
use self::pool::Pool;
use self::report::{Report, Setup};
use self::schedule::{LiveCall, Phases, Schedule, Seeds};
use self::trouble::Trouble;
use self::wire::Wire;
use super::admin::AdminClient;
use super::error::CliError;
use super::oracle::{SentCall, Source, Verdict, examine};
use super::own_service::{Folder, OwnService, keep_in};
use super::settings;
use crate::app::{self, CompanyThere};
use crate::config::{Config, DatabaseKind};
use crate::simulators::retell::{CompanyLine, Disorder};

/// How long one request may take; Retell waits as long for a webhook.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a service may take to be ready.
const READY_TIME_MAX: Duration = Duration::from_secs(30);
/// How much later than its budget a function may be answered and still be in time.
const FUNCTION_GRACE: Duration = Duration::from_millis(250);
/// Of the disorder's share, so much is sent again after 10 s, functions too.
const RETRIES_OF_DISORDER: f64 = 0.5;
/// Counters of the service that the report shows, with the label that tells their series apart.
const SERVICE_COUNTERS: [(&str, &str); 5] = [
    ("askpro_webhook_events_total", "outcome"),
    ("askpro_functions_total", "outcome"),
    ("askpro_bookings_total", "outcome"),
    ("askpro_calcom_requests_total", "outcome"),
    ("askpro_actor_restarts_total", "actor"),
];

/// The service under test.
struct Target {
    url: String,
    admin_token: String,
    webhook_key: String,
    calcom_url: Option<String>,
    database: String,
    lines: Vec<CompanyLine>,
    /// Its companies in the shape of an import file, with their keys where it is known.
    import: Value,
    /// How long a caller may be kept waiting, `functions.budget_ms`.
    function_budget: Duration,
    own: Option<(OwnService, Folder)>,
}

/// Measures, judges, reports; fails when the oracle finds anything.
pub(super) async fn run(args: BenchArgs) -> Result<(), CliError> {
    if let Some(file) = &args.write_companies {
        let text =
            serde_json::to_vec_pretty(&companies::generate(args.companies)).map_err(CliError::failed)?;
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        println!("{} companies in {}", args.companies, file.display());
        return Ok(());
    }
    let config = settings::load(args.config.as_deref())?;
    settings::start_quiet_log(&config)?;
    let target = match &args.url {
        Some(url) => Box::pin(foreign(&args, &config, url)).await?,
        None => Box::pin(own(&args, config)).await?,
    };
    let measured = Box::pin(measure(&args, &target)).await;
    let is_sound = measured.as_ref().is_ok_and(|report| report.oracle.sound);
    let finished = finish(target, is_sound).await;
    let report = measured?;
    println!("\n{report}");
    if let Some(file) = &args.json {
        let text = serde_json::to_vec_pretty(&report).map_err(CliError::failed)?;
        std::fs::write(file, text).with_context(|| format!("--json {} cannot be written", file.display()))?;
    }
    finished?;
    if is_sound { Ok(()) } else { Err(CliError::Reported) }
}

/// A service that runs elsewhere.
async fn foreign(args: &BenchArgs, config: &Config, url: &str) -> Result<Target, CliError> {
    let url = url.trim_end_matches('/').to_owned();
    let configured = config.admin.token.as_ref().map(|token| token.expose_secret().to_owned());
    let admin_token = args.admin_token.clone().or(configured).ok_or_else(|| {
        CliError::Usage(
            "--url needs the service's admin.token for the oracle: give --admin-token or ASKPRO__ADMIN__TOKEN"
                .to_owned(),
        )
    })?;
    let configured = config.retell.webhook_keys.first().map(|key| key.expose_secret().to_owned());
    let webhook_key = args.webhook_key.clone().or(configured).ok_or_else(|| {
        CliError::Usage(
            "--url needs one of the service's retell.webhook_keys: give --webhook-key or ASKPRO__RETELL__WEBHOOK_KEYS"
                .to_owned(),
        )
    })?;
    let import = match &args.import {
        Some(file) => companies::read(file)?,
        None => {
            let admin = AdminClient::new(&url, &admin_token).map_err(CliError::failed)?;
            let count = usize::try_from(args.companies).unwrap_or(usize::MAX);
            let found = companies::discover(&admin, count).await;
            found.with_context(|| format!("{url} does not tell its companies"))?
        }
    };
    let lines = CompanyLine::from_import_json(&import);
    if lines.is_empty() {
        return Err(CliError::Usage(format!(
            "{url} has no company with a number and an agent: import some (askpro bench --write-companies FILE makes them) and name the file with --import FILE"
        )));
    }
    let named = args.calcom_url.clone();
    let configured = Some(config.calcom.base_url.clone()).filter(|url| !url.starts_with("https://"));
    Ok(Target {
        url,
        admin_token,
        webhook_key,
        calcom_url: named.or(configured),
        database: "unknown".to_owned(),
        lines,
        import,
        function_budget: config.functions.budget,
        own: None,
    })
}

/// A service of our own, on the configured database; without a configured one in a folder that is thrown away.
async fn own(args: &BenchArgs, mut config: Config) -> Result<Target, CliError> {
    let built_in = Config::load(None, std::iter::empty())?;
    let folder = Folder::make("bench")?;
    if config.database.url.expose_secret() == built_in.database.url.expose_secret() {
        keep_in(folder.path(), &mut config);
    } else if config.journal.dir == built_in.journal.dir {
        config.journal.dir = folder.path().join("journal");
    }
    if config.http.bind == built_in.http.bind {
        config.http.bind.set_port(0);
    }
    if let Some(key) = &args.webhook_key {
        config.retell.webhook_keys.insert(0, key.clone().into());
    }
    if let Some(token) = &args.admin_token {
        config.admin.token = Some(token.clone().into());
    }
    let database = match config.database.kind {
        DatabaseKind::Sqlite => "sqlite",
        DatabaseKind::MySql => "mysql",
    };
    let import = match &args.import {
        Some(file) => companies::read(file)?,
        None => companies::generate(args.companies),
    };
    let lines = CompanyLine::from_import_json(&import);
    let function_budget = config.functions.budget;
    if let Err(refused) = keep_off_open_bookings(&config, &import).await {
        folder.remove();
        return Err(refused);
    }
    let (service, folder) = OwnService::start_in(folder, config, &import).await?;
    Ok(Target {
        url: service.running.base_url(),
        admin_token: service.admin_token.clone(),
        webhook_key: service.webhook_key.clone(),
        calcom_url: Some(service.calcom.base_url()),
        database: database.to_owned(),
        lines,
        import,
        function_budget,
        own: Some((service, folder)),
    })
}

/// Other companies in the database are told. Where a booking of theirs is under way the benchmark is refused: its
/// simulated Cal.com would answer that there is none.
async fn keep_off_open_bookings(config: &Config, import: &Value) -> Result<(), CliError> {
    let own = companies::slugs(import);
    let there = app::companies_there(config).await?;
    let others: Vec<&CompanyThere> = there.iter().filter(|company| !own.contains(&company.slug)).collect();
    if let Some(busy) = others.iter().find(|company| company.has_open_bookings) {
        return Err(CliError::Usage(format!(
            "database.url holds a booking of {} that is under way, and the benchmark's Cal.com would not know it: give \
             the benchmark a database of its own, or let askpro serve finish first",
            busy.slug
        )));
    }
    if let Some(first) = others.first() {
        eprintln!(
            "askpro: database.url holds {} other companies ({} among them); the benchmark's are added beside them",
            others.len(),
            first.slug
        );
    }
    Ok(())
}

/// Stops a service of our own. Its folder goes when there is nothing in it to look at.
async fn finish(target: Target, is_sound: bool) -> Result<(), CliError> {
    let Some((service, folder)) = target.own else { return Ok(()) };
    service.running.stop().await.context("the service did not stop well")?;
    if is_sound {
        folder.remove();
    } else {
        eprintln!("kept for a look: {}", folder.path().display());
    }
    Ok(())
}

/// Sends the traffic and asks the oracle.
async fn measure(args: &BenchArgs, target: &Target) -> Result<Report, CliError> {
    let admin = AdminClient::new(&target.url, &target.admin_token).map_err(CliError::failed)?;
    admin.until_ready(READY_TIME_MAX).await.map_err(CliError::failed)?;
    let now = settings::clock();
    let now_ms = now();
    let seed = args.seed.unwrap_or(now_ms.unsigned_abs());
    let disorder = Disorder {
        duplicate_share: args.disorder,
        reorder_share: args.disorder,
        retry_share: args.disorder * RETRIES_OF_DISORDER,
    };
    let pool = Pool::write(seed, args.scripts, target.lines.clone(), args.function_share, disorder, now_ms);
    let model = Model::derive(args.concurrent_calls, args.rate, pool.events_per_call());
    let trouble = Trouble::plan(
        &args.calcom_trouble,
        args.troubled,
        &target.lines,
        Some(&target.import),
        target.calcom_url.as_deref(),
    )?;
    let troubled = trouble.as_ref().map(|trouble| trouble.lines.clone()).unwrap_or_default();
    let setup = Setup { lines_in_trouble: troubled.len(), ..setup(args, target, seed, &model) };
    let phases = Phases {
        warm_up_us: (setup.warm_up_s * 1_000_000.0) as u64,
        measured_until_us: ((setup.warm_up_s + setup.measured_s) * 1_000_000.0) as u64,
    };
    let today = jiff::Timestamp::from_millisecond(now_ms).map_err(CliError::failed)?;
    let today = today.to_zoned_datetime(TimeZone::UTC).date();
    let seeds = Seeds { traffic: seed, ids: rand::random() };
    let schedule =
        Schedule::new(pool, model, phases, seeds, today, args.booking_days).with_trouble_at(troubled);
    let wire = Wire::new(&target.url, args.connections, REQUEST_TIME_MAX);
    let wire = wire.map_err(|error| CliError::Usage(error.to_string()))?;
    let figures = Arc::new(Figures::default());
    let sending = Sending {
        wire,
        key: target.webhook_key.clone(),
        now,
        phases,
        patience_us: setup.patience_ms * 1_000,
        figures: figures.clone(),
    };
    println!(
        "{} concurrent calls of {:.1} s, {:.1} events/s, on {}: warm-up {:.0} s, measured {:.0} s, then the ends",
        model.concurrent_calls,
        model.call_s,
        model.events_per_s(),
        target.url,
        setup.warm_up_s,
        setup.measured_s,
    );
    let troubling = trouble.map(|trouble| tokio::spawn(trouble.run(phases)));
    let calls = watch(Load::start(schedule, sending)?, &figures, phases).await?;
    if let Some(troubling) = troubling {
        troubling.await.map_err(CliError::failed)?.context("the simulated Cal.com takes no orders")?;
    }
    let verdict = ask_oracle(args, target, &admin, &calls, seed).await?;
    let service = service_counters(&admin).await;
    Ok(Report::new(args::shown_command(), Machine::this(), setup, &figures.lock(), service, &verdict))
}

fn setup(args: &BenchArgs, target: &Target, seed: u64, model: &Model) -> Setup {
    let mut setup = Setup {
        url: target.url.clone(),
        own_service: target.own.is_some(),
        database: target.database.clone(),
        lines: target.lines.len(),
        concurrent_calls: 0,
        calls_per_s: 0.0,
        call_s: 0.0,
        events_per_s: 0.0,
        function_share: args.function_share,
        patience_ms: u64::try_from((target.function_budget + FUNCTION_GRACE).as_millis()).unwrap_or(u64::MAX),
        calcom_trouble: args.calcom_trouble.clone(),
        lines_in_trouble: 0,
        disorder: args.disorder,
        warm_up_s: args.warm_up_s(model.concurrent_calls),
        measured_s: args.for_s,
        seed,
    };
    setup.traffic(model);
    setup
}

/// A line a second until all is sent. A signal ends the traffic early; what was sent is judged all the same.
async fn watch(mut load: Load, figures: &Figures, phases: Phases) -> anyhow::Result<Vec<Arc<LiveCall>>> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    let mut passed_s = 0;
    let mut signalled = Box::pin(super::signalled());
    let mut stopping = false;
    loop {
        tokio::select! {
            calls = load.finished() => return calls,
            _ = seconds.tick() => {
                passed_s += 1;
                println!("{}", progress(figures, phases, passed_s));
            }
            () = &mut signalled, if !stopping => {
                stopping = true;
                load.stop();
                println!("stopped early: no more is sent");
            }
        }
    }
}

fn progress(figures: &Figures, phases: Phases, passed_s: u64) -> String {
    let measured = figures.lock();
    let phase = match passed_s * 1_000_000 {
        us if us <= phases.warm_up_us => "warm-up",
        us if us <= phases.measured_until_us => "measure",
        _ => "ends",
    };
    let counts = &measured.counts;
    let book = measured.functions.get("book_appointment").map(figures::Latencies::spread).unwrap_or_default();
    format!(
        "{passed_s:>5} s {phase:<8} live {:>6}  sent {:>9}  acked {:>9}  refused {:>6}  errors {:>6}  p99 so far: ack {}, book {}",
        counts.live(),
        counts.sent,
        counts.acknowledged,
        counts.refused_all(),
        counts.errors,
        measured.webhooks.spread().p99(),
        book.p99(),
    )
}

async fn ask_oracle(
    args: &BenchArgs,
    target: &Target,
    admin: &AdminClient,
    calls: &[Arc<LiveCall>],
    seed: u64,
) -> anyhow::Result<Verdict> {
    println!("comparing {} calls with what the service has", calls.len());
    let source = Source { admin: admin.clone(), calcom_url: target.calcom_url.clone() };
    let sent: Vec<SentCall> = calls.iter().map(|call| call.sent()).collect();
    let patience = Duration::from_secs_f64(args.settle_s());
    examine(&source, sent, seed, patience).await.context("the oracle cannot see")
}

/// The service's own counters; none where it does not tell them.
async fn service_counters(admin: &AdminClient) -> BTreeMap<String, f64> {
    let Ok(figures) = admin.metrics().await else { return BTreeMap::new() };
    let series = SERVICE_COUNTERS.into_iter().flat_map(|(name, label)| {
        let by_label = figures.by_label(name, label);
        by_label.into_iter().map(move |(value, sum)| (format!("{name}{{{label}={value}}}"), sum))
    });
    series.filter(|(_, sum)| *sum > 0.0).collect()
}
