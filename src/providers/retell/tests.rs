//! The client against a scripted server: what is asked, what answers mean, and what proves nothing.

use std::{sync::Arc, time::Duration};

use askpro_actors::ports::voice::{Account, ListedCall, Looked, Told, Voice, VoiceError};
use askpro_domain::{
    call::EventSource,
    ids::{CallId, CompanyId},
    secret::Secret,
    time::UnixMillis,
};
use serde_json::{Value, json};

use super::{
    RetellClient, RetellOptions, RetellSetupError,
    inbound::decode::{Decoded, decode},
    transport::ANSWER_BYTES_MAX,
};
use crate::{
    compress::{DECOMPRESSED_BYTES_MAX, decompress},
    providers::test_server::{Reply, Request, TestServer},
};

const SINCE: UnixMillis = UnixMillis(1_795_334_400_000);
const OWN: Account = Account::Company(CompanyId(7));

fn id() -> CallId {
    CallId::parse("call_c1").unwrap()
}

fn client(server: &TestServer) -> RetellClient {
    patient_client(server, Duration::from_secs(20))
}

fn patient_client(server: &TestServer, timeout: Duration) -> RetellClient {
    // An error here only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = RetellOptions {
        base_url: server.url.clone(),
        platform_key: Some(Secret::new("key_platform")),
        call_timeout: timeout,
        list_timeout: timeout,
        ..RetellOptions::default()
    };
    let own = |company| (company == CompanyId(7)).then(|| Secret::new("key_own"));
    RetellClient::new(options, Arc::new(own)).unwrap()
}

async fn answering(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (TestServer, RetellClient) {
    let server = TestServer::start(reply).await;
    let client = client(&server);
    (server, client)
}

fn call(status: &str) -> Value {
    let mut call = json!({
        "call_id": "call_c1", "call_type": "web_call", "agent_id": "agent_a1", "call_status": status,
        "start_timestamp": 1_795_420_800_000_i64, "to_number": "+493083793369", "direction": "inbound",
        "access_token": "a-secret", "transcript": "Agent: Guten Tag!\n", "unheard_of": {"access_token": 1},
    });
    if status != "ongoing" {
        call["end_timestamp"] = json!(1_795_420_944_000_i64);
        call["duration_ms"] = json!(144_000);
        call["disconnection_reason"] = json!("user_hangup");
    }
    call
}

fn analyzed() -> Value {
    let mut call = call("ended");
    call["call_analysis"] = json!({"call_summary": "wanted a cut", "call_successful": true});
    call
}

async fn looked(answer: Value) -> Result<Looked, VoiceError> {
    let (_server, client) = answering(move |_| Reply::json(200, &answer)).await;
    client.find_call(Account::Platform, &id()).await
}

async fn over(answer: Value) -> Vec<Told> {
    match looked(answer).await.unwrap() {
        Looked::Over(told) => told,
        Looked::Ongoing(_) => panic!("it goes on"),
    }
}

fn body(told: &Told) -> Value {
    serde_json::from_slice(&decompress(&told.body, DECOMPRESSED_BYTES_MAX).unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_is_asked_for_with_the_key_of_its_account() {
    let (server, client) = answering(|_| Reply::json(200, &call("ended"))).await;
    client.find_call(Account::Platform, &id()).await.unwrap();
    client.find_call(OWN, &id()).await.unwrap();
    let odd = CallId::parse("call/../é").unwrap();
    assert_eq!(client.find_call(OWN, &odd).await.unwrap_err(), VoiceError::Unreadable("another call"));
    let requests = server.requests();
    let asked: Vec<_> =
        requests.iter().map(|r| (r.line.as_str(), r.header("authorization").unwrap())).collect();
    assert_eq!(
        asked,
        [
            ("GET /v2/get-call/call_c1", "Bearer key_platform"),
            ("GET /v2/get-call/call_c1", "Bearer key_own"),
            ("GET /v2/get-call/call%2F..%2F%C3%A9", "Bearer key_own"),
        ]
    );
    assert!(client.has_key(Account::Platform) && client.has_key(OWN));
    let stranger = Account::Company(CompanyId(8));
    assert_eq!(client.find_call(stranger, &id()).await.unwrap_err(), VoiceError::NoKey);
    assert_eq!(server.requests().len(), 3, "nothing is asked without a key");
}

#[tokio::test]
async fn a_call_that_is_over_becomes_its_end_and_its_analysis() {
    let told = over(analyzed()).await;
    let names: Vec<_> = told.iter().map(|told| told.event.kind.name()).collect();
    assert_eq!(names, ["call_ended", "call_analyzed"]);
    for told in &told {
        assert_eq!((told.event.source, told.event.event_timestamp), (EventSource::Reconcile, None));
        assert_eq!((&told.event.call_id, told.event.facts.duration_ms), (&id(), Some(144_000)));
        let kept = decompress(&told.body, DECOMPRESSED_BYTES_MAX).unwrap();
        assert_eq!(decode(&kept).unwrap().decoded, Decoded::Call(Box::new(told.event.clone())));
        assert!(!String::from_utf8(kept).unwrap().contains("a-secret"));
    }
    let [end, analysis] = &told[..] else { panic!("two events") };
    assert_eq!(end.event.dedup_key, "call_ended");
    assert_eq!(body(end)["call"]["call_analysis"], Value::Null, "the end has no analysis");
    assert_eq!(body(end)["call"]["transcript"], "Agent: Guten Tag!\n");
    assert_eq!(analysis.event.facts.retell_successful, Some(true));
    assert_eq!(over(call("error")).await.len(), 1);
    assert_eq!(over(call("not_connected")).await[0].event.facts.status.as_deref(), Some("not_connected"));
}

#[tokio::test]
async fn what_retell_sends_itself_is_the_same_event_and_stays() {
    let told = over(analyzed()).await;
    for (ours, name) in told.iter().zip(["call_ended", "call_analyzed"]) {
        let call = if name == "call_ended" { call("ended") } else { analyzed() };
        let webhook = json!({"event": name, "call": call, "event_timestamp": 1_795_420_945_000_i64});
        let Decoded::Call(theirs) = decode(webhook.to_string().as_bytes()).unwrap().decoded else {
            panic!("an event of a call")
        };
        assert_eq!((&ours.event.dedup_key, &ours.event.facts), (&theirs.dedup_key, &theirs.facts));
        assert!(ours.event.provenance() < theirs.provenance());
    }
}

#[tokio::test]
async fn a_call_that_goes_on_becomes_its_beginning_without_its_words() {
    for status in ["ongoing", "registered"] {
        let mut answer = call("ongoing");
        answer["call_status"] = json!(status);
        let Looked::Ongoing(told) = looked(answer).await.unwrap() else { panic!("{status}") };
        assert_eq!((told.event.kind.name(), told.event.facts.transcript), ("call_started", None));
        assert_eq!(body(&told)["call"]["to_number"], "+493083793369");
    }
    let mut of_tomorrow = call("ended");
    of_tomorrow["call_status"] = json!("a_status_of_tomorrow");
    assert!(matches!(looked(of_tomorrow.clone()).await.unwrap(), Looked::Over(_)), "it has an end");
    of_tomorrow.as_object_mut().unwrap().remove("end_timestamp");
    assert!(matches!(looked(of_tomorrow).await.unwrap(), Looked::Ongoing(_)));
}

#[tokio::test]
async fn the_end_of_a_call_that_is_given_up_says_nothing_else() {
    let (_server, client) = answering(|_| Reply::Drop).await;
    let told = client.given_up(&id()).unwrap();
    assert_eq!((told.event.kind.name(), told.event.source), ("call_ended", EventSource::Timeout));
    let expected = json!({"event": "call_ended", "askpro_source": "timeout", "call": {"call_id": "call_c1"}});
    assert_eq!(body(&told), expected);
}

#[tokio::test]
async fn what_is_no_answer_says_why() {
    let error = |reply: Reply| async move {
        let (_server, client) = answering(move |_| reply.clone()).await;
        client.find_call(Account::Platform, &id()).await.unwrap_err()
    };
    let status = |status: u16| error(Reply::json(status, &json!({"status": "error", "message": "no"})));
    assert_eq!(status(404).await, VoiceError::NotFound);
    for refused in [401, 403] {
        assert_eq!(status(refused).await, VoiceError::Unauthorized);
    }
    assert_eq!(status(429).await, VoiceError::Limited { retry_after_ms: 10_000 });
    let limited = Reply::Answer(429, vec!["retry-after: 7".to_owned()], b"{}".to_vec());
    assert_eq!(error(limited).await, VoiceError::Limited { retry_after_ms: 7_000 });
    assert_eq!(status(422).await, VoiceError::Unreadable("the question was refused"));
    for broken in [500, 502, 503, 302] {
        assert_eq!(status(broken).await, VoiceError::Unreachable("a fault at Retell"), "{broken}");
    }
    let silent = TestServer::start(|_| Reply::Hang).await;
    let client = patient_client(&silent, Duration::from_millis(50));
    let late = client.find_call(Account::Platform, &id()).await.unwrap_err();
    assert_eq!(late, VoiceError::Unreachable("no answer in time"));
    assert!(matches!(error(Reply::Drop).await, VoiceError::Unreachable(_)));
    for unreadable in
        [json!([]), json!("call"), json!({"call_id": "call_c2"}), json!({"call_status": "ended"})]
    {
        assert!(matches!(looked(unreadable).await.unwrap_err(), VoiceError::Unreadable(_)));
    }
    assert!(matches!(error(Reply::Half(200)).await, VoiceError::Unreadable(_)));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let sized = |bytes: usize| {
        let mut answer = call("ended");
        answer["transcript"] = json!("");
        let padding = bytes - answer.to_string().len();
        answer["transcript"] = json!("x".repeat(padding));
        assert_eq!(answer.to_string().len(), bytes);
        answer
    };
    assert!(looked(sized(ANSWER_BYTES_MAX)).await.is_ok());
    let error = looked(sized(ANSWER_BYTES_MAX + 1)).await.unwrap_err();
    assert_eq!(error, VoiceError::Unreadable("too large, or broken off"));
}

#[tokio::test]
async fn nobody_answers_where_nobody_is() {
    let mut server = TestServer::start(|_| Reply::Drop).await;
    "http://127.0.0.1:1".clone_into(&mut server.url);
    let client = client(&server);
    let error = client.find_call(Account::Platform, &id()).await.unwrap_err();
    assert_eq!(error, VoiceError::Unreachable("no connection"));
}

#[tokio::test]
async fn a_list_is_asked_for_page_by_page_from_the_oldest() {
    let (server, client) = answering(|request| {
        let first = request.json().get("pagination_key").is_none();
        let item = |id: &str| {
            json!({"call_id": id, "call_status": "ended", "start_timestamp": 5,
            "end_timestamp": 9, "call_analysis": {"call_summary": "x"}})
        };
        if first {
            let page = json!({"items": [item("a"), {"call_status": "ended"}, "odd"], "has_more": true,
                "pagination_key": "page two"});
            return Reply::json(200, &page);
        }
        let others = json!([{"call_id": "b", "call_status": "ongoing", "start_timestamp": 7},
            {"call_id": "c", "call_status": "not_connected", "call_analysis": {}}]);
        Reply::json(200, &json!({"items": others, "has_more": false, "pagination_key": "ignored"}))
    })
    .await;
    let first = client.list_calls(OWN, SINCE, None).await.unwrap();
    assert_eq!((first.unreadable, first.next.as_deref()), (2, Some("page two")));
    let line = |id: &str, over, analyzed, began: Option<i64>, ended: Option<i64>| ListedCall {
        call_id: CallId::parse(id).unwrap(),
        over,
        analyzed,
        began_at: began.map(UnixMillis),
        ended_at: ended.map(UnixMillis),
    };
    assert_eq!(first.calls, [line("a", true, true, Some(5), Some(9))]);
    let second = client.list_calls(OWN, SINCE, first.next.as_deref()).await.unwrap();
    assert_eq!(second.next, None);
    assert_eq!(second.calls, [line("b", false, false, Some(7), None), line("c", true, false, None, None)]);
    let requests = server.requests();
    assert!(requests.iter().all(|r| r.line == "POST /v3/list-calls"));
    let since = json!({"start_timestamp": {"type": "number", "op": "ge", "value": SINCE.0}});
    let mut expected = json!({"filter_criteria": since, "limit": 100, "sort_order": "ascending"});
    assert_eq!(requests[0].json(), expected);
    expected["pagination_key"] = json!("page two");
    assert_eq!(requests[1].json(), expected);
}

#[tokio::test]
async fn what_is_no_list_says_why() {
    for odd in [json!([]), json!({}), json!({"items": {}}), json!({"items": [], "has_more": true})] {
        let (_server, client) = answering(move |_| Reply::json(200, &odd)).await;
        let error = client.list_calls(Account::Platform, SINCE, None).await.unwrap_err();
        assert!(matches!(error, VoiceError::Unreadable(_)), "{error}");
    }
    let (_server, client) = answering(|_| Reply::json(404, &json!({}))).await;
    let error = client.list_calls(Account::Platform, SINCE, None).await.unwrap_err();
    assert!(matches!(error, VoiceError::Unreachable(_)), "{error}");
}

#[test]
fn an_address_that_is_none_is_refused_and_no_key_prints() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for bad in ["", "ftp://x", "api.retellai.com", "mailto:x"] {
        let options = RetellOptions { base_url: bad.to_owned(), ..RetellOptions::default() };
        let refused = RetellClient::new(options, Arc::new(|_| None));
        assert!(matches!(refused, Err(RetellSetupError::BaseUrl(_))), "{bad}");
    }
    let options = RetellOptions { platform_key: Some(Secret::new("key_secret")), ..RetellOptions::default() };
    let printed =
        format!("{options:?} {:?}", RetellClient::new(options.clone(), Arc::new(|_| None)).unwrap());
    assert!(!printed.contains("key_secret"), "{printed}");
}
