//! The simulated Retell: signatures, sizes and lengths of calls, kinds of call, disorder, retries and questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::*;
use crate::simulators::Now;
use crate::simulators::server::Server;

const NOW: i64 = 1_795_420_800_000;
const KEY: &str = "key_test";

fn lines() -> Vec<CompanyLine> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        CompanyLine {
            to_number: "+493083793369".to_owned(),
            agent_id: "agent_a1".to_owned(),
            services: names(&["Herrenhaarschnitt", "Dauerwelle"]),
            staff: names(&["Udo", "Mia"]),
            language: Language::German,
            time_zone: "Europe/Berlin".to_owned(),
        },
        CompanyLine {
            to_number: "+442071234567".to_owned(),
            agent_id: "agent_b1".to_owned(),
            services: names(&["Check-up"]),
            staff: names(&["Grace"]),
            language: Language::English,
            time_zone: "Europe/London".to_owned(),
        },
    ]
}

fn scripts(seed: u64, mix: &Mix, count: usize) -> Vec<CallScript> {
    let mut generator = ScriptGenerator::new(seed, lines(), mix.clone());
    (0..count).map(|_| generator.next(NOW)).collect()
}

fn json_of(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).expect("JSON")
}

fn find<'a>(script: &'a CallScript, event: &str) -> Option<&'a Delivery> {
    script.deliveries.iter().find(|delivery| delivery.event == event)
}

#[test]
fn the_signature_equals_the_official_vector() {
    assert_eq!(
        sign("test-api-key", br#"{"event":"call_ended"}"#, 1_700_000_000_000),
        "v=1700000000000,d=07024cabe7dd8f6d1c6e4a8324ca92c812e6ad4a7ee506c04f7e462e3321823e"
    );
}

#[test]
fn the_same_seed_gives_the_same_scripts() {
    let mix = Mix { transcript_updates: true, ..Mix::default() };
    assert_eq!(scripts(7, &mix, 20), scripts(7, &mix, 20));
    assert_ne!(scripts(7, &mix, 5), scripts(8, &mix, 5));
}

#[test]
fn a_body_of_three_and_a_half_minutes_has_the_known_size() {
    let of = |seconds: f64| {
        let mix = Mix { median_s: seconds, longest_s: seconds, ..Mix::bookings(14) };
        let sizes: Vec<usize> = scripts(3, &mix, 60)
            .iter()
            .filter(|script| script.expected.duration_ms >= (seconds * 990.0) as i64)
            .filter_map(|script| find(script, "call_ended"))
            .map(|delivery| delivery.body.len())
            .collect();
        assert!(sizes.len() >= 10, "enough calls of that length");
        sizes.iter().sum::<usize>() / sizes.len()
    };
    let (one, usual, long) = (of(60.0), of(210.0), of(600.0));
    assert!((15_000..30_000).contains(&one), "{one} bytes after a minute");
    assert!((60_000..90_000).contains(&usual), "{usual} bytes after 3.5 minutes");
    assert!((170_000..250_000).contains(&long), "{long} bytes after ten minutes");
}

#[test]
fn lengths_have_the_median_and_the_tail_of_real_calls() {
    let mut lengths: Vec<i64> =
        scripts(5, &Mix::bookings(14), 400).iter().map(|script| script.expected.duration_ms / 1000).collect();
    lengths.sort_unstable();
    assert!((100..=140).contains(&lengths[200]), "median {}", lengths[200]);
    assert!(lengths[399] > 400 && lengths[399] <= 600, "longest {}", lengths[399]);
}

#[test]
fn hardly_a_sentence_is_said_twice() {
    let script = &scripts(1, &Mix { median_s: 500.0, ..Mix::bookings(14) }, 1)[0];
    let body = json_of(find(script, "call_ended").expect("an end"));
    let said = body["call"]["transcript_object"].as_array().expect("utterances");
    let distinct: std::collections::HashSet<&str> =
        said.iter().filter_map(|utterance| utterance["content"].as_str()).collect();
    assert!(said.len() > 20);
    assert!(distinct.len() * 100 >= said.len() * 97, "{} of {}", distinct.len(), said.len());
}

#[test]
fn every_kind_of_call_comes_up_with_its_own_events() {
    let all = scripts(11, &Mix::default(), 500);
    let mut reasons = std::collections::BTreeSet::new();
    for script in &all {
        let events = &script.expected.events;
        reasons.extend(script.expected.disconnection_reason);
        assert!(script.deliveries.is_sorted_by_key(|delivery| delivery.due_ms));
        match (script.expected.kind, script.expected.status) {
            (CallKind::Chat, _) => assert_eq!(events, &["chat_started", "chat_ended", "chat_analyzed"]),
            (_, "not_connected") => {
                assert_eq!(events, &["call_ended", "call_analyzed"]);
                let ended = json_of(find(script, "call_ended").expect("an end"));
                assert!(ended["call"].get("start_timestamp").is_none());
                assert_eq!(ended["call"]["duration_ms"], 0);
            }
            _ => assert_eq!(events.first(), Some(&"call_started")),
        }
        if script.expected.disconnection_reason == Some("call_transfer") {
            let bridged = json_of(find(script, "transfer_bridged").expect("a transfer"));
            assert!(bridged["transfer_destination"]["number"].is_string());
            assert!(
                json_of(find(script, "transfer_ended").expect("its end"))
                    .get("transfer_destination")
                    .is_none()
            );
        }
    }
    for reason in
        ["user_hangup", "agent_hangup", "call_transfer", "dial_no_answer", "voicemail_reached", "inactivity"]
    {
        assert!(reasons.contains(reason), "{reason} never came up: {reasons:?}");
    }
    for kind in [CallKind::Inbound, CallKind::Outbound, CallKind::Web, CallKind::Chat] {
        assert!(all.iter().any(|script| script.expected.kind == kind), "{kind:?}");
    }
}

#[test]
fn an_analysis_repeats_the_end_and_adds_to_it() {
    let script = &scripts(2, &Mix::bookings(14), 1)[0];
    let ended = json_of(find(script, "call_ended").expect("an end"));
    let mut analyzed = json_of(find(script, "call_analyzed").expect("an analysis"));
    assert!(analyzed["call"].as_object_mut().and_then(|call| call.remove("call_analysis")).is_some());
    assert_eq!(ended["call"], analyzed["call"]);
}

#[test]
fn functions_carry_name_arguments_and_the_call_so_far() {
    for script in
        scripts(4, &Mix::bookings(3), 40).iter().filter(|script| script.expected.duration_ms >= 20_000)
    {
        assert_eq!(script.expected.functions, ["check_availability", "book_appointment"]);
        let book = find(script, "book_appointment").expect("a booking");
        assert!(book.due_ms > find(script, "check_availability").expect("a check").due_ms);
        let body = json_of(book);
        assert_eq!(body["name"], "book_appointment");
        assert_eq!(body["call"]["call_id"], script.call_id);
        assert_eq!(body["call"]["call_status"], "ongoing");
        let wanted = body["args"]["datetime"].as_str().expect("a time");
        assert!(wanted.starts_with(|first: char| first.is_ascii_digit()), "{wanted}");
        let booking = script.expected.booking.as_ref().expect("a booking");
        assert!(lines()[script.company_index].services.contains(&booking.service));
        assert!(booking.start_ms > NOW && booking.start_ms < NOW + 6 * 86_400_000);
        let items = body["call"]["transcript_with_tool_calls"].as_array().expect("items");
        let last = items.iter().rfind(|item| item["role"] == "tool_call_invocation").expect("an invocation");
        assert_eq!(last["name"], "book_appointment");
        assert!(
            body["call"]["transcript"].as_str().expect("text").len()
                < find(script, "call_ended").map_or(0, |ended| ended.body.len())
        );
    }
}

#[test]
fn transcript_updates_grow_turn_by_turn() {
    let mix = Mix { transcript_updates: true, ..Mix::bookings(14) };
    let script = &scripts(6, &mix, 1)[0];
    let sizes: Vec<usize> = script
        .deliveries
        .iter()
        .filter(|delivery| delivery.event == "transcript_updated")
        .map(|delivery| delivery.body.len())
        .collect();
    assert!(sizes.len() > 3);
    assert!(sizes.is_sorted());
}

#[test]
fn disorder_copies_and_swaps_but_loses_nothing() {
    let calm = scripts(9, &Mix::default(), 30);
    let disorder = Disorder { duplicate_share: 0.5, reorder_share: 0.5, retry_share: 0.5 };
    let mut disturbed = calm.clone();
    for (seed, script) in (0..).zip(&mut disturbed) {
        disorder.apply(script, seed);
    }
    let sent = |scripts: &[CallScript]| scripts.iter().map(|script| script.deliveries.len()).sum::<usize>();
    assert!(sent(&disturbed) > sent(&calm) * 3 / 2);
    let mut swapped = 0;
    for (calm, disturbed) in calm.iter().zip(&disturbed) {
        assert!(
            calm.deliveries
                .iter()
                .all(|delivery| disturbed.deliveries.iter().any(|d| d.body == delivery.body))
        );
        swapped += usize::from(
            calm.deliveries.first().map(|d| &d.event) != disturbed.deliveries.first().map(|d| &d.event),
        );
    }
    assert!(swapped > 0);
}

#[test]
fn lines_are_read_from_an_import() {
    let import = json!({ "companies": [{
        "slug": "a", "name": "A", "time_zone": "Europe/Berlin", "language": "de",
        "branches": [{ "slug": "m", "name": "M", "phone_numbers": ["+493083793369"], "agents": ["agent_a1"] },
                     { "slug": "n", "name": "N" }],
        "staff": [{ "slug": "udo", "name": "Udo" }], "services": [{ "slug": "s", "name": "Schnitt" }],
    }] });
    let lines = CompanyLine::from_import_json(&import);
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].services[0].as_str(), lines[0].staff[0].as_str()), ("Schnitt", "Udo"));
}

/// A service that refuses the first `refusals` requests of each kind of path and checks every signature.
struct Service {
    server: Server,
    seen: Arc<AtomicU32>,
}

fn service(refusals: u32) -> Service {
    let seen = Arc::new(AtomicU32::new(0));
    let count = seen.clone();
    let server = Server::start("127.0.0.1:0", move |config| {
        let count = count.clone();
        config.default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
            let place = count.fetch_add(1, Ordering::SeqCst);
            let signed = request.headers().get("x-retell-signature").and_then(|value| value.to_str().ok());
            let expected = sign(KEY, &body, NOW);
            let mut answer = match (signed == Some(&expected), place < refusals) {
                (false, _) => HttpResponse::Unauthorized(),
                (true, true) => HttpResponse::ServiceUnavailable(),
                (true, false) => HttpResponse::Ok(),
            };
            async move { answer.json(json!({ "success": true, "code": "confirmed" })) }
        }));
    })
    .expect("a server");
    Service { server, seen }
}

fn frozen() -> Now {
    Arc::new(|| NOW)
}

fn target(service: &Service, key: &str) -> Target {
    Target { base_url: service.server.base_url(), key: key.to_owned(), company: None }
}

#[tokio::test]
async fn events_are_sent_again_until_they_are_taken_and_functions_are_not() {
    let quick = Retries { pause: Duration::from_millis(1), ..Retries::default() };
    let client = crate::simulators::http_client().expect("a client");
    let script = &scripts(2, &Mix::bookings(14), 1)[0];
    let event = find(script, "call_ended").expect("an event");

    let busy = service(2);
    let receipt = deliver(&client, &target(&busy, KEY), event, &quick, &frozen()).await;
    assert_eq!((receipt.status, receipt.attempts), (Some(200), 3));

    let closed = service(u32::MAX);
    let receipt = deliver(&client, &target(&closed, KEY), event, &quick, &frozen()).await;
    assert_eq!((receipt.status, receipt.attempts, receipt.acknowledged()), (Some(503), 4, false));

    let function = find(script, "check_availability").expect("a function");
    let receipt = deliver(&client, &target(&closed, KEY), function, &quick, &frozen()).await;
    assert_eq!((receipt.status, receipt.attempts), (Some(503), 1));

    let strict = service(0);
    let receipt = deliver(&client, &target(&strict, "wrong"), function, &quick, &frozen()).await;
    assert_eq!(receipt.status, Some(401));
}

#[tokio::test]
async fn a_dialer_runs_calls_to_their_end_and_counts() {
    let service = service(0);
    let mut options = DialerOptions::new(target(&service, KEY), frozen());
    options.calls_per_minute = 6_000.0;
    options.time_factor = 100_000.0;
    let generator = ScriptGenerator::new(1, lines(), Mix::bookings(5));
    let dialer = Dialer::start(generator, options, None).expect("a dialer");
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while dialer.counters().calls_finished < 5 {
        assert!(std::time::Instant::now() < deadline, "{:?}", dialer.counters());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let counters = dialer.finish().await;
    assert_eq!(counters.calls_started, counters.calls_finished);
    assert_eq!((counters.refused, counters.unanswered), (0, 0));
    assert_eq!(counters.acknowledged, u64::from(service.seen.load(Ordering::SeqCst)));
    assert!(counters.function_answers["book_appointment confirmed"] >= 1);
}

#[tokio::test]
async fn questions_about_a_call_follow_its_stages() {
    let clock = Arc::new(AtomicI64::new(NOW));
    let read = clock.clone();
    let retell = RetellSimulator::start("127.0.0.1:0", KEY, Arc::new(move || read.load(Ordering::SeqCst)));
    let retell = retell.expect("a server");
    let all = scripts(2, &Mix::bookings(14), 3);
    all.iter().for_each(|script| retell.remember(script));
    let client = crate::simulators::http_client().expect("a client");
    let get = async |key: &str, call_id: &str| {
        let url = format!("{}/v2/get-call/{call_id}", retell.base_url());
        let response = client.get(url).bearer_auth(key).send().await.expect("an answer");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    let script = &all[0];
    assert_eq!(
        get("wrong", &script.call_id).await,
        (401, json!({ "status": "error", "message": "Invalid API Key" }))
    );
    assert_eq!(get(KEY, "call_nobody").await.0, 404);
    for (event, status) in [("call_started", "ongoing"), ("call_ended", "ended"), ("call_analyzed", "ended")]
    {
        clock.store(find(script, event).expect("a stage").due_ms, Ordering::SeqCst);
        let (code, call) = get(KEY, &script.call_id).await;
        assert_eq!((code, call["call_status"].as_str()), (200, Some(status)));
        assert_eq!(call.get("call_analysis").is_some(), event == "call_analyzed");
    }
    retell.fail_with(Some(503));
    assert_eq!(get(KEY, &script.call_id).await.0, 503);
    assert!(retell.requests() >= 6);
}

#[tokio::test]
async fn lists_of_calls_page_filter_and_leave_transcripts_out() {
    let retell = RetellSimulator::start("127.0.0.1:0", KEY, Arc::new(|| NOW + 3_600_000)).expect("a server");
    let mut generator = ScriptGenerator::new(2, lines(), Mix::bookings(14));
    for second in 0..5 {
        retell.remember(&generator.next(NOW + second * 1_000));
    }
    let client = crate::simulators::http_client().expect("a client");
    let list = async |body: Value| {
        let url = format!("{}/v3/list-calls", retell.base_url());
        let response = client.post(url).bearer_auth(KEY).json(&body).send().await.expect("an answer");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    let since = json!({ "start_timestamp": { "type": "number", "op": "ge", "value": NOW + 1_500 + 1_000 },
                        "call_status": { "type": "enum", "op": "in", "value": ["ended"] } });
    let wish =
        json!({ "filter_criteria": since, "limit": 3, "sort_order": "ascending", "include_total": true });
    let (status, page) = list(wish.clone()).await;
    assert_eq!((status, &page["total"], &page["has_more"]), (200, &json!(4), &json!(true)));
    assert!(page["items"][0].get("transcript_object").is_none());
    assert_eq!(page["items"][0]["start_timestamp"], NOW + 2_500);
    let mut next = wish;
    next["pagination_key"] = page["pagination_key"].clone();
    let (_, rest) = list(next).await;
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["has_more"]), (Some(1), &json!(false)));
    assert_eq!(list(json!({ "limit": 1001 })).await.0, 400);
    let odd = json!({ "filter_criteria": { "call_id": { "op": "like", "value": "x" } } });
    assert_eq!(list(odd).await.0, 400);
}
