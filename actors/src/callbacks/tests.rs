//! Callbacks over fakes: durable before they are told, one for each number, the same bytes for the same order.

use askpro_domain::{call::CallOutcome, function::FunctionName, ids::CallId};
use serde_json::{Value, json};

use crate::{
    calls::Answered,
    ports::{
        fakes::{EventBody, company_a, company_b, fixture},
        journal::{Position, Record, Signer},
        rows::CallbackRow,
    },
    rig::{Asked, Asking, Heard, Rig},
    root::Settings,
};

const NUMBER_A: &str = "+493083793369";
const NUMBER_B: &str = "+494035791113";
/// Who calls in the rig.
const ANNA: &str = "+4915112345678";

fn ask(rig: &Rig, call: &str, arguments: &Value) -> Asked {
    rig.ask_as(&Asking::of(call, FunctionName::RequestCallback), arguments.clone())
}

/// The bytes that are answered when everything has gone on that can.
fn bytes(rig: &Rig, mut asked: Asked) -> Answered {
    rig.settle();
    match asked.heard() {
        Some(Heard::Answer(answered)) => answered,
        other => panic!("{other:?}"),
    }
}

fn json_of(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

fn wished(rig: &Rig, call: &str, arguments: &Value) -> Value {
    json_of(&bytes(rig, ask(rig, call, arguments)))
}

fn rows(rig: &Rig) -> Vec<CallbackRow> {
    rig.database.tables().callbacks.into_values().collect()
}

fn notices(rig: &Rig) -> usize {
    rig.database.tables().outbox.len()
}

fn outcome(rig: &Rig, call: &str) -> Option<&'static str> {
    rig.database.tables().calls[&CallId::parse(call).unwrap()].outcome
}

fn hang_up(rig: &Rig, call: &str, number: &str) {
    let to = Some(number.to_owned());
    rig.event(&EventBody {
        to,
        ended_at: Some(rig.now().0),
        ..EventBody::new("call_ended", call, rig.now().0)
    });
    rig.settle();
}

fn records(rig: &Rig) -> usize {
    rig.journal.records().iter().filter(|record| matches!(record, Record::Callback(_))).count()
}

#[test]
fn a_callback_is_one_row_and_one_notice_and_repeats_are_equal_to_the_byte() {
    let rig = Rig::new();
    let order = json!({"prioritaet": "hoch", "grund": "Preise", "due": "24.11.2026 17:00", "name": "Anna"});
    let first = bytes(&rig, ask(&rig, "c", &order));
    let answer = json_of(&first);
    assert_eq!(
        (&answer["success"], &answer["code"]),
        (&json!(true), &json!("callback_requested")),
        "{answer}"
    );
    assert_eq!((&answer["phone"], &answer["priority"]), (&json!(ANNA), &json!("high")));
    assert_eq!(answer["due_at"], "2026-11-24T17:00:00+01:00");
    rig.advance(60_000);
    assert_eq!(bytes(&rig, ask(&rig, "c", &order)), first);
    let [row] = rows(&rig).try_into().unwrap();
    assert_eq!((row.priority, row.reason.as_str(), row.version), ("high", "Preise", 1));
    assert_eq!((row.phone.as_deref(), row.name.as_deref()), (Some(ANNA), Some("Anna")));
    assert_eq!(row.due_at.unwrap().to_rfc3339(), "2026-11-24T16:00:00Z");
    assert_eq!(row.due_text.as_deref(), Some("24.11.2026 17:00"));
    assert_eq!((notices(&rig), records(&rig)), (1, 1), "a repeat needs no record");
    assert_eq!(outcome(&rig, "c"), Some(CallOutcome::CallbackRequested.as_str()));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn a_repeat_needs_no_record_in_a_call_that_a_company_only_claims() {
    let rig = Rig::new();
    let order = json!({"grund": "Preise"});
    let signer = Signer::Company(company_a());
    let asking = Asking { signer, ..Asking::of("c", FunctionName::RequestCallback) };
    let first = bytes(&rig, rig.ask_as(&asking, order.clone()));
    assert_eq!(bytes(&rig, rig.ask_as(&asking, order.clone())), first);
    assert_eq!((records(&rig), rows(&rig)[0].version), (1, 1));
    rig.finish();
}

#[test]
fn wishes_for_one_number_are_joined_and_the_most_pressing_wins() {
    let rig = Rig::new();
    let first = bytes(&rig, ask(&rig, "c1", &json!({"reason": "Preise", "due": "25.11.2026 10:00"})));
    let urgent =
        wished(&rig, "c2", &json!({"reason": "Absage", "priority": "urgent", "due": "26.11.2026 10:00"}));
    let early = wished(&rig, "c3", &json!({"due": "24.11.2026 10:00"}));
    assert_eq!(urgent["callback_id"], early["callback_id"]);
    assert_eq!(
        (&urgent["due_at"], &early["priority"]),
        (&json!("2026-11-26T10:00:00+01:00"), &json!("normal")),
        "each hears its own"
    );
    let [row] = rows(&rig).try_into().unwrap();
    assert_eq!((row.priority, row.reason.as_str(), row.version), ("urgent", "Preise; Absage", 3));
    assert_eq!(row.due_at.unwrap().to_rfc3339(), "2026-11-24T09:00:00Z");
    assert_eq!(notices(&rig), 1);
    assert_eq!(
        bytes(&rig, ask(&rig, "c1", &json!({"reason": "Preise", "due": "25.11.2026 10:00"}))),
        first,
        "whatever joined"
    );
    for call in ["c1", "c2", "c3"] {
        assert_eq!(outcome(&rig, call), Some("callback_requested"), "{call}");
        hang_up(&rig, call, NUMBER_A);
    }
    rig.finish();
}

#[test]
fn a_call_that_joins_without_adding_anything_has_a_callback_too() {
    let mut rig = Rig::new();
    wished(&rig, "c1", &json!({}));
    rig.database.commits.close();
    wished(&rig, "c2", &json!({}));
    rig.crash_and_restart();
    rig.database.commits.open();
    rig.settle();
    assert_eq!((rows(&rig).len(), notices(&rig), outcome(&rig, "c2")), (1, 1, Some("callback_requested")));
    for call in ["c1", "c2"] {
        hang_up(&rig, call, NUMBER_A);
    }
    rig.finish();
}

#[test]
fn a_callback_is_told_when_it_is_on_disk() {
    let rig = Rig::new();
    rig.journal.syncs.close();
    let (mut first, mut repeat) = (ask(&rig, "c", &json!({})), ask(&rig, "c", &json!({})));
    rig.settle();
    assert_eq!((first.heard(), repeat.heard()), (None, None));
    rig.journal.sync();
    let (first, repeat) = (bytes(&rig, first), bytes(&rig, repeat));
    assert_eq!(
        (first.code.as_str(), &first),
        ("callback_requested", &repeat),
        "the repeat joins the one in flight"
    );
    assert_eq!(records(&rig), 1);
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn a_callback_that_the_journal_does_not_take_is_not_promised() {
    for full in [true, false] {
        let rig = Rig::new();
        rig.journal.set_full(full);
        rig.journal.set_failing(!full);
        assert_eq!(wished(&rig, "c", &json!({}))["code"], "busy");
        rig.journal.set_full(false);
        assert_eq!(wished(&rig, "c", &json!({}))["code"], if full { "callback_requested" } else { "busy" });
        rig.journal.set_failing(false);
        assert_eq!(wished(&rig, "c", &json!({}))["code"], "callback_requested");
        assert_eq!((rows(&rig).len(), notices(&rig)), (1, 1));
        hang_up(&rig, "c", NUMBER_A);
        rig.finish();
    }
}

#[test]
fn a_callback_survives_a_crash_and_is_answered_as_before() {
    for committed in [false, true] {
        let mut rig = Rig::new();
        if !committed {
            rig.database.commits.close();
        }
        let order = json!({"priority": "urgent", "due": "morgen 17:00"});
        let first = bytes(&rig, ask(&rig, "c", &order));
        rig.crash_and_restart();
        rig.database.commits.open();
        rig.settle();
        assert_eq!(bytes(&rig, ask(&rig, "c", &order)), first, "{committed}");
        assert_eq!(wished(&rig, "c", &json!({}))["callback_id"], json_of(&first)["callback_id"]);
        rig.crash_and_restart_from(Some(Position(0)));
        rig.settle();
        assert_eq!((rows(&rig).len(), notices(&rig), rows(&rig)[0].version), (1, 1, 1), "{committed}");
        assert_eq!(outcome(&rig, "c"), Some("callback_requested"));
        hang_up(&rig, "c", NUMBER_A);
        rig.finish();
    }
}

#[test]
fn a_crash_before_the_disk_leaves_no_promise_and_no_second_row() {
    let mut rig = Rig::new();
    rig.journal.syncs.close();
    let mut asked = ask(&rig, "c", &json!({}));
    rig.settle();
    assert_eq!(asked.heard(), None);
    rig.crash_and_restart();
    assert_eq!(wished(&rig, "c", &json!({}))["code"], "callback_requested");
    assert_eq!((rows(&rig).len(), notices(&rig)), (1, 1));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn a_callback_that_a_slow_disk_does_not_take_in_time_is_joined_by_the_next_try() {
    let rig = Rig::new();
    rig.journal.syncs.close();
    let mut asked = ask(&rig, "c", &json!({}));
    rig.advance(2_499);
    assert!(matches!(asked.heard(), Some(Heard::Answer(answered)) if answered.code == "busy"));
    rig.journal.sync();
    assert_eq!(wished(&rig, "c", &json!({}))["code"], "callback_requested");
    assert_eq!((rows(&rig).len(), notices(&rig)), (1, 1));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn with_the_database_away_a_callback_is_taken_and_joined() {
    let rig = Rig::new();
    rig.database.set_away(true);
    let first = wished(&rig, "c1", &json!({}));
    assert_eq!(wished(&rig, "c2", &json!({"priority": "high"}))["callback_id"], first["callback_id"]);
    rig.database.set_away(false);
    rig.advance(10_000);
    let [row] = rows(&rig).try_into().unwrap();
    assert_eq!((row.priority, notices(&rig)), ("high", 1));
    for call in ["c1", "c2"] {
        hang_up(&rig, call, NUMBER_A);
    }
    rig.finish();
}

#[test]
fn whom_to_call_must_be_known() {
    let rig = Rig::new();
    let anonymous = |from| Asking { from, ..Asking::of("c", FunctionName::RequestCallback) };
    for from in [None, Some("anonymous"), Some("11111"), Some(NUMBER_A)] {
        let rig = Rig::new();
        let answer = json_of(&bytes(&rig, rig.ask_as(&anonymous(from), json!({}))));
        assert_eq!(
            (&answer["success"], &answer["code"]),
            (&json!(false), &json!("phone_required")),
            "{from:?}"
        );
        hang_up(&rig, "c", NUMBER_A);
        rig.finish();
    }
    let given = json_of(&bytes(&rig, rig.ask_as(&anonymous(None), json!({"phone_number": ANNA}))));
    assert_eq!((&given["code"], &given["phone"]), (&json!("callback_requested"), &json!(ANNA)));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn numbers_and_companies_are_kept_apart() {
    let rig = Rig::new();
    let to_b = Asking { to: NUMBER_B, ..Asking::of("cb", FunctionName::RequestCallback) };
    let mut ids = vec![wished(&rig, "c1", &json!({}))["callback_id"].clone()];
    ids.push(json_of(&bytes(&rig, rig.ask_as(&to_b, json!({}))))["callback_id"].clone());
    for phone in ["+4315112345678", "+4915112345679"] {
        ids.push(wished(&rig, "c1", &json!({"phone_number": phone}))["callback_id"].clone());
    }
    ids.dedup();
    assert_eq!((ids.len(), rows(&rig).len(), notices(&rig)), (4, 4, 4));
    let of_b = rows(&rig).into_iter().filter(|row| row.company == company_b()).count();
    assert_eq!(of_b, 1);
    hang_up(&rig, "c1", NUMBER_A);
    hang_up(&rig, "cb", NUMBER_B);
    rig.finish();
}

#[test]
fn after_a_week_a_wish_is_a_new_one() {
    let rig = Rig::new();
    let first = wished(&rig, "c1", &json!({}))["callback_id"].clone();
    hang_up(&rig, "c1", NUMBER_A);
    rig.advance(6 * 86_400_000);
    assert_eq!(wished(&rig, "c2", &json!({}))["callback_id"], first);
    hang_up(&rig, "c2", NUMBER_A);
    rig.advance(86_400_000);
    assert_ne!(wished(&rig, "c3", &json!({}))["callback_id"], first);
    assert_eq!((rows(&rig).len(), rig.actors.callbacks.len()), (2, 1));
    rig.advance(8 * 86_400_000);
    rig.actors.callbacks.forget_past(rig.now());
    assert!(rig.actors.callbacks.is_empty());
    hang_up(&rig, "c3", NUMBER_A);
    rig.finish();
}

#[test]
fn what_a_companys_own_key_wishes_does_not_place_the_call() {
    let rig = Rig::new();
    let b = Signer::Company(company_b());
    let claimed = Asking { to: NUMBER_B, signer: b, ..Asking::of("c", FunctionName::RequestCallback) };
    assert_eq!(json_of(&bytes(&rig, rig.ask_as(&claimed, json!({}))))["code"], "callback_requested");
    assert!(rig.call("c").unwrap().unplaced);
    assert_eq!(rows(&rig)[0].company, company_b());
    let to = Some(NUMBER_A.to_owned());
    rig.event(&EventBody { to, ..EventBody::new("call_started", "c", rig.now().0) });
    rig.settle();
    let row = &rig.database.tables().calls[&CallId::parse("c").unwrap()];
    assert_eq!((row.company, row.outcome), (company_a(), None));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}

#[test]
fn what_was_promised_under_a_claim_alone_is_in_the_row_of_the_call_after_a_crash() {
    let b = Signer::Company(company_b());
    for (signer, asks_first) in [(b, false), (b, true), (Signer::Platform, false), (Signer::Platform, true)] {
        let mut rig = Rig::new();
        let mut companies = fixture();
        companies[1].keys.retell_webhook_keys = vec![askpro_domain::secret::Secret::new("own")];
        rig.directory.replace(companies);
        let asking = |signer, function| Asking { to: NUMBER_B, signer, ..Asking::of("c", function) };
        let claimed = asking(b, FunctionName::RequestCallback);
        assert_eq!(json_of(&bytes(&rig, rig.ask_as(&claimed, json!({}))))["code"], "callback_requested");
        assert_eq!(rig.journal.outstanding(), []);
        rig.crash_and_restart();
        if asks_first {
            bytes(&rig, rig.ask_as(&asking(signer, FunctionName::ListServices), json!({})));
        }
        let to = Some(NUMBER_B.to_owned());
        rig.event_signed(&EventBody { to, ..EventBody::new("call_started", "c", rig.now().0) }, signer);
        rig.settle();
        assert_eq!(outcome(&rig, "c"), Some("callback_requested"), "{signer:?} {asks_first}");
        hang_up(&rig, "c", NUMBER_B);
        rig.finish();
    }
}

#[test]
fn a_panic_anywhere_leaves_one_wish_or_none() {
    for looks in 1..8 {
        let rig = Rig::new();
        rig.directory.panic_next(looks);
        let mut asked = ask(&rig, "c", &json!({}));
        rig.settle();
        rig.directory.panic_next(0);
        rig.advance(1_000);
        let told = matches!(asked.heard(), Some(Heard::Answer(answered)) if answered.success);
        assert!(rows(&rig).len() == notices(&rig) && rows(&rig).len() <= 1, "{looks}");
        assert!(!told || rows(&rig).len() == 1, "{looks}");
        hang_up(&rig, "c", NUMBER_A);
        rig.finish();
    }
}

#[test]
fn a_full_mailbox_at_start_loses_no_callback() {
    let mut settings = Settings::default();
    settings.limits.mailbox_max = 1;
    let mut rig = Rig::with(settings);
    rig.database.commits.close();
    for n in 0..20 {
        let phone = format!("+49151000000{n:02}");
        assert_eq!(wished(&rig, "c", &json!({ "phone_number": phone }))["code"], "callback_requested");
    }
    rig.crash_and_restart();
    rig.database.commits.open();
    rig.settle();
    assert_eq!((rows(&rig).len(), notices(&rig)), (20, 20));
    hang_up(&rig, "c", NUMBER_A);
    rig.finish();
}
