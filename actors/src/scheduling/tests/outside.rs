//! Bookings that somebody made past us: offers they take, views they change.

use askpro_domain::calendar::News;

use super::{news::*, *};

/// Orders what the call was offered, without saying again what that was.
fn book_offered(rig: &Rig, call: &str) -> Asked {
    rig.ask(call, NUMBER_A, FunctionName::BookAppointment, json!({"customer_name": "Anna Schmidt"}))
}

fn alternatives(answer: &Value) -> Vec<String> {
    let list = answer["alternatives"].as_array().unwrap().iter();
    list.map(|alternative| alternative["slot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_web_booking_for_a_held_slot_revokes_the_hold_and_its_booking_hears_two_alternatives() {
    let rig = rig();
    assert_eq!(answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"))["available"], true);
    visit(&rig, &web("v1", 2002, UDO, tomorrow(2, 135)));
    assert_eq!(holds(&rig), []);
    let taken = answer(&rig, book_offered(&rig, "c"));
    assert_eq!((&taken["success"], &taken["code"]), (&json!(false), &json!("slot_taken")), "{taken}");
    let offered = alternatives(&taken);
    assert_eq!(offered.len(), 2, "{taken}");
    assert!(!offered.contains(&"2026-11-24T10:00:00+01:00".to_owned()));
    assert!(rig.calendar.posts().is_empty(), "nothing is sent that cannot be had");
    let tables = rig.database.tables();
    assert_eq!((tables.calendar_events.len(), tables.appointments.len()), (1, 0));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_hold_that_a_web_booking_ends_before_it_is_on_disk_is_not_given() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut asked = check_service(&rig, "c", "Dauerwelle", "10:00");
    rig.settle();
    assert_eq!((asked.heard(), holds(&rig)), (None, vec![("held", id("c"))]));
    visit(&rig, &web("v1", 2002, UDO, tomorrow(2, 135)));
    rig.journal.sync();
    rig.settle();
    assert_eq!((asked.json()["code"].clone(), holds(&rig)), (json!("busy"), vec![]));
    let again = answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"));
    assert_eq!(again["available"], false, "{again}");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_web_booking_takes_the_one_unit_of_a_pool_whose_units_are_not_known() {
    let rig = rig();
    assert_eq!(answer(&rig, check(&rig, "c", "14:00"))["available"], true);
    visit(&rig, &web("v1", 2001, UDO, tomorrow(10, 30)));
    assert_eq!(holds(&rig), []);
    let taken = answer(&rig, book_offered(&rig, "c"));
    assert_eq!((&taken["code"], alternatives(&taken).len()), (&json!("slot_taken"), 2));
    rig.advance(3_000);
    let later = answer(&rig, book_offered(&rig, "c"));
    assert_eq!((&later["status"], &later["staff"]), (&json!("confirmed"), &json!("Mia")), "{later}");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_web_booking_takes_one_unit_of_a_pool_and_leaves_the_others() {
    let rig = rig();
    let cut = "Damenhaarschnitt";
    for call in ["c1", "c2"] {
        assert_eq!(answer(&rig, check_service(&rig, call, cut, "14:00"))["available"], true);
        rig.advance(1);
    }
    visit(&rig, &web("v1", 2003, MIA, tomorrow(10, 45)));
    assert_eq!(holds(&rig), [("held", id("c1"))], "who came first keeps it");
    assert_eq!(answer(&rig, book_offered(&rig, "c2"))["code"], "slot_taken");
    assert_eq!(answer(&rig, book_offered(&rig, "c1"))["staff"], "Udo");
    hang_up(&rig, "c1");
    hang_up(&rig, "c2");
    rig.finish();
}

#[test]
fn offers_of_other_members_other_times_and_other_companies_stay() {
    let rig = rig();
    assert_eq!(answer(&rig, check_service(&rig, "c1", "Dauerwelle", "10:00"))["available"], true);
    let kontrolle = json!({"datum": "morgen", "uhrzeit": "10:00", "dienstleistung": "Kontrolle"});
    let b = rig.ask("c2", NUMBER_B, FunctionName::CheckAvailability, kontrolle);
    assert_eq!(answer(&rig, b)["available"], true);
    visit(&rig, &web("v1", 2001, MIA, tomorrow(2, 30)));
    visit(&rig, &web("v2", 2001, UDO, tomorrow(0, 30)));
    visit(&rig, &web("v3", 7_777, 9101, tomorrow(2, 30)));
    assert_eq!(holds(&rig), [("held", id("c1"))]);
    assert_eq!(rig.scheduler(crate::ports::fakes::company_b()).unwrap().holds.len(), 1);
    hang_up(&rig, "c1");
    rig.advance(400_000);
    rig.finish_soon();
}

#[test]
fn a_seat_of_several_takes_nobodys_offer() {
    let rig = rig();
    assert_eq!(answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"))["available"], true);
    let mut seat = web("v1", 2002, UDO, tomorrow(2, 135));
    seat.seated = true;
    hear_stands(&rig, &seat);
    assert_eq!(holds(&rig).len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_host_whose_user_id_is_not_known_is_found_by_the_event_type() {
    let rig = rig();
    let mut companies = crate::ports::fakes::fixture();
    companies[0].staff.iter_mut().for_each(|member| member.calcom_user_id = None);
    rig.directory.replace(companies);
    assert_eq!(answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"))["available"], true);
    visit(&rig, &web("v1", 2002, UDO, tomorrow(2, 135)));
    assert_eq!(holds(&rig), []);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_was_called_off_before_it_was_announced_revokes_nothing() {
    let rig = rig();
    assert_eq!(answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"))["available"], true);
    let visitor = web("v1", 2002, UDO, tomorrow(2, 135));
    hear_gone(&rig, &visitor);
    hear_stands(&rig, &visitor);
    assert_eq!(holds(&rig).len(), 1);
    let moved_on = moved(&web("v2", 2002, UDO, tomorrow(2, 135)), "v3", tomorrow(8, 135));
    hear_stands(&rig, &moved_on);
    hear_stands(&rig, &web("v2", 2002, UDO, tomorrow(2, 135)));
    assert_eq!(holds(&rig).len(), 1, "it had been moved on");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn the_same_announcement_again_revokes_nothing_more() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"));
    let announced = stands_at(web("v1", 2002, UDO, tomorrow(2, 135)), rig.now());
    hear(&rig, &announced);
    assert_eq!(holds(&rig), []);
    rig.advance(3_000);
    // The visitor has gone, and nobody said so: the calendar itself offers it again.
    assert_eq!(answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"))["available"], true);
    for _ in 0..3 {
        hear(&rig, &announced);
    }
    assert_eq!(holds(&rig).len(), 1);
    assert_eq!(rig.database.tables().calendar_events.len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_view_that_an_announcement_made_old_is_asked_for_again() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c1", "Dauerwelle", "10:00"));
    let fetches =
        || rig.calendar.slot_fetches().iter().filter(|(_, event_type, _)| *event_type == 2002).count();
    let changes: [&dyn Fn(); 4] = [
        &|| hear_stands(&rig, &web("v1", 2001, UDO, tomorrow(0, 30))),
        &|| hear_gone(&rig, &web("v1", 2001, UDO, tomorrow(0, 30))),
        &|| hear(&rig, &news("away", News::HostAway { host: UDO })),
        &|| hear(&rig, &news("changed", News::Changed)),
    ];
    for (n, change) in changes.iter().enumerate() {
        rig.advance(1);
        answer(&rig, check_service(&rig, "c2", "Dauerwelle", "10:00"));
        let before = fetches();
        answer(&rig, check_service(&rig, "c2", "Dauerwelle", "10:00"));
        assert_eq!(fetches(), before, "{n}: it was fresh");
        change();
        rig.advance(1);
        answer(&rig, check_service(&rig, "c2", "Dauerwelle", "10:00"));
        assert_eq!(fetches(), before + 1, "{n}: it was fetched again");
    }
    let before = fetches();
    rig.advance(1);
    hear(&rig, &news("nothing", News::Nothing));
    hear(&rig, &news("another away", News::HostAway { host: MIA }));
    answer(&rig, check_service(&rig, "c2", "Dauerwelle", "10:00"));
    assert_eq!(fetches(), before);
    hang_up(&rig, "c1");
    hang_up(&rig, "c2");
    rig.finish();
}

#[test]
fn a_fetch_that_was_under_way_when_something_changed_is_not_fresh() {
    let rig = rig();
    rig.calendar.fetches.close();
    let asked = check_service(&rig, "c", "Dauerwelle", "10:00");
    rig.settle();
    rig.advance(5);
    visit(&rig, &web("v1", 2002, UDO, tomorrow(2, 135)));
    rig.calendar.fetches.open();
    let taken = answer(&rig, asked);
    assert_eq!(taken["available"], false, "the list was made before the visitor came: {taken}");
    let fetches = rig.calendar.slot_fetches().len();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "14:00"));
    assert_eq!(rig.calendar.slot_fetches().len(), fetches + 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_revoked_hold_does_not_come_back_with_a_crash() {
    let mut rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "10:00"));
    // The hold is on disk, and so is the announcement; the release is not.
    rig.journal.syncs.close();
    rig.announce(
        crate::ports::fakes::company_a(),
        &stands_at(web("v1", 2002, UDO, tomorrow(2, 135)), rig.now()),
    );
    rig.journal.sync();
    rig.journal.syncs.close();
    rig.settle();
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    assert_eq!(holds(&rig), []);
    hang_up(&rig, "c");
    rig.finish();
}
