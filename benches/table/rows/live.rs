//! Very many live calls: three services with few, many and all of them stand side by side and are loaded in turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::stored::watch;
use crate::{
    args::Args,
    load::{Crowd, Flood, Pairs, Size, Wire},
    oracle::{Findings, compare},
    samples::{Samples, ms, percentile},
    service::{COMPANIES, Service},
    support::service::ADMIN_TOKEN,
    table::{Goal, Row},
};

/// For what comes after the last commit: rows, timers, memory given back.
const REST: Duration = Duration::from_secs(3);

/// A service, its live calls, and the calls that ended since.
struct Place {
    service: Service,
    live: u64,
    ended: u64,
    stored: Samples,
}

pub async fn measure(args: &Args, findings: &mut Findings) -> Vec<Row> {
    let [few, many, all] = args.scale.live;
    let pairs = Arc::new(Pairs::new(Size::Kb24, COMPANIES as usize));
    let mut places = Vec::new();
    for _ in 0..2 {
        places.push(Place::start(args, few, findings).await);
    }
    let mut largest = Place::start(args, few, findings).await;
    let before = largest.service.process.resident_bytes();
    largest.ring(all, findings).await;
    let after = largest.service.process.resident_bytes();
    let per_call = (after.saturating_sub(before)) as f64 / (all - few) as f64;
    places[1].ring(many, findings).await;
    places.push(largest);
    let (mut page, mut live) = (Samples::default(), Samples::default());
    for _ in 0..args.scale.runs {
        for place in &mut places {
            place.load(args, &pairs, findings).await;
        }
        page.push(admin_page(args, &places[2], findings).await);
        live.push(places[2].service.live().await as f64);
    }
    let mut ready = Samples::default();
    for _ in 0..args.scale.runs {
        ready.push(places[1].service.kill_and_restart().await.as_secs_f64());
        // Ready is who takes requests; the last calls have their first turns a moment later.
        let since = Instant::now();
        while places[1].service.live().await != many && since.elapsed() < REST {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        findings.same("live calls after a restart", places[1].service.live().await, many);
    }
    for place in &places {
        place.service.drained(findings).await;
        findings.same("live calls", place.service.live().await, place.live);
        compare(&place.service, Some((&pairs, place.ended)), place.live, findings).await;
    }
    let [few, many, all] = [0, 1, 2].map(|place: usize| places[place].stored.clone());
    rows(args, per_call, live, [few, many, all], page, ready)
}

fn rows(
    args: &Args,
    per_call: f64,
    live: Samples,
    [few, many, all]: [Samples; 3],
    page: Samples,
    ready: Samples,
) -> Vec<Row> {
    use Goal::{AtLeast, AtMost};
    let sizes = args.scale.live;
    let note = format!("with {}, {} and {} live calls, over HTTP, 24 kB", sizes[0], sizes[1], sizes[2]);
    vec![
        Row::new("resident bytes per live idle call", "bytes", [per_call].into_iter().collect())
            .must(AtMost(2_500.0))
            .aim(AtMost(2_100.0))
            .note(
                "without a transcript, rung over HTTP; of the process, from few to all of its calls"
                    .to_owned(),
            ),
        Row::new("live calls", "", live).must(AtLeast(1_000_000.0)),
        Row::new("events stored with many live calls", "/s", many)
            .over("with few", few.clone())
            .must(AtLeast(0.8))
            .aim(AtLeast(0.9))
            .note(note),
        Row::new("events stored with all live calls", "/s", all)
            .over("with few", few)
            .must(AtLeast(0.8))
            .aim(AtLeast(0.9)),
        Row::new("GET /admin/calls?limit=100 with all live calls, p99", "ms", page)
            .must(AtMost(20.0))
            .aim(AtMost(5.0)),
        Row::new("restart after kill -9 with many live calls", "s", ready).must(AtMost(5.0)).aim(AtMost(2.0)),
    ]
}

impl Place {
    async fn start(args: &Args, live: u64, findings: &mut Findings) -> Self {
        let service = Service::start(&args.server).await;
        let mut place = Self { service, live: 0, ended: 0, stored: Samples::default() };
        place.ring(live, findings).await;
        place
    }

    /// Calls begin until there are so many, and everything comes to rest.
    async fn ring(&mut self, live: u64, findings: &mut Findings) {
        let crowd = Arc::new(Crowd { companies: COMPANIES as usize });
        let flow = Flood::start(&self.service.address, crowd, self.live, live).end().await;
        findings.same("answers to call_started that were wrong", flow.wrong, 0);
        self.live = live;
        self.service.drained(findings).await;
        tokio::time::sleep(REST).await;
        findings.same("live calls", self.service.live().await, live);
    }

    async fn load(&mut self, args: &Args, pairs: &Arc<Pairs>, findings: &mut Findings) {
        let before = self.live + 2 * self.ended;
        let Service { address, url, .. } = &self.service;
        let flood = Flood::start(address, pairs.clone(), self.ended, u64::MAX);
        let watched = watch(&flood, url, "call_events", args.scale.brief, before, async || 0).await;
        let flow = flood.stop().await;
        findings.same("answers that were neither 204 nor 503", flow.wrong, 0);
        self.ended += flow.calls;
        self.service.drained(findings).await;
        self.stored.push(watched.stored().await);
    }
}

/// Pages from the first on, one after the other: the 99th percentile in ms.
async fn admin_page(args: &Args, place: &Place, findings: &mut Findings) -> f64 {
    let mut wire = Wire::new(&place.service.address);
    let (mut times, mut cursor) = (Vec::new(), String::new());
    for _ in 0..args.scale.requests {
        let request = format!(
            "GET /admin/calls?limit=100{cursor} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        );
        let since = Instant::now();
        let Some(answer) = wire.send(request.as_bytes()).await else {
            findings.add("a page of calls was not answered".to_owned());
            continue;
        };
        times.push(since.elapsed());
        let page: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let calls = page["items"].as_array().map_or(0, Vec::len);
        // A page may be short where it passes thousands of calls that are over; it is not the last one then.
        let is_last = page["next_cursor"].is_null();
        if answer.status != 200 || (is_last && place.live > 100 * args.scale.requests) {
            findings.add(format!("a page of calls has {calls} with status {}", answer.status));
        }
        cursor = page["next_cursor"].as_str().map_or(String::new(), |next| format!("&cursor={next}"));
    }
    ms(percentile(&mut times, 0.99))
}
