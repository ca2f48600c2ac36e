//! Events acknowledged and stored: the service, the bare handler and the naive store in turn, on the same load.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    args::Args,
    load::{Flood, Pairs, Size, pace},
    oracle::{Findings, compare},
    rivals::{Bare, Naive, TABLE},
    samples::{Samples, ms, percentile},
    service::{COMPANIES, Service},
    snapshot::Snapshot,
    table::{Goal, Row},
};

/// Connections that the naive store is tried with; the fastest number is taken.
const NAIVE_CONNECTIONS: [usize; 3] = [1, 2, 4];

/// What one load came to, per second.
pub struct Rates {
    acknowledged: f64,
    stored: f64,
    /// Acknowledged and not stored: half way and at the end.
    backlog: [u64; 2],
}

/// The figures of one size.
#[derive(Default)]
struct Series {
    stored: Samples,
    acknowledged: Samples,
    bare: Samples,
    naive: Samples,
    tail_ms: Samples,
    notes: Vec<String>,
}

pub async fn measure(args: &Args, findings: &mut Findings) -> Vec<Row> {
    let sizes = [Size::Kb24, Size::Kb6, Size::Kb75];
    let pairs = sizes.map(|size| Arc::new(Pairs::new(size, COMPANIES as usize)));
    let shapes: Vec<String> = pairs.iter().map(|pairs| shape(pairs, findings)).collect();
    println!("  bodies: {}", shapes.join("; "));
    let connections = fastest_naive(args, &pairs[0], findings).await;
    let mut series = sizes.map(|_| Series::default());
    for _ in 0..args.scale.runs {
        for (pairs, series) in pairs.iter().zip(&mut series) {
            series.bare.push(bare(args, pairs, findings).await.acknowledged);
            series.naive.push(naive(args, pairs, connections, args.scale.sustained(), findings).await.stored);
            service(args, pairs, series, findings).await;
        }
    }
    let [middle, small, large] = series;
    rows(middle, small, large, connections)
}

fn rows(middle: Series, small: Series, large: Series, connections: usize) -> Vec<Row> {
    use Goal::{AtLeast, AtMost};
    let about = format!("the naive store commits over {connections} connections");
    vec![
        Row::new("events stored, 24 kB", "/s", middle.stored)
            .over("naive store", middle.naive)
            .must(AtLeast(1.5))
            .aim(AtLeast(2.0))
            .note(format!("{about}; {}", middle.notes.join("; "))),
        Row::new("events stored, 6 kB", "/s", small.stored)
            .over("naive store", small.naive)
            .must(AtLeast(0.7))
            .aim(AtLeast(1.0))
            .note(small.notes.join("; ")),
        Row::new("events stored, 75 kB", "/s", large.stored)
            .over("naive store", large.naive)
            .note(large.notes.join("; ")),
        Row::new("acknowledged meanwhile, 24 kB", "/s", middle.acknowledged)
            .over("bare handler", middle.bare)
            .must(AtLeast(0.25))
            .aim(AtLeast(0.35)),
        Row::new("acknowledged meanwhile, 6 kB", "/s", small.acknowledged).over("bare handler", small.bare),
        Row::new("acknowledged meanwhile, 75 kB", "/s", large.acknowledged).over("bare handler", large.bare),
        Row::new("acknowledgement p99 at half of the rate, 24 kB", "ms", middle.tail_ms)
            .must(AtMost(10.0))
            .aim(AtMost(5.0)),
        Row::new("acknowledgement p99 at half of the rate, 6 kB", "ms", small.tail_ms),
        Row::new("acknowledgement p99 at half of the rate, 75 kB", "ms", large.tail_ms),
    ]
}

/// What zstd level 1 may make of bodies: less, and they are noise; more, and they repeat themselves.
const PACKS_TO: std::ops::RangeInclusive<f64> = 3.0..=9.0;
/// How far the mean of the bodies may be from the size they are called by.
const SIZE_OFF_MAX: f64 = 0.15;

/// Size and compression of the bodies, which every figure rests on.
fn shape(pairs: &Pairs, findings: &mut Findings) -> String {
    let bodies: Vec<Vec<u8>> = (0..128).map(|call| pairs.body(call, 0)).collect();
    let packed: usize = bodies.iter().map(|body| askpro::compress::compress(body).unwrap().len()).sum();
    let raw: usize = bodies.iter().map(Vec::len).sum();
    let (mean, ratio) = (raw as f64 / bodies.len() as f64, raw as f64 / packed as f64);
    let text = format!("{mean:.0} bytes, zstd level 1 makes them {ratio:.1} times smaller");
    let named = pairs.size.bytes() as f64;
    if !PACKS_TO.contains(&ratio) || (mean / named - 1.0).abs() > SIZE_OFF_MAX {
        findings.add(format!("bodies of {named} bytes are not what they shall be: {text}"));
    }
    text
}

async fn fastest_naive(args: &Args, pairs: &Arc<Pairs>, findings: &mut Findings) -> usize {
    let mut best = (0.0, 0);
    for connections in NAIVE_CONNECTIONS {
        let rate = naive(args, pairs, connections, args.scale.brief, findings).await.stored;
        if rate > best.0 {
            best = (rate, connections);
        }
    }
    best.1
}

async fn bare(args: &Args, pairs: &Arc<Pairs>, findings: &mut Findings) -> Rates {
    let bare = Bare::start();
    let flood = Flood::start(bare.address(), pairs.clone(), 0, u64::MAX);
    let since = Instant::now();
    tokio::time::sleep(args.scale.brief).await;
    let (acknowledged, seconds) = (flood.acknowledged(), since.elapsed().as_secs_f64());
    let flow = flood.stop().await;
    findings.same("answers of the bare handler that were wrong", flow.wrong, 0);
    Rates { acknowledged: acknowledged as f64 / seconds, stored: 0.0, backlog: [0, 0] }
}

async fn naive(
    args: &Args,
    pairs: &Arc<Pairs>,
    connections: usize,
    time: Duration,
    findings: &mut Findings,
) -> Rates {
    let naive = Naive::start(&args.server, connections).await;
    let flood = Flood::start(naive.address(), pairs.clone(), 0, u64::MAX);
    let rates = watch(&flood, &naive.schema.url, TABLE, time, 0, async || 0).await;
    let flow = flood.stop().await;
    findings.same("answers of the naive store that were wrong", flow.wrong, 0);
    let mut all = Snapshot::prepare(&naive.schema.url).await;
    all.take().await;
    findings.same("rows of the naive store", all.count(TABLE).await, flow.acknowledged);
    rates.count().await
}

async fn service(args: &Args, pairs: &Arc<Pairs>, series: &mut Series, findings: &mut Findings) {
    let service = Service::start(&args.server).await;
    let time = args.scale.sustained();
    let flood = Flood::start(&service.address, pairs.clone(), 0, u64::MAX);
    let backlog = async || service.process.seen().await.map_or(0, |seen| seen.outstanding);
    let watched = watch(&flood, &service.url, "call_events", time, 0, backlog).await;
    let flow = flood.stop().await;
    service.drained(findings).await;
    let rates = watched.count().await;
    findings.same("answers of the service that were neither 204 nor 503", flow.wrong, 0);
    let rate = rates.stored / 2.0;
    let calls = (rate * args.scale.brief.as_secs_f64() / 2.0).ceil().max(1.0) as u64;
    let mut paced = pace(&service.address, pairs.clone(), flow.calls, calls, rate).await;
    findings.same(
        "answers at half of the rate that were not 204",
        (paced.wrong, paced.example.take()),
        (0, None),
    );
    service.drained(findings).await;
    compare(&service, Some((pairs, flow.calls + calls)), 0, findings).await;
    series.notes.push(format!(
        "backlog {} then {}, refused {} and {}",
        rates.backlog[0], rates.backlog[1], flow.refused, paced.refused
    ));
    series.tail_ms.push(ms(percentile(&mut paced.times, 0.99)));
    series.stored.push(rates.stored);
    series.acknowledged.push(rates.acknowledged);
}

/// A load that was watched to its last moment, and whose rows are not counted yet.
pub struct Watched {
    snapshot: Snapshot,
    table: &'static str,
    acknowledged: u64,
    before: u64,
    seconds: f64,
    half_way: u64,
}

/// Lets a load go on for a time, then keeps the moment. `before` rows were there when it began.
pub async fn watch(
    flood: &Flood,
    url: &str,
    table: &'static str,
    time: Duration,
    before: u64,
    backlog: impl AsyncFn() -> u64,
) -> Watched {
    let mut snapshot = Snapshot::prepare(url).await;
    let (since, already) = (Instant::now(), flood.acknowledged());
    tokio::time::sleep(time / 2).await;
    let half_way = backlog().await;
    tokio::time::sleep(time.saturating_sub(since.elapsed())).await;
    snapshot.take().await;
    let (acknowledged, seconds) = (flood.acknowledged() - already, since.elapsed().as_secs_f64());
    Watched { snapshot, table, acknowledged, before, seconds, half_way }
}

impl Watched {
    /// Looks at the tables as they were at the last moment.
    async fn count(self) -> Rates {
        let stored = self.snapshot.count(self.table).await.saturating_sub(self.before);
        Rates {
            acknowledged: self.acknowledged as f64 / self.seconds,
            stored: stored as f64 / self.seconds,
            backlog: [self.half_way, self.acknowledged.saturating_sub(stored)],
        }
    }

    /// Rows stored per second.
    pub async fn stored(self) -> f64 {
        self.count().await.stored
    }
}
