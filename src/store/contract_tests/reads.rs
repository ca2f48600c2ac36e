//! What the reads give, and that they stay in their company.

use std::collections::{BTreeMap, BTreeSet};

use askpro_actors::ports::{
    rows::{EventRow, FunctionCallRow, Write},
    stores::{
        BatchStore, BookingStore, CallFilter, CallStore, FigureStore, LiveCall, LiveRow, Place, SetAside,
    },
};
use askpro_domain::{
    call::{AppointmentFact, CallState, EventSource, Stage},
    ids::{CallId, CompanyId},
    time::UnixMillis,
};

use super::{Scene, build::*, on_every_database};

fn filter(company: Option<CompanyId>, status: Option<&str>, after: Option<CallId>, limit: u32) -> CallFilter {
    CallFilter { company, status: status.map(str::to_owned), after, limit }
}

async fn what_was_set_aside_is_counted(scene: Scene) {
    let epoch = scene.own().await;
    let none = SetAside { quarantined: 0, dead_letters: 0, bookings_unknown: 0 };
    assert_eq!(scene.database.count_set_aside().await.unwrap(), none);
    let appointments = ["call_1", "call_2"].map(|call| appointment(&booking(ONE, call, "k")));
    let mut writes = appointments.map(|row| Write::Appointment(Box::new(row))).to_vec();
    writes.extend(["q1", "q2", "q3"].map(|id| Write::Quarantine(quarantine(id, "call_x", "1"))));
    writes.extend(["d1", "d2"].map(|id| Write::DeadLetter(dead_letter(id))));
    scene.database.commit(epoch, &writes).await.unwrap();
    scene.execute("UPDATE appointments SET status = 'unknown' WHERE call_id = 'call_2'").await;
    let counted = SetAside { quarantined: 3, dead_letters: 2, bookings_unknown: 1 };
    assert_eq!(scene.database.count_set_aside().await.unwrap(), counted);
}

fn whole(row: LiveRow) -> LiveCall {
    match row {
        LiveRow::Whole(live) => *live,
        LiveRow::Damaged { .. } => panic!("{row:?}"),
    }
}

async fn lists_are_paged_by_their_keys_without_gaps_or_doubles(scene: Scene) {
    let epoch = scene.own().await;
    let status = |n: usize| if n.is_multiple_of(2) { "live" } else { "ended" };
    let rows = (0..25).map(|n| call(if n < 20 { ONE } else { TWO }, &format!("call_{n:02}"), status(n)));
    scene.database.commit(epoch, &calls(rows)).await.unwrap();
    let wanted = [
        (Some(ONE), None, 20),
        (Some(ONE), Some("live"), 10),
        (Some(TWO), Some("ended"), 2),
        (None, None, 25),
        (None, Some("ended"), 12),
    ];
    for (company, status, expected) in wanted {
        let (mut seen, mut after): (Vec<CallId>, _) = (Vec::new(), None);
        loop {
            let page = filter(company, status, after, 4);
            let page = scene.database.list_calls(&page).await.unwrap();
            assert!(page.rows.iter().all(|c| company.is_none_or(|wanted| c.company == wanted)));
            seen.extend(page.rows.into_iter().map(|c| c.state.call_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), expected, "{company:?} {status:?}");
        assert!(seen.is_sorted());
    }
    let places = scene.database.live_places().await.unwrap();
    assert!(places.is_sorted() && places.len() == 13);
    let mut live = Vec::new();
    for page in places.chunks(3) {
        let rows = scene.database.list_live(page[0], page[page.len() - 1]).await.unwrap();
        assert_eq!(rows.len(), page.len());
        live.extend(rows.into_iter().map(|row| whole(row).state.call_id));
    }
    let expected = (0..25).step_by(2).map(|n| call_id(&format!("call_{n:02}")));
    assert_eq!(live.into_iter().collect::<BTreeSet<_>>(), expected.collect());
}

async fn a_live_call_is_as_old_as_its_first_event(scene: Scene) {
    let epoch = scene.own().await;
    let live = ["call_a", "call_b"].map(|id| call(ONE, id, "live"));
    let mut writes = calls(live);
    for at in [2_000, 1_000, 3_000] {
        let name = format!("transfer_{at}");
        writes.push(Write::Event(event(ONE, "call_a", &name, at, "x")));
    }
    scene.database.commit(epoch, &writes).await.unwrap();
    let listed = scene.database.list_live(Place(i64::MIN), Place(i64::MAX)).await.unwrap();
    let heard: Vec<_> = listed.into_iter().map(|row| whole(row).heard_first).collect();
    assert_eq!(heard, [Some(UnixMillis(1_005)), None]);
}

async fn how_far_calls_are_known_is_told_of_all_companies_and_of_quarantine(scene: Scene) {
    let epoch = scene.own().await;
    let with_stage = |company, id: &str, stage| {
        let mut row = call(company, id, "live");
        let mut state: CallState = serde_json::from_slice(&row.state).unwrap();
        state.stage = stage;
        row.state = serde_json::to_vec(&state).unwrap().into();
        row
    };
    let mut writes =
        calls([with_stage(ONE, "call_a", Stage::Analyzed), with_stage(TWO, "call_b", Stage::Started)]);
    let mut waiting = quarantine("q_1", "call_c", "1");
    waiting.event = "call_ended".to_owned();
    writes.push(Write::Quarantine(waiting));
    writes.push(Write::Quarantine(quarantine("q_2", "call_c", "1")));
    scene.database.commit(epoch, &writes).await.unwrap();
    let asked = ["call_a", "call_b", "call_c", "call_d", "call_a"].map(call_id);
    let known = scene.database.known_stages(&asked).await.unwrap();
    let expected = [("call_a", Stage::Analyzed), ("call_b", Stage::Started), ("call_c", Stage::Ended)];
    assert_eq!(known, expected.map(|(id, stage)| (call_id(id), stage)).into_iter().collect());
    assert!(scene.database.known_stages(&[]).await.unwrap().is_empty());
    let many: Vec<_> = (0..1_000).map(|n| call_id(&format!("call_{n}"))).collect();
    assert!(scene.database.known_stages(&many).await.unwrap().is_empty());
}

async fn bookings_are_listed_while_they_are_open(scene: Scene) {
    let epoch = scene.own().await;
    let open: Vec<_> = (0..5).map(|n| booking(ONE, "call_a", &format!("open {n}"))).collect();
    let standing = confirmed(booking(ONE, "call_a", "standing"));
    let foreign = confirmed(booking(TWO, "call_b", "standing"));
    let rows = open.iter().chain([&standing, &foreign]);
    let rows: Vec<Write> = rows.map(|b| Write::Appointment(Box::new(appointment(b)))).collect();
    scene.database.commit(epoch, &rows).await.unwrap();
    let first = scene.database.list_open(None, 3).await.unwrap();
    let rest = scene.database.list_open(first.next.as_ref(), 10).await.unwrap();
    assert_eq!((first.rows.len(), rest.rows.len(), rest.next), (3, 2, None));
}

async fn every_read_of_a_company_stays_in_it(scene: Scene) {
    let epoch = scene.own().await;
    let booked = confirmed(booking(ONE, "call_a", "k"));
    let writes = [
        Write::Call(Box::new(call(ONE, "call_a", "live"))),
        Write::Event(event(ONE, "call_a", "call_started", 1, "x")),
        Write::FunctionCall(function_call(ONE, "call_a", 2)),
        Write::Appointment(Box::new(appointment(&booked))),
        Write::Outbox(outbox(ONE, "call_a", "k")),
        Write::Callback(callback(ONE, "call_a", "k")),
    ];
    scene.database.commit(epoch, &writes).await.unwrap();
    let (id, apt) = (call_id("call_a"), &booked.order.appointment);
    assert_eq!(scene.database.timeline(ONE, &id).await.unwrap().len(), 6);
    assert!(scene.database.timeline(TWO, &id).await.unwrap().is_empty());
    assert_eq!(scene.database.find(ONE, apt).await.unwrap(), Some(booked.clone()));
    assert_eq!(scene.database.find(TWO, apt).await.unwrap(), None);
    let fact = AppointmentFact { version: booked.version, status: booked.status() };
    let of_call = BTreeMap::from([(apt.clone(), fact)]);
    assert_eq!(scene.database.bookings_of_call(ONE, &id).await.unwrap(), of_call);
    assert!(scene.database.bookings_of_call(TWO, &id).await.unwrap().is_empty());
    assert!(scene.database.bookings_of_call(ONE, &call_id("call_b")).await.unwrap().is_empty());
    assert!(scene.database.has_promised_callback(ONE, &id).await.unwrap());
    assert!(!scene.database.has_promised_callback(TWO, &id).await.unwrap());
    assert!(scene.database.list_calls(&filter(Some(TWO), None, None, 10)).await.unwrap().rows.is_empty());
    let uid = "uid_of_one";
    scene.execute(&format!("UPDATE appointments SET calcom_uid = '{uid}'")).await;
    assert_eq!(scene.database.find_by_uid(ONE, uid).await.unwrap(), Some(booked));
    assert_eq!(scene.database.find_by_uid(TWO, uid).await.unwrap(), None);
    assert!(scene.database.list_calendar_events(TWO, None, 10).await.unwrap().is_empty());
}

/// Methods of the ports, by what they are asked with, as their source has them.
fn reads_of_ports() -> [Vec<&'static str>; 2] {
    const SOURCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/actors/src/ports/stores.rs"));
    let methods = SOURCE.split("async fn ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once('(')?;
        Some((name, rest.split_once("->")?.0))
    });
    let of_company =
        |arguments: &str| arguments.contains("company: CompanyId") || arguments.contains("CallFilter");
    let (scoped, others): (Vec<_>, Vec<_>) = methods.partition(|(_, arguments)| of_company(arguments));
    [scoped, others].map(|methods| methods.into_iter().map(|(name, _)| name).collect())
}

/// A new method of a port belongs into one of the lists: asked with a company, and then into
/// [`every_read_of_a_company_stays_in_it`] (of calendar events: `calendar_events.rs`), or told here why it is not.
#[test]
fn every_method_of_the_ports_is_known_to_stay_in_a_company_or_to_be_of_all() {
    let of_a_company = [
        "list_calls",
        "bookings_of_call",
        "has_promised_callback",
        "timeline",
        "find",
        "find_by_uid",
        "list_calendar_events",
    ];
    let of_all = [
        // Writes, whose rows name their company, and the lease.
        "commit",
        "save_mark",
        "load_mark",
        "save_companies",
        "acquire",
        "renew",
        "release",
        // For restart and for the comparison with the platform, whatever company it is.
        "find_call_state",
        "find_damaged_call",
        "live_places",
        "list_live",
        "known_stages",
        "list_open",
        "list_open_callbacks",
        "list_customers",
        "list_upcoming",
        "read_companies",
        "list_companies",
        "companies_version",
        // For admins: what belongs to nobody yet, and figures.
        "list_quarantine",
        "find_quarantined",
        "quarantined_of_call",
        "list_dead_letters",
        "find_dead_letter",
        "count_set_aside",
    ];
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    let [scoped, others] = reads_of_ports().map(sorted);
    assert_eq!(scoped, sorted(of_a_company.to_vec()));
    assert_eq!(others, sorted(of_all.to_vec()));
}

async fn a_timeline_tells_what_happened_oldest_first(scene: Scene) {
    let epoch = scene.own().await;
    let booked = confirmed(booking(ONE, "call_a", "k"));
    let key = format!("booking_confirmed:{}", booked.order.appointment);
    let writes = [
        Write::Callback(callback(ONE, "call_a", "k")),
        Write::Outbox(outbox(ONE, "call_a", &key)),
        Write::Appointment(Box::new(appointment(&booked))),
        Write::FunctionCall(function_call(ONE, "call_a", 2_400)),
        Write::Event(EventRow {
            source: EventSource::Reconcile,
            ..event(ONE, "call_a", "call_ended", 3_000, "x")
        }),
        Write::Event(event(ONE, "call_a", "call_started", 1_000, "x")),
    ];
    scene.database.commit(epoch, &writes).await.unwrap();
    let timeline = scene.database.timeline(ONE, &call_id("call_a")).await.unwrap();
    let lines: Vec<String> =
        timeline.iter().map(|e| format!("{} {} {} {}", e.at.0, e.kind, e.name, e.detail)).collect();
    let notice = format!("4000 outbox booking_confirmed {key}");
    let expected = [
        "1005 event call_started call_started",
        "2000 booking submitted submitted",
        "2400 function book_appointment booked",
        "2500 booking confirmed confirmed",
        "3005 event call_ended call_ended",
        &notice,
        "5000 callback urgent booking_not_found",
    ];
    assert_eq!(lines, expected);
    let about = [1, 3, 5].map(|n| timeline[n].appointment_id.clone());
    assert!(about.iter().all(|a| a.as_ref() == Some(&booked.order.appointment)));
    let sources: Vec<_> = timeline.iter().filter_map(|entry| entry.source).collect();
    assert_eq!(sources, [EventSource::Webhook, EventSource::Reconcile]);
}

async fn a_promised_callback_is_known_whoever_opened_it(scene: Scene) {
    let epoch = scene.own().await;
    let answered = |call, success| FunctionCallRow {
        function: "request_callback",
        success,
        ..function_call(ONE, call, 1)
    };
    let writes = [
        Write::Callback(callback(ONE, "call_opens", "k")),
        Write::FunctionCall(answered("call_joins", true)),
        Write::FunctionCall(answered("call_fails", false)),
        Write::FunctionCall(function_call(ONE, "call_books", 1)),
    ];
    scene.database.commit(epoch, &writes).await.unwrap();
    for (company, call, promised) in [
        (ONE, "call_opens", true),
        (ONE, "call_joins", true),
        (ONE, "call_fails", false),
        (ONE, "call_books", false),
        (ONE, "call_x", false),
        (TWO, "call_opens", false),
        (TWO, "call_joins", false),
    ] {
        let known = scene.database.has_promised_callback(company, &call_id(call)).await.unwrap();
        assert_eq!(known, promised, "{company:?} {call}");
    }
}

async fn what_is_not_there_is_nothing(scene: Scene) {
    let id = call_id("call_a");
    assert!(scene.database.find_call_state(&id).await.unwrap().is_none());
    assert!(scene.database.find_damaged_call(&id).await.unwrap().is_none());
    assert!(scene.database.timeline(ONE, &id).await.unwrap().is_empty());
    assert!(scene.database.quarantined_of_call(&id).await.unwrap().is_empty());
    assert!(scene.database.find_quarantined("q").await.unwrap().is_none());
    assert!(scene.database.find_dead_letter("").await.unwrap().is_none());
    assert!(scene.database.list_open(None, 0).await.unwrap().rows.is_empty());
}

on_every_database!(
    what_was_set_aside_is_counted,
    lists_are_paged_by_their_keys_without_gaps_or_doubles,
    a_live_call_is_as_old_as_its_first_event,
    how_far_calls_are_known_is_told_of_all_companies_and_of_quarantine,
    bookings_are_listed_while_they_are_open,
    every_read_of_a_company_stays_in_it,
    a_timeline_tells_what_happened_oldest_first,
    a_promised_callback_is_known_whoever_opened_it,
    what_is_not_there_is_nothing,
);
