//! Callbacks that callers asked for, and how wishes join.

use askpro_actors::ports::{
    rows::{CallbackRow, Write},
    stores::{BatchStore, CallbackStore},
};
use askpro_domain::{
    callback::{Callback, CallbackId, Due, Priority},
    ids::CompanyId,
    time::UnixMillis,
};

use super::{Scene, build::*, on_every_database};

fn asked(company: CompanyId, id: &str, at: i64, version: u32) -> CallbackRow {
    let key = CallbackId(id.to_owned()).row_key();
    CallbackRow {
        reason: "Preise".to_owned(),
        created_at: UnixMillis(at),
        version,
        ..callback(company, "call_a", &key)
    }
}

async fn read_all(scene: &Scene, since: i64) -> Vec<Callback> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = scene.database.list_open_callbacks(UnixMillis(since), after.as_ref(), 2).await.unwrap();
        all.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn commit(scene: &Scene, epoch: i64, rows: &[CallbackRow]) {
    let writes: Vec<Write> = rows.iter().cloned().map(Write::Callback).collect();
    scene.database.commit(epoch, &writes).await.unwrap();
}

async fn the_newest_version_of_a_callback_stays_in_any_order(scene: Scene) {
    let epoch = scene.own().await;
    let version = |n: u32, priority: &'static str| CallbackRow {
        priority,
        due_at: Some(UnixMillis(1_000 - i64::from(n))),
        due_text: Some("morgen ab 17 Uhr 🎈".to_owned()),
        ..asked(ONE, "cb_1", 100, n)
    };
    commit(&scene, epoch, &[version(2, "high")]).await;
    commit(&scene, epoch, &[version(1, "normal")]).await;
    assert_eq!(read_all(&scene, 0).await[0].priority, Priority::High);
    commit(&scene, epoch, &[version(4, "urgent"), version(3, "high"), version(4, "urgent")]).await;
    let [only] = read_all(&scene, 0).await.try_into().unwrap();
    let wanted = Callback {
        id: CallbackId("cb_1".to_owned()),
        company: ONE,
        call_id: call_id("call_a"),
        phone: askpro_domain::phone::PhoneNumber::parse_e164("+4915112345678").unwrap(),
        name: None,
        priority: Priority::Urgent,
        reason: Some("Preise".to_owned()),
        due: Some(Due { from: Some(UnixMillis(996)), said: "morgen ab 17 Uhr 🎈".to_owned() }),
        requested_at: UnixMillis(100),
        version: 4,
    };
    assert_eq!(only, wanted);
    assert_eq!(scene.count("callbacks").await, 1);
}

async fn a_callback_that_cannot_be_read_keeps_nobody_from_the_others(scene: Scene) {
    let epoch = scene.own().await;
    let rows: Vec<CallbackRow> =
        (0..5).map(|n| asked(ONE, &format!("cb_{n}"), 100 + i64::from(n), 1)).collect();
    commit(&scene, epoch, &rows).await;
    scene.execute("UPDATE callbacks SET phone = 'none' WHERE created_at IN (100, 101, 103)").await;
    let whole: Vec<String> = read_all(&scene, 0).await.into_iter().map(|callback| callback.id.0).collect();
    assert_eq!(whole, ["cb_2", "cb_4"]);
}

async fn open_callbacks_are_paged_and_the_promises_of_bookings_are_not_among_them(scene: Scene) {
    let epoch = scene.own().await;
    let mut rows: Vec<CallbackRow> = (0..7)
        .map(|n| asked(if n < 4 { ONE } else { TWO }, &format!("cb_{n}"), 100 + i64::from(n / 3), n + 1))
        .collect();
    rows.push(CallbackRow {
        created_at: UnixMillis(101),
        ..callback(ONE, "call_a", "booking_conflict:apt_1")
    });
    rows.push(asked(ONE, "cb_old", 50, 1));
    rows.push(CallbackRow { reason: "callback_requested".to_owned(), ..asked(ONE, "cb_x", 200, 1) });
    commit(&scene, epoch, &rows).await;
    scene.execute("UPDATE callbacks SET status = 'done' WHERE idempotency_key = 'requested:cb_5'").await;
    let all = read_all(&scene, 50).await;
    let ids: Vec<&str> = all.iter().map(|callback| callback.id.as_str()).collect();
    assert_eq!(ids, ["cb_0", "cb_1", "cb_2", "cb_3", "cb_4", "cb_6", "cb_x"]);
    assert_eq!((all[4].company, all[6].reason.as_deref()), (TWO, None));
    let promised = callback(ONE, "call_b", "booking_conflict:apt_1");
    commit(&scene, epoch, &[promised]).await;
    let calls: Vec<(String,)> =
        scene.rows("SELECT call_id FROM callbacks WHERE idempotency_key = 'booking_conflict:apt_1'").await;
    assert_eq!(calls, [("call_a".to_owned(),)], "a promise of a booking is there once");
}

on_every_database!(
    the_newest_version_of_a_callback_stays_in_any_order,
    a_callback_that_cannot_be_read_keeps_nobody_from_the_others,
    open_callbacks_are_paged_and_the_promises_of_bookings_are_not_among_them,
);
