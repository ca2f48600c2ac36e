//! Rows that cannot be read: they keep nobody from the others, and from what else is kept.

use std::collections::BTreeMap;

use askpro_actors::ports::{
    rows::Write,
    stores::{BatchStore, BookingStore, CallFilter, CallStore, CustomerStore, LiveRow, Place, StoreError},
};
use askpro_domain::{
    booking::AppointmentStatus,
    call::{AppointmentFact, PlacedIn},
    ids::{BranchId, CallId},
    time::UnixMillis,
};

use super::{Scene, build::*, on_every_database};

fn live_calls(ids: impl IntoIterator<Item = String>) -> Vec<Write> {
    ids.into_iter().map(|id| Write::Call(Box::new(call(ONE, &id, "live")))).collect()
}

async fn a_row_that_cannot_be_decoded_names_itself_but_not_its_content(scene: Scene) {
    let epoch = scene.own().await;
    let mut row = call(ONE, "call_a", "live");
    row.state = bytes::Bytes::from_static(br#"{"call_id":17,"summary":"private"}"#);
    scene.database.commit(epoch, &[Write::Call(Box::new(row))]).await.unwrap();
    let corrupt = scene.database.find_call_state(&call_id("call_a")).await.unwrap_err();
    assert!(matches!(corrupt, StoreError::Corrupt(_)));
    let text = corrupt.to_string();
    assert!(text.contains("call_a") && !text.contains("private") && !text.contains("17"), "{text}");
}

async fn of_a_call_that_cannot_be_read_everything_else_is_given(scene: Scene) {
    let epoch = scene.own().await;
    let mut writes = live_calls(["call_a", "call_b"].map(str::to_owned));
    for (name, at) in [("call_started", 1), ("transfer_started", 2)] {
        writes.push(Write::Event(event(ONE, "call_a", name, at, name)));
    }
    writes.push(Write::Event(event(ONE, "call_b", "call_started", 1, "another call")));
    scene.database.commit(epoch, &writes).await.unwrap();
    scene.execute("UPDATE calls SET state = X'7B' WHERE call_id = 'call_a'").await;
    let id = call_id("call_a");
    let damaged = scene.database.find_damaged_call(&id).await.unwrap().unwrap();
    assert_eq!(damaged.placed, PlacedIn { company: ONE, branch: BranchId(9) });
    assert_eq!((damaged.is_over, damaged.state.as_slice()), (false, b"{".as_slice()));
    assert_eq!(damaged.identity.to_number.as_deref(), Some("+493083793369"));
    let kept: Vec<_> = damaged.events.iter().map(|e| (e.received_at.0, e.body.as_slice())).collect();
    assert_eq!(kept, [(6, b"call_started".as_slice()), (7, b"transfer_started".as_slice())]);
    assert_eq!(scene.database.find_damaged_call(&call_id("call_x")).await.unwrap(), None);
    let live = scene.database.list_live(Place(i64::MIN), Place(i64::MAX)).await.unwrap();
    let damaged = |row: &LiveRow| matches!(row, LiveRow::Damaged { call_id } if *call_id == id);
    assert_eq!((live.len(), live.iter().filter(|row| damaged(row)).count()), (2, 1));
    let stages = scene.database.known_stages(&[id.clone(), call_id("call_b")]).await.unwrap();
    assert_eq!(stages.into_keys().collect::<Vec<_>>(), [call_id("call_b")]);
}

async fn of_a_call_with_many_events_the_last_ones_are_given_too(scene: Scene) {
    let epoch = scene.own().await;
    let mut writes = live_calls(["call_a".to_owned()]);
    for n in 0..250 {
        let body = format!("{n}");
        writes.push(Write::Event(event(ONE, "call_a", &format!("event_{n}"), n / 60, &body)));
    }
    scene.database.commit(epoch, &writes).await.unwrap();
    let damaged = scene.database.find_damaged_call(&call_id("call_a")).await.unwrap().unwrap();
    let at: Vec<i64> = damaged.events.iter().map(|event| event.received_at.0).collect();
    let mut bodies: Vec<u32> = damaged
        .events
        .iter()
        .map(|event| String::from_utf8(event.body.clone()).unwrap().parse().unwrap())
        .collect();
    bodies.sort_unstable();
    assert!(at.is_sorted() && bodies == (0..250).collect::<Vec<_>>(), "{}", bodies.len());
}

async fn calls_that_cannot_be_read_keep_no_list_from_the_others(scene: Scene) {
    let epoch = scene.own().await;
    scene.database.commit(epoch, &live_calls((0..8).map(|n| format!("call_{n}")))).await.unwrap();
    scene.execute("UPDATE calls SET state = X'7B' WHERE call_id IN ('call_0', 'call_1', 'call_4')").await;
    let foreign = "(SELECT state FROM (SELECT state FROM calls WHERE call_id = 'call_6') AS six)";
    scene.execute(&format!("UPDATE calls SET state = {foreign} WHERE call_id = 'call_7'")).await;
    for limit in [1, 2, 3, 8, 20] {
        let (mut seen, mut after, mut looks) = (Vec::new(), None, 0);
        loop {
            let filter = CallFilter { company: Some(ONE), status: None, after, limit };
            let page = scene.database.list_calls(&filter).await.unwrap();
            seen.extend(page.rows.into_iter().map(|call| call.state.call_id));
            (after, looks) = (page.next, looks + 1);
            if after.is_none() {
                break;
            }
        }
        let whole: Vec<CallId> = ["call_2", "call_3", "call_5", "call_6"].map(call_id).into();
        assert_eq!((seen, looks), (whole, 8 / limit + 1), "{limit}");
    }
}

async fn a_booking_that_cannot_be_read_leaves_the_rest_of_a_timeline(scene: Scene) {
    let epoch = scene.own().await;
    let booked = ["a", "b"].map(|key| confirmed(booking(ONE, "call_a", key)));
    let mut writes = live_calls(["call_a".to_owned()]);
    writes.extend(booked.iter().map(|b| Write::Appointment(Box::new(appointment(b)))));
    writes.push(Write::Event(event(ONE, "call_a", "call_started", 1, "x")));
    scene.database.commit(epoch, &writes).await.unwrap();
    let [broken, whole] = booked.map(|booking| booking.order.appointment);
    scene.execute(&format!("UPDATE appointments SET state = X'7B' WHERE id = '{broken}'")).await;
    let timeline = scene.database.timeline(ONE, &call_id("call_a")).await.unwrap();
    let about: Vec<_> = timeline.iter().filter_map(|entry| entry.appointment_id.as_ref()).collect();
    assert!(!about.is_empty() && about.iter().all(|id| **id == whole), "{timeline:?}");
    assert_eq!(timeline.iter().filter(|entry| entry.kind == "event").count(), 1);
}

async fn a_booking_that_cannot_be_read_keeps_no_call_from_the_others(scene: Scene) {
    let epoch = scene.own().await;
    let booked: Vec<_> = ["a", "b", "c"].iter().map(|key| confirmed(booking(ONE, "call_a", key))).collect();
    let rows: Vec<Write> = booked.iter().map(|b| Write::Appointment(Box::new(appointment(b)))).collect();
    scene.database.commit(epoch, &rows).await.unwrap();
    let [broken, strange, whole] = [0, 1, 2].map(|n: usize| booked[n].order.appointment.clone());
    scene.execute(&format!("UPDATE appointments SET state = X'7B' WHERE id = '{broken}'")).await;
    scene.execute(&format!("UPDATE appointments SET status = 'of_later' WHERE id = '{strange}'")).await;
    let fact = AppointmentFact { version: booked[0].version, status: booked[0].status() };
    let unknown = AppointmentFact { version: 0, status: AppointmentStatus::Unknown };
    // What stands, or may, is known by the row, so that it is not booked once more.
    let known = scene.database.bookings_of_call(ONE, &call_id("call_a")).await.unwrap();
    assert_eq!(known, BTreeMap::from([(broken.clone(), fact), (strange, unknown), (whole, fact)]));
    assert!(matches!(scene.database.find(ONE, &broken).await, Err(StoreError::Corrupt(_))));
}

async fn bookings_that_cannot_be_read_keep_no_start_from_the_others(scene: Scene) {
    let epoch = scene.own().await;
    let mut open: Vec<_> = (0..6).map(|n| booking(ONE, "call_a", &format!("open {n}"))).collect();
    open.sort_by(|one, other| one.order.appointment.cmp(&other.order.appointment));
    let rows: Vec<Write> = open.iter().map(|b| Write::Appointment(Box::new(appointment(b)))).collect();
    scene.database.commit(epoch, &rows).await.unwrap();
    for broken in [0, 2, 3, 5] {
        let id = &open[broken].order.appointment;
        scene.execute(&format!("UPDATE appointments SET state = X'7B' WHERE id = '{id}'")).await;
    }
    let whole = [open[1].clone(), open[4].clone()];
    for limit in [1, 2, 3, 10] {
        let (mut listed, mut after, mut looks) = (Vec::new(), None, 0);
        loop {
            let page = scene.database.list_open(after.as_ref(), limit).await.unwrap();
            (listed, looks, after) = ([listed, page.rows].concat(), looks + 1, page.next);
            if after.is_none() {
                break;
            }
        }
        let (mut upcoming, mut after) = (Vec::new(), None);
        loop {
            let page = scene.database.list_upcoming(UnixMillis(0), after.as_ref(), limit).await.unwrap();
            upcoming.extend(page.rows.into_iter().map(|stored| stored.booking));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((listed.as_slice(), upcoming.as_slice()), (whole.as_slice(), whole.as_slice()));
        assert_eq!(looks, 6 / limit + 1, "no row is read twice");
    }
}

on_every_database!(
    a_row_that_cannot_be_decoded_names_itself_but_not_its_content,
    of_a_call_that_cannot_be_read_everything_else_is_given,
    of_a_call_with_many_events_the_last_ones_are_given_too,
    calls_that_cannot_be_read_keep_no_list_from_the_others,
    a_booking_that_cannot_be_read_leaves_the_rest_of_a_timeline,
    a_booking_that_cannot_be_read_keeps_no_call_from_the_others,
    bookings_that_cannot_be_read_keep_no_start_from_the_others,
);
