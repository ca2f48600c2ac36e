//! Calls over fakes: any order, any copies, crashes and panics in between.

mod functions;
mod orders;
mod panics;
mod placing;
mod repair;
mod transcripts;

use askpro_domain::{function::FunctionName, ids::CallId};
use serde_json::json;

use crate::{
    calls::Delivered,
    ports::fakes::{EventBody, FIXTURE_NOW, company_a},
    rig::Rig,
};

pub(super) const NUMBER_A: &str = "+493083793369";
pub(super) const NUMBER_B: &str = "+494035791113";
pub(super) const STRANGER: &str = "+49999000111";

pub(super) fn id(call: &str) -> CallId {
    CallId::parse(call).unwrap()
}

/// An event of a call to A's number.
pub(super) fn event(name: &str, call: &str, after_ms: i64) -> EventBody {
    EventBody {
        direction: Some("inbound".to_owned()),
        from: Some("+4915112345678".to_owned()),
        to: Some(NUMBER_A.to_owned()),
        ..EventBody::new(name, call, FIXTURE_NOW.0 + after_ms)
    }
}

pub(super) fn started(call: &str) -> EventBody {
    EventBody { started_at: Some(FIXTURE_NOW.0), ..event("call_started", call, 0) }
}

pub(super) fn ended(call: &str) -> EventBody {
    EventBody {
        status: Some("ended".to_owned()),
        started_at: Some(FIXTURE_NOW.0),
        ended_at: Some(FIXTURE_NOW.0 + 60_000),
        duration_ms: Some(60_000),
        reason: Some("user_hangup".to_owned()),
        transcript: Some("the whole conversation".to_owned()),
        ..event("call_ended", call, 60_000)
    }
}

pub(super) fn analyzed(call: &str) -> EventBody {
    EventBody {
        summary: Some("wanted a cut".to_owned()),
        successful: Some(false),
        ..EventBody { event: "call_analyzed".to_owned(), at: Some(FIXTURE_NOW.0 + 70_000), ..ended(call) }
    }
}

#[test]
fn a_call_comes_lives_ends_and_leaves() {
    let rig = Rig::new();
    assert_eq!(rig.event(&started("call_c1")), Delivered::Now);
    rig.settle();
    assert_eq!((rig.actors.live.total(), rig.actors.live.of(company_a())), (1, 1));
    assert!(rig.journal.outstanding().is_empty());
    assert_eq!(rig.database.tables().calls[&id("call_c1")].status, "live");
    rig.event(&ended("call_c1"));
    rig.event(&ended("call_c1"));
    rig.event(&analyzed("call_c1"));
    rig.settle();
    assert_eq!(rig.actors.live.total(), 0);
    let tables = rig.database.tables();
    let row = &tables.calls[&id("call_c1")];
    assert_eq!((row.status, row.duration_ms, row.retell_successful), ("ended", Some(60_000), Some(false)));
    assert_eq!(tables.events.len(), 3);
    rig.advance(11_000);
    assert!(rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn any_message_may_be_the_first() {
    for first in [started("c"), ended("c"), analyzed("c"), event("transfer_started", "c", 5)] {
        let rig = Rig::new();
        rig.event(&first);
        rig.settle();
        assert_eq!(rig.database.tables().calls[&id("c")].company, company_a(), "{}", first.event);
        rig.event(&analyzed("c"));
        rig.finish();
    }
    let rig = Rig::new();
    let mut asked = rig.ask("c", NUMBER_A, FunctionName::ListServices, json!({}));
    rig.settle();
    assert_eq!(asked.json()["code"], "services_listed");
    assert_eq!(rig.actors.live.of(company_a()), 1, "a call that only asked is live");
    rig.event(&ended("c"));
    rig.settle();
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn a_late_event_brings_an_ended_call_back_for_a_moment() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.event(&ended("c"));
    rig.advance(20_000);
    assert!(rig.calls_in_memory().is_empty());
    rig.database.reads.close();
    rig.event(&event("transfer_ended", "c", 30_000));
    rig.settle();
    assert_eq!(rig.actors.live.total(), 0, "nobody knows yet that it is over");
    rig.database.reads.open();
    rig.settle();
    assert_eq!(rig.actors.live.total(), 0);
    assert_eq!(rig.database.tables().calls[&id("c")].status, "ended");
    assert_eq!(rig.database.tables().events.len(), 3);
    rig.advance(20_000);
    assert!(rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn looking_at_an_ended_call_does_not_keep_it_in_memory() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.event(&ended("c"));
    rig.settle();
    for _ in 0..15 {
        let _ = rig.call("c");
        rig.advance(1_000);
    }
    assert!(rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn an_ended_call_stays_until_its_rows_are_in_the_database() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.settle();
    rig.database.set_away(true);
    rig.event(&ended("c"));
    rig.advance(60_000);
    assert_eq!(rig.calls_in_memory().len(), 1);
    rig.event(&analyzed("c"));
    rig.database.set_away(false);
    rig.advance(30_000);
    let tables = rig.database.tables();
    assert_eq!((tables.calls[&id("c")].status, tables.events.len()), ("ended", 3));
    assert!(rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn while_the_store_does_not_answer_calls_live_and_their_rows_wait() {
    let rig = Rig::new();
    rig.database.set_away(true);
    rig.event(&started("c"));
    rig.advance(2_000);
    assert_eq!(rig.actors.live.of(company_a()), 1);
    assert_eq!(rig.call("c").unwrap().withheld_orders, 1);
    for n in 0..20 {
        let filler = Some(format!("{n}"));
        rig.event(&EventBody { filler, ..event("transfer_started", "c", n) });
    }
    rig.event(&ended("c"));
    rig.advance(3_600_000);
    assert_eq!(rig.actors.live.total(), 0);
    assert!(rig.database.tables().events.is_empty());
    rig.database.set_away(false);
    rig.advance(10_000);
    assert_eq!(rig.database.tables().events.len(), 22);
    rig.finish();
}

#[test]
fn a_full_mailbox_parks_events_and_refuses_transcripts() {
    let mut settings = crate::root::Settings::default();
    settings.limits.mailbox_max = 2;
    let rig = Rig::with(settings);
    let mut later = 0;
    for n in 0..200 {
        let filler = Some(format!("{n}"));
        let delivered = rig.event(&EventBody { filler, ..event("transfer_started", "c", n) });
        assert!(!matches!(delivered, Delivered::Refused { .. }));
        later += usize::from(delivered == Delivered::Later);
    }
    assert!(later > 0, "200 offers are faster than 200 turns");
    rig.event(&ended("c"));
    rig.settle();
    assert_eq!(rig.database.tables().events.len(), 201);
    rig.finish();
}

#[test]
fn figures_of_a_company_count_each_call_once() {
    let rig = Rig::new();
    for call in ["c1", "c2", "c3"] {
        rig.event(&started(call));
        rig.event(&started(call));
        rig.settle();
    }
    rig.event(&ended("c1"));
    rig.event(&ended("c1"));
    rig.event(&analyzed("c1"));
    rig.advance(60_000);
    rig.event(&analyzed("c1"));
    rig.settle();
    let (reply, mut view) = crate::runtime::Reply::new();
    let ask = crate::tenant::TenantMessage::GetTenant(reply);
    rig.actors.tenants.offer(company_a(), ask).unwrap();
    rig.settle();
    let view = futures_util::FutureExt::now_or_never(&mut view).unwrap().unwrap();
    assert_eq!((view.calls_live, view.calls_began, view.calls_ended), (2, 3, 1));
    for call in ["c2", "c3"] {
        rig.event(&ended(call));
    }
    rig.finish();
}
