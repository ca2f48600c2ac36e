//! The bookings at Cal.com: one per order, none that nobody knows of, and no host in two places at once.

use std::collections::HashMap;

use super::{CalcomBooking, Fault, SentCall, StoredCall};

/// Whether an appointment of this status is still on its way.
pub(super) fn is_open(status: &str) -> bool {
    matches!(status, "submitted" | "pending_confirmation" | "unknown")
}

/// Adds what is wrong between the appointments of the calls and the bookings at Cal.com.
pub(super) fn compare(
    sent: &[SentCall],
    stored: &HashMap<String, StoredCall>,
    calcom: &[CalcomBooking],
    faults: &mut Vec<Fault>,
) {
    let by_uid: HashMap<&str, &CalcomBooking> =
        calcom.iter().map(|booking| (booking.uid.as_str(), booking)).collect();
    let standing = || calcom.iter().filter(|booking| booking.stands);
    let mut by_metadata: HashMap<&str, Vec<&CalcomBooking>> = HashMap::new();
    for booking in standing() {
        for value in &booking.metadata {
            by_metadata.entry(value).or_default().push(booking);
        }
    }
    for call in sent {
        let Some(is) = stored.get(&call.call_id) else { continue };
        confirmed_without_booking(call, is, &by_uid, faults);
        booked_twice(is, &by_metadata, faults);
        booked_without_appointment(call, is, &by_metadata, faults);
    }
    overlaps(standing().collect(), faults);
}

fn confirmed_without_booking(
    call: &SentCall,
    is: &StoredCall,
    by_uid: &HashMap<&str, &CalcomBooking>,
    faults: &mut Vec<Fault>,
) {
    for appointment in is.appointments.iter().filter(|appointment| appointment.status == "confirmed") {
        let Some(uid) = &appointment.calcom_uid else { continue };
        if !by_uid.get(uid.as_str()).is_some_and(|booking| booking.stands) {
            let id = &appointment.appointment_id;
            let missing = format!("appointment {id} is confirmed and Cal.com has no standing booking {uid}");
            faults.push(Fault::UnknownAppointment { call_id: call.call_id.clone(), missing });
        }
    }
}

fn booked_twice(is: &StoredCall, by_metadata: &HashMap<&str, Vec<&CalcomBooking>>, faults: &mut Vec<Fault>) {
    for appointment in &is.appointments {
        let id = appointment.appointment_id.as_str();
        let times = by_metadata.get(id).map_or(0, |bookings| distinct(bookings));
        // A service in parts is one order with as many bookings; the parts follow each other without overlap
        // and belong to the same call. The rig's services have one part.
        if times > 1 {
            faults.push(Fault::BookedTwice { appointment_id: id.to_owned(), times });
        }
    }
}

fn distinct(bookings: &[&CalcomBooking]) -> usize {
    let mut uids: Vec<&str> = bookings.iter().map(|booking| booking.uid.as_str()).collect();
    uids.sort_unstable();
    uids.dedup();
    uids.len()
}

/// A booking that names a call whose appointments do not know it, while none of them is on its way.
fn booked_without_appointment(
    call: &SentCall,
    is: &StoredCall,
    by_metadata: &HashMap<&str, Vec<&CalcomBooking>>,
    faults: &mut Vec<Fault>,
) {
    if is.appointments.iter().any(|appointment| is_open(&appointment.status)) {
        return;
    }
    for booking in by_metadata.get(call.call_id.as_str()).into_iter().flatten() {
        let known = is.appointments.iter().any(|appointment| {
            appointment.calcom_uid.as_ref() == Some(&booking.uid)
                || booking.metadata.contains(&appointment.appointment_id) && appointment.status == "confirmed"
        });
        if !known {
            let missing = format!("booking {} at Cal.com belongs to none of its appointments", booking.uid);
            faults.push(Fault::UnknownAppointment { call_id: call.call_id.clone(), missing });
        }
    }
}

/// Sorted by host and start, each booking is compared with all before it that have not ended.
fn overlaps(mut standing: Vec<&CalcomBooking>, faults: &mut Vec<Fault>) {
    standing.sort_by_key(|booking| (booking.host_id, booking.start_ms, booking.uid.as_str()));
    for (place, first) in standing.iter().enumerate() {
        let later = standing.iter().skip(place + 1);
        let near = later
            .take_while(|second| second.host_id == first.host_id && second.start_ms < first.end_ms)
            .filter(|second| first.start_ms < second.end_ms);
        faults.extend(near.map(|second| Fault::Overlap {
            host_id: first.host_id,
            first: first.uid.clone(),
            second: second.uid.clone(),
        }));
    }
}
