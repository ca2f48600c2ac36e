//! Whose a booking at the calendar is.

use super::*;

fn evidence() -> Evidence {
    Evidence {
        appointment: None,
        start: Some(order().interval.start()),
        event_type_id: Some(2001),
        contacts: vec![Contact::Email(" A@example.org".to_owned())],
        created_at: Some(NOW),
    }
}

fn with(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut changed = evidence();
    change(&mut changed);
    changed
}

fn claim(evidence: &Evidence) -> Claim {
    evidence.claim(&order(), NOW)
}

#[test]
fn without_metadata_everything_must_agree() {
    assert_eq!(claim(&evidence()), Claim::Ours);
    let old = with(|e| e.created_at = Some(NOW.plus_ms(-CREATED_BEFORE_MS_MAX - 1)));
    assert_eq!(claim(&old), Claim::SameAttendee, "made before the order");
    assert_eq!(claim(&with(|e| e.created_at = None)), Claim::SameAttendee);
    let others: [fn(&mut Evidence); 4] = [
        |e| e.start = Some(NOW),
        |e| e.event_type_id = None,
        |e| e.contacts.clear(),
        |e| e.contacts = vec![Contact::Phone(PhoneNumber::parse_e164("+4915112345678").unwrap())],
    ];
    for change in others {
        assert_eq!(claim(&with(change)), Claim::Unproved);
    }
}

#[test]
fn a_number_is_as_good_as_an_address() {
    let phone = PhoneNumber::parse_e164("+4915112345678").unwrap();
    let mut ordered = order();
    ordered.attendee = Attendee { phone: Some(phone.clone()), email: None, ..ordered.attendee };
    let evidence = with(|e| e.contacts = vec![Contact::Email("x@y.z".to_owned()), Contact::Phone(phone)]);
    assert_eq!(evidence.claim(&ordered, NOW), Claim::Ours);
}

#[test]
fn our_id_counts_and_another_id_is_somebody_elses() {
    let ours = with(|e| {
        e.appointment = Some(order().appointment.0);
        e.contacts.clear();
        e.created_at = None;
    });
    assert_eq!((claim(&ours), ours.is_found(&order(), NOW)), (Claim::Ours, true));
    let by_a_clock_behind_ours = Evidence { created_at: Some(NOW.plus_ms(-3_600_000)), ..ours.clone() };
    assert_eq!(claim(&by_a_clock_behind_ours), Claim::Ours);
    let elsewhere = Evidence { start: Some(NOW), ..ours };
    assert_eq!(
        (claim(&elsewhere), elsewhere.is_found(&order(), NOW)),
        (Claim::Unproved, true),
        "moved since"
    );
    let other = with(|e| e.appointment = Some("apt_other".to_owned()));
    assert_eq!((claim(&other), other.is_found(&order(), NOW)), (Claim::SameAttendee, false));
}
