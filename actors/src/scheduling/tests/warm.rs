//! Views that callers asked for lately are kept young, as far as the budget allows.

use askpro_domain::policy::{Heard, RateLimits};

use super::*;

fn warm_rig() -> Rig {
    rig_with(Settings::default())
}

fn hang_up_all(rig: &Rig, calls: &[&str]) {
    calls.iter().for_each(|call| hang_up(rig, call));
}

#[test]
fn what_callers_asked_for_lately_answers_at_once_and_young() {
    let rig = warm_rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(300_000);
    let known = answer(&rig, check(&rig, "c2", "15:00"));
    assert_eq!(known["available"], true);
    assert!(known["age_s"].as_i64().unwrap() <= 45, "{known}");
    hang_up_all(&rig, &["c1", "c2"]);
    rig.finish();
}

#[test]
fn what_nobody_asks_for_any_more_is_left_alone() {
    let rig = warm_rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    hang_up(&rig, "c1");
    rig.advance(700_000);
    let fetches = rig.calendar.slot_fetches().len();
    assert!((10..16).contains(&fetches), "every 45 s for ten minutes: {fetches}");
    rig.advance(3_600_000);
    assert_eq!(rig.calendar.slot_fetches().len(), fetches);
    rig.finish();
}

#[test]
fn the_views_that_were_asked_for_last_are_kept_warm_and_no_more() {
    let rig = warm_rig();
    for day in ["24.11.2026", "04.12.2026", "14.12.2026", "28.12.2026"] {
        for service in [CUT, "Dauerwelle", "Damenhaarschnitt"] {
            let wish = json!({"datum": day, "uhrzeit": "11:00", "service": service});
            answer(&rig, rig.ask("c", NUMBER_A, FunctionName::CheckAvailability, wish));
            rig.advance(300);
        }
    }
    assert_eq!(rig.scheduler(company_a()).unwrap().views, 20);
    let before = rig.calendar.slot_fetches().len();
    rig.advance(46_000);
    assert_eq!(rig.calendar.slot_fetches().len() - before, 8);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn with_the_calendar_down_views_are_asked_for_in_vain_now_and_then_only() {
    let rig = warm_rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.calendar.set_down(true);
    rig.advance(500_000);
    let fetches = rig.calendar.slot_fetches().len();
    assert!((10..45).contains(&fetches), "{fetches}");
    rig.calendar.set_down(false);
    rig.advance(31_000);
    let known = answer(&rig, check(&rig, "c2", "15:00"));
    assert!(known["age_s"].as_i64().unwrap() <= 31, "{known}");
    assert!(rig.scheduler(company_a()).unwrap().breakers.iter().all(|b| b.state.as_str() == "closed"));
    hang_up_all(&rig, &["c1", "c2"]);
    rig.finish();
}

#[test]
fn a_key_that_is_half_spent_is_left_to_callers() {
    let rig = warm_rig();
    let half = RateLimits { limit: 120, remaining: 60, reset_ms: 60_000 };
    rig.calendar.tell_limits([Heard::Limits(half)]);
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(59_000);
    assert_eq!(rig.calendar.slot_fetches().len(), 1);
    rig.advance(20_000);
    assert_eq!(rig.calendar.slot_fetches().len(), 2, "a new window");
    hang_up(&rig, "c1");
    rig.finish();
}

#[test]
fn after_a_change_views_are_fetched_as_soon_as_the_calendar_shows_it() {
    let rig = warm_rig();
    answer(&rig, check_service(&rig, "c1", "Dauerwelle", "14:00"));
    rig.calendar.script([crate::ports::fakes::Creation::Refuses(askpro_domain::booking::Refusal::SlotTaken)]);
    assert_eq!(answer(&rig, book(&rig, "c1", "14:00"))["code"], "slot_taken");
    rig.advance(3_000);
    assert_eq!(rig.calendar.slot_fetches().len(), 2);
    assert_eq!(answer(&rig, check_service(&rig, "c2", "Dauerwelle", "11:00"))["confidence"], "live");
    assert_eq!(rig.calendar.slot_fetches().len(), 2);
    hang_up_all(&rig, &["c1", "c2"]);
    rig.finish();
}
