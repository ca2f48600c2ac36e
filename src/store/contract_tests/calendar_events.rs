//! What calendars announced, and the bookings that their uids name.

use askpro_actors::ports::{
    rows::Write,
    stores::{BatchStore, BookingStore},
};
use askpro_domain::{booking::BookingEvent, time::UnixMillis};

use super::{Scene, build::*, on_every_database};

async fn an_announcement_exists_once_in_its_company_and_keeps_its_first_receipt(scene: Scene) {
    let epoch = scene.own().await;
    let first = calendar_event(ONE, "BOOKING_CREATED:uid_1", 2_000);
    let copy = calendar_event(ONE, "BOOKING_CREATED:uid_1", 9_000);
    let same_batch = [first, copy.clone()].map(Write::CalendarEvent);
    scene.database.commit(epoch, &same_batch).await.unwrap();
    let others = [copy, calendar_event(TWO, "BOOKING_CREATED:uid_1", 3_000)].map(Write::CalendarEvent);
    scene.database.commit(epoch, &others).await.unwrap();
    let rows: Vec<(i64, i64, Vec<u8>)> =
        scene.rows("SELECT company_id, received_at, body FROM calendar_events ORDER BY company_id").await;
    assert_eq!(rows, [(1, 2_000, b"announced".to_vec()), (2, 3_000, b"announced".to_vec())]);
}

async fn announcements_are_listed_newest_first_and_stay_in_their_company(scene: Scene) {
    let epoch = scene.own().await;
    let mut rows: Vec<Write> = (0..25)
        .map(|n| Write::CalendarEvent(calendar_event(ONE, &format!("key {n}"), 1_000 + n % 7)))
        .collect();
    rows.push(Write::CalendarEvent(calendar_event(TWO, "key 1", 5_000)));
    let mut nameless = calendar_event(ONE, "nameless", 9_000);
    (nameless.booking_uid, nameless.event_at) = (None, None);
    rows.push(Write::CalendarEvent(nameless));
    scene.database.commit(epoch, &rows).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let before =
            seen.last().map(|event: &askpro_actors::ports::stores::StoredCalendarEvent| event.id.clone());
        let page = scene.database.list_calendar_events(ONE, before.as_deref(), 4).await.unwrap();
        let last = page.len() < 4;
        seen.extend(page);
        if last {
            break;
        }
    }
    assert_eq!(seen.len(), 26);
    assert!(seen.is_sorted_by(|one, other| one.id > other.id));
    assert!(seen.is_sorted_by_key(|event| -event.received_at.0));
    assert_eq!((seen[0].booking_uid.as_deref(), seen[0].event_at), (None, None));
    assert_eq!((seen[1].booking_uid.as_deref(), seen[1].event_at), (Some("uid_1"), Some(UnixMillis(1_750))));
}

async fn a_booking_is_found_by_the_uid_that_it_has_now(scene: Scene) {
    let epoch = scene.own().await;
    let ours = confirmed(booking(ONE, "call_a", "k"));
    let theirs = confirmed(booking(TWO, "call_b", "k"));
    let rows = [&ours, &theirs].map(|b| Write::Appointment(Box::new(appointment(b))));
    scene.database.commit(epoch, &rows).await.unwrap();
    assert_eq!(scene.database.find_by_uid(ONE, "uid_1").await.unwrap(), Some(ours.clone()));
    assert_eq!(scene.database.find_by_uid(TWO, "uid_1").await.unwrap(), Some(theirs));
    let standing = askpro_domain::booking::Standing {
        uid: "uid_2".to_owned(),
        from_uid: Some("uid_1".to_owned()),
        interval: ours.order.interval,
        host: None,
        at: UnixMillis(3_000),
    };
    let moved = ours.apply(BookingEvent::StandsAtCalendar(standing), UnixMillis(3_000)).unwrap().booking;
    scene.database.commit(epoch, &[Write::Appointment(Box::new(appointment(&moved)))]).await.unwrap();
    assert_eq!(scene.database.find_by_uid(ONE, "uid_1").await.unwrap(), None);
    assert_eq!(scene.database.find_by_uid(ONE, "uid_2").await.unwrap(), Some(moved));
    for nothing in ["", "UID_2", "uid_2 ", "uid"] {
        assert_eq!(scene.database.find_by_uid(ONE, nothing).await.unwrap(), None, "{nothing:?}");
    }
}

on_every_database!(
    an_announcement_exists_once_in_its_company_and_keeps_its_first_receipt,
    announcements_are_listed_newest_first_and_stay_in_their_company,
    a_booking_is_found_by_the_uid_that_it_has_now,
);
