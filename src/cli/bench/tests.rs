//! The benchmark against a service that is made up here: a faithful one, one that loses, one that is slow.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::simulators::calcom::{CalcomOptions, CalcomSimulator, World};
use crate::simulators::retell::sign;

const KEY: &str = "key_bench";
const TOKEN: &str = "token";

/// How a made-up service behaves.
#[derive(Debug, Clone, Copy, Default)]
struct Manners {
    /// Acknowledges `call_analyzed` and forgets it.
    loses: bool,
    /// Stores each copy.
    doubles: bool,
    /// Promises bookings that nobody made.
    promises: bool,
    /// Before each answer, in ms.
    pause_ms: u64,
}

#[derive(Default)]
struct Store {
    manners: Manners,
    calls: Mutex<HashMap<String, Vec<String>>>,
    received: AtomicU64,
    /// Before each answer of a function, in ms.
    function_pause_ms: AtomicU64,
}

struct Fake {
    url: String,
    store: web::Data<Store>,
    handle: ServerHandle,
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn fake(manners: Manners) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let store = web::Data::new(Store { manners, ..Store::default() });
    let served = store.clone();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(served.clone())
                    .app_data(web::PayloadConfig::new(8 << 20))
                    .route("/webhooks/retell", web::post().to(take_event))
                    .route("/functions/retell/{name}", web::post().to(answer_function))
                    .route("/readyz", web::get().to(HttpResponse::Ok))
                    .route("/admin/calls/{id}", web::get().to(tell_call))
            });
            let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    Fake { url, store, handle: receive.recv().unwrap() }
}

fn is_signed(request: &HttpRequest, body: &[u8]) -> bool {
    let signature = request.headers().get("X-Retell-Signature").unwrap().to_str().unwrap();
    let at_ms = signature.strip_prefix("v=").unwrap().split(',').next().unwrap().parse().unwrap();
    sign(KEY, body, at_ms) == signature
}

async fn take_event(request: HttpRequest, body: web::Bytes, store: web::Data<Store>) -> HttpResponse {
    store.received.fetch_add(1, Ordering::Relaxed);
    if !is_signed(&request, &body) {
        return HttpResponse::Unauthorized().finish();
    }
    tokio::time::sleep(Duration::from_millis(store.manners.pause_ms)).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let event = body["event"].as_str().unwrap();
    let call = body.get("call").or_else(|| body.get("chat")).unwrap();
    let id = call.get("call_id").or_else(|| call.get("chat_id")).unwrap().as_str().unwrap();
    let mut calls = store.calls.lock().unwrap();
    let events = calls.entry(id.to_owned()).or_default();
    let status = call.get("call_status").or_else(|| call.get("chat_status")).unwrap().as_str().unwrap();
    let stored = format!("{event} {status}");
    let is_new = store.manners.doubles || !events.contains(&stored);
    if is_new && !(store.manners.loses && event == "call_analyzed") {
        events.push(stored);
    }
    HttpResponse::NoContent().finish()
}

async fn answer_function(request: HttpRequest, body: web::Bytes, store: web::Data<Store>) -> HttpResponse {
    if !is_signed(&request, &body) {
        return HttpResponse::Unauthorized().finish();
    }
    tokio::time::sleep(Duration::from_millis(store.function_pause_ms.load(Ordering::Relaxed))).await;
    if store.manners.promises && request.path().ends_with("book_appointment") {
        let answer =
            json!({ "success": true, "code": "booked", "status": "confirmed", "appointment_id": "a1" });
        return HttpResponse::Ok().json(answer);
    }
    HttpResponse::Ok().json(json!({ "success": false, "code": "slot_taken" }))
}

async fn tell_call(request: HttpRequest, id: web::Path<String>, store: web::Data<Store>) -> HttpResponse {
    if request.headers().get("Authorization").unwrap() != &format!("Bearer {TOKEN}") {
        return HttpResponse::Unauthorized().finish();
    }
    let calls = store.calls.lock().unwrap();
    let Some(events) = calls.get(id.as_str()) else { return HttpResponse::NotFound().finish() };
    let rows: Vec<Value> = events
        .iter()
        .map(|stored| json!({ "event": stored.split(' ').next(), "dedup_key": stored, "received_at": "x" }))
        .collect();
    let last = events.iter().find(|stored| stored.contains("_ended") || stored.contains("_analyzed"));
    let status = last.map_or("live", |stored| stored.split(' ').nth(1).unwrap());
    HttpResponse::Ok().json(json!({ "call_id": *id, "status": status, "events": rows, "appointments": [] }))
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: BenchArgs,
}

/// With a caller's patience of a minute.
async fn bench(fake: &Fake, line: &str) -> Report {
    bench_troubled(fake, None, Duration::from_secs(60), line).await
}

async fn bench_troubled(
    fake: &Fake,
    calcom_url: Option<String>,
    function_budget: Duration,
    line: &str,
) -> Report {
    let line = format!(
        "bench --url {} --for 0.6 --warm-up 0.2 --companies 3 --scripts 30 --settle 0.2 {line}",
        fake.url
    );
    let args = Line::try_parse_from(line.split_whitespace()).unwrap().args;
    let target = Target {
        url: fake.url.clone(),
        admin_token: TOKEN.to_owned(),
        webhook_key: KEY.to_owned(),
        calcom_url,
        database: "none".to_owned(),
        lines: CompanyLine::from_import_json(&companies::generate(3)),
        import: companies::generate(3),
        function_budget,
        own: None,
    };
    measure(&args, &target).await.unwrap()
}

const SHORT_CALLS: &str = "--concurrent-calls 10 --rate 150";

#[tokio::test]
async fn a_faithful_service_is_sound_and_its_latencies_are_measured() {
    let fake = fake(Manners::default());
    let report = bench(&fake, SHORT_CALLS).await;
    assert!(report.oracle.sound, "{report}");
    assert!(report.webhook_acks.count > 20 && report.webhook_acks.p50_ms > 0.0, "{report}");
    assert_eq!(report.counts.refused_all() + report.counts.errors, 0, "{report}");
    assert_eq!(report.counts.calls_begun as usize, report.oracle.calls);
    assert_eq!(report.counts.live(), 0);
    let json: Value = serde_json::to_value(&report).unwrap();
    for field in ["lost", "doubled", "out_of_state", "overlap", "unknown_appointment"] {
        assert_eq!(json["oracle"][field], 0, "{field}");
    }
    assert!(json["webhook_acks"]["p99.9_ms"].is_number());
    let text = report.to_string();
    for part in ["machine", "webhook ack", "p99.9", "lost 0, doubled 0, out of state 0", "verdict    sound"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[tokio::test]
async fn a_service_that_loses_what_it_acknowledged_is_found_out() {
    let report = bench(&fake(Manners { loses: true, ..Manners::default() }), SHORT_CALLS).await;
    assert!(!report.oracle.sound);
    assert!(report.oracle.by_kind["lost"] > 5, "{report}");
    assert_eq!(report.oracle.by_kind.iter().filter(|(_, count)| **count > 0).count(), 1, "{report}");
}

#[tokio::test]
async fn a_service_that_stores_copies_is_found_out() {
    let fake = fake(Manners { doubles: true, ..Manners::default() });
    let report = bench(&fake, &format!("{SHORT_CALLS} --disorder 0.3")).await;
    assert!(report.oracle.by_kind["doubled"] > 0, "{report}");
    assert_eq!(report.oracle.by_kind["lost"], 0, "{report}");
}

#[tokio::test]
async fn a_service_that_promises_bookings_it_does_not_have_is_found_out() {
    let fake = fake(Manners { promises: true, ..Manners::default() });
    let report = bench(&fake, &format!("{SHORT_CALLS} --function-share 1")).await;
    assert!(report.oracle.by_kind["unknown_appointment"] > 0, "{report}");
}

#[tokio::test]
async fn functions_count_as_in_time_by_the_callers_patience() {
    let fake = fake(Manners::default());
    let line = format!("{SHORT_CALLS} --function-share 1");
    let counts = bench(&fake, &line).await.counts;
    assert!(counts.functions_due > 5, "{counts:?}");
    assert_eq!(counts.functions_in_time, counts.functions_due);
    // An answer after more than a quarter of a second is too late for callers without any patience.
    fake.store.function_pause_ms.store(300, Ordering::Relaxed);
    let report = bench_troubled(&fake, None, Duration::ZERO, &line).await;
    assert_eq!(report.counts.functions_in_time, 0, "{report}");
    assert!(report.to_string().contains(" functions answered within 250 ms of being due"), "{report}");
}

#[tokio::test]
async fn trouble_is_ordered_for_some_and_their_answers_stand_apart() {
    let fake = fake(Manners::default());
    let world = World::from_import_json(&companies::generate(3)).unwrap();
    let calcom = CalcomSimulator::start("127.0.0.1:0", world, CalcomOptions::new(settings::clock())).unwrap();
    let line =
        format!("{SHORT_CALLS} --function-share 1 --calcom-trouble down,limited --troubled 0.4 --seed 5");
    let url = Some(calcom.base_url());
    let report = bench_troubled(&fake, url, Duration::from_secs(60), &line).await;
    assert_eq!((report.setup.lines, report.setup.lines_in_trouble), (3, 2));
    assert!(
        report.functions.values().chain(report.functions_in_trouble.values()).all(|spread| spread.count > 0)
    );
    assert!(!report.functions.is_empty() && !report.functions_in_trouble.is_empty(), "{report}");
    assert!(report.to_string().contains("! check_availability"), "{report}");
    let left = reqwest_get(&format!("{}/_sim/faults", calcom.base_url())).await;
    assert_eq!(left, json!([]), "the trouble ends with the measurement");
}

async fn reqwest_get(url: &str) -> Value {
    let http = crate::simulators::http_client().unwrap();
    let body = http.get(url).send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// So many events that are all due at once.
fn burst(lines: Vec<CompanyLine>, count: usize) -> (Vec<schedule::Due>, Phases) {
    let pool = Pool::write(1, 5, lines, 0.0, Disorder::default(), 1_795_420_800_000);
    let phases = Phases { warm_up_us: 0, measured_until_us: 1_000_000 };
    let model = Model::derive(Some(50), None, pool.events_per_call());
    let seeds = Seeds { traffic: 1, ids: 1 };
    let schedule = Schedule::new(pool, model, phases, seeds, jiff::civil::date(2026, 11, 23), 5);
    let at_once = schedule.take(count).map(|due| schedule::Due { due_us: 0, ..due });
    (at_once.collect(), phases)
}

fn sending(fake: &Fake, key: &str, connections: usize, phases: Phases) -> Sending {
    Sending {
        wire: Wire::new(&fake.url, connections, REQUEST_TIME_MAX).unwrap(),
        key: key.to_owned(),
        now: settings::clock(),
        phases,
        patience_us: 1,
        figures: Arc::default(),
    }
}

/// Ten requests are due at once over one connection to a service that takes 30 ms for each: a closed loop would
/// report 30 ms for every one of them, but the last caller has waited ten times as long.
#[tokio::test]
async fn a_request_that_had_to_queue_counts_from_the_time_it_was_due() {
    let fake = fake(Manners { pause_ms: 30, ..Manners::default() });
    let lines = CompanyLine::from_import_json(&companies::generate(1));
    let (schedule, phases) = burst(lines, 10);
    let sending = sending(&fake, KEY, 1, phases);
    let figures = sending.figures.clone();
    let load = Load::start(schedule.into_iter(), sending).unwrap();
    watch(load, &figures, phases).await.unwrap();
    let spread = figures.lock().webhooks.spread();
    assert_eq!(spread.count, 10);
    assert_eq!(fake.store.received.load(Ordering::Relaxed), 10);
    assert!(spread.max_ms >= 290.0, "{spread:?}");
    assert!(spread.p50_ms >= 140.0, "{spread:?}");
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_refusal() {
    let fake = fake(Manners::default());
    let wire = Wire::new(&fake.url, 1, REQUEST_TIME_MAX).unwrap();
    for _ in 0..3 {
        let answer = wire.post("/webhooks/retell", &sign("another", b"{}", 1), b"{}").await.unwrap();
        assert_eq!(answer.status, 401);
    }
}
