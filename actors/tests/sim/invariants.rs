//! What must be true when everything works again and has come to rest, over the three ledgers: what was
//! acknowledged and told, what the calendar has, what the database has.

use std::collections::{BTreeMap, BTreeSet};

use askpro_actors::ports::{fakes::Tables, rows::AppointmentRow};
use askpro_domain::{booking::AppointmentStatus, ids::CompanyId, time::UnixMillis};

use crate::{
    calendar::{Booked, Canceller},
    ledger::{Kind, Ledger, Told},
    refusals::Refusals,
    world::World,
};

/// Checks everything.
pub(crate) fn check(world: &mut World) {
    let tables = world.rig.database.tables();
    let booked: Vec<Booked> = world.requests.outside().calendar.bookings().to_vec();
    let refusals = world.refusals.clone();
    let ledger = &mut world.ledger;
    events(ledger, &tables, &refusals);
    calendar_and_rows(ledger, &tables, &booked);
    no_overlap(ledger, &booked);
    rows_are_settled(ledger, &tables);
    notices(ledger, &tables);
    told_is_true(ledger, &tables, &booked);
    posts(world);
    tenants(world, &tables);
    nothing_is_left(world);
}

/// Every acknowledged event is there; a stranger's waits in quarantine.
fn events(ledger: &mut Ledger, tables: &Tables, refusals: &Refusals) {
    let quarantined: BTreeSet<(&str, &str)> =
        tables.quarantine.values().map(|row| (row.call_id.as_str(), row.dedup_key.as_str())).collect();
    let stored: BTreeSet<(&str, &str)> =
        tables.events.keys().map(|(call, dedup)| (call.as_str(), dedup.as_str())).collect();
    let mut complaints = Vec::new();
    for ((call, dedup), event) in &ledger.acknowledged {
        if refusals.covers(call, &event.event) {
            if !tables.dead_letters.values().any(|letter| letter.actor_id == *call) {
                complaints
                    .push((Kind::Lost, format!("{} of {call} was refused and not set aside", event.event)));
            }
            continue;
        }
        let key = (call.as_str(), dedup.as_str());
        let (wanted, other) =
            if event.is_strange { (&quarantined, &stored) } else { (&stored, &quarantined) };
        if !wanted.contains(&key) {
            complaints
                .push((Kind::Lost, format!("{} of {call} was acknowledged and is nowhere", event.event)));
        }
        if other.contains(&key) {
            complaints.push((Kind::Doubled, format!("{} of {call} is in two places", event.event)));
        }
    }
    let unplanned = tables.dead_letters.values().filter(|letter| !refusals.names(&letter.actor_id));
    complaints
        .extend(unplanned.map(|l| (Kind::Untrue, format!("a dead letter of {}: {}", l.actor, l.error))));
    complaints.into_iter().for_each(|(kind, what)| ledger.complain(kind, what));
}

/// What stands at the calendar and is ours has its row, and what the rows say stands there.
fn calendar_and_rows(ledger: &mut Ledger, tables: &Tables, booked: &[Booked]) {
    let mut by_order: BTreeMap<&str, Vec<&Booked>> = BTreeMap::new();
    for ours in booked {
        if let Some(order) = &ours.order {
            by_order.entry(order.appointment.as_str()).or_default().push(ours);
        }
    }
    for (appointment, made) in &by_order {
        let standing: Vec<&&Booked> = made.iter().filter(|b| b.cancelled_by.is_none()).collect();
        if standing.len() > 1 {
            ledger.complain(Kind::Doubled, format!("{appointment} stands {} times", standing.len()));
        }
        let row = tables.appointments.values().find(|row| row.appointment.as_str() == *appointment);
        match (row, standing.first()) {
            (None, _) => ledger.complain(Kind::Lost, format!("{appointment} was booked and has no row")),
            (Some(row), Some(there)) => agree(ledger, row, there),
            (Some(_), None) => {}
        }
    }
    for row in tables.appointments.values().filter(|row| row.status.stands()) {
        let made = by_order.get(row.appointment.as_str()).cloned().unwrap_or_default();
        if !made.iter().any(|b| b.cancelled_by.is_none() && row.calcom_uid.as_ref() == Some(&b.uid)) {
            ledger.complain(Kind::Lost, format!("{} is confirmed and does not stand", row.appointment));
        }
    }
    for row in tables.appointments.values().filter(|row| row.status == AppointmentStatus::Cancelled) {
        let made = by_order.get(row.appointment.as_str()).cloned().unwrap_or_default();
        if !made.iter().any(|b| b.cancelled_by.is_some()) {
            ledger.complain(Kind::Untrue, format!("{} is cancelled and never was", row.appointment));
        }
    }
}

fn agree(ledger: &mut Ledger, row: &AppointmentRow, there: &Booked) {
    let same_time = row.starts_at == there.interval.start() && row.ends_at == there.interval.end();
    let same_uid = row.calcom_uid.as_ref() == Some(&there.uid);
    if !row.status.stands() || !same_time || !same_uid {
        let (status, uid) = (row.status.as_str(), &row.calcom_uid);
        let what = format!("{} stands as {} and its row says {status} {uid:?}", row.appointment, there.uid);
        ledger.complain(Kind::Lost, what);
    }
}

/// Nobody has two bookings at once.
fn no_overlap(ledger: &mut Ledger, booked: &[Booked]) {
    let mut by_host: BTreeMap<i64, Vec<&Booked>> = BTreeMap::new();
    for standing in booked.iter().filter(|b| b.cancelled_by.is_none()) {
        by_host.entry(standing.host).or_default().push(standing);
    }
    for (host, mut of_host) in by_host {
        of_host.sort_by_key(|b| b.interval.start());
        for pair in of_host.windows(2) {
            if let [one, other] = pair
                && one.interval.overlaps(other.interval)
            {
                ledger.complain(Kind::Doubled, format!("{host} has {} and {} at once", one.uid, other.uid));
            }
        }
    }
}

/// Nothing is open when nothing goes on.
fn rows_are_settled(ledger: &mut Ledger, tables: &Tables) {
    for row in tables.appointments.values().filter(|row| row.status.is_open()) {
        ledger.complain(Kind::Untrue, format!("{} is still {}", row.appointment, row.status.as_str()));
    }
    for row in tables.calls.values().filter(|row| row.status == "live") {
        ledger.complain(Kind::Lost, format!("the end of {} was lost", row.call_id));
    }
}

/// One notice for each booking that stands or stood.
fn notices(ledger: &mut Ledger, tables: &Tables) {
    let told: Vec<&str> =
        tables.outbox.values().filter_map(|row| row.key.strip_prefix("booking_confirmed:")).collect();
    for row in tables.appointments.values().filter(|row| row.status.stands()) {
        let count = told.iter().filter(|id| **id == row.appointment.as_str()).count();
        if count != 1 {
            ledger.complain(Kind::Lost, format!("{} has {count} notices", row.appointment));
        }
    }
    for id in told {
        let row = tables.appointments.values().find(|row| row.appointment.as_str() == id);
        let stood = row.is_some_and(|row| {
            matches!(row.status, AppointmentStatus::Confirmed | AppointmentStatus::Cancelled)
        });
        if !stood {
            ledger.complain(Kind::Untrue, format!("a notice says that {id} stands"));
        }
    }
}

/// What an agent heard last of an appointment is true, or somebody will call back.
fn told_is_true(ledger: &mut Ledger, tables: &Tables, booked: &[Booked]) {
    let mut starts: BTreeMap<&str, Vec<(UnixMillis, UnixMillis)>> = BTreeMap::new();
    for booked in booked {
        if let Some(order) = &booked.order {
            let start = (booked.made_at, booked.interval.start());
            starts.entry(order.appointment.as_str()).or_default().push(start);
        }
    }
    let stood = |id: &str, told: &Told| {
        let earlier = starts.get(id).into_iter().flatten();
        earlier.filter(|(made_at, _)| *made_at <= told.at).any(|(_, start)| told.slot == Some(*start))
    };
    let complaints: Vec<(Kind, String)> =
        ledger.told.iter().filter_map(|(id, told)| untrue(id, told, tables, stood(id, told))).collect();
    complaints.into_iter().for_each(|(kind, what)| ledger.complain(kind, what));
}

/// `stood`: at the calendar it was at the time that was told, then or before; its owner may have moved it since.
fn untrue(id: &str, told: &Told, tables: &Tables, stood: bool) -> Option<(Kind, String)> {
    let row = tables.appointments.values().find(|row| row.appointment.as_str() == id);
    let Some(row) = row else {
        return Some((Kind::Lost, format!("{} heard {} of {id}, which has no row", told.call, told.status)));
    };
    let (status, call) = (row.status, &told.call);
    let said =
        || format!("{call} heard {} of {id} at {}, and it is {}", told.status, told.at, status.as_str());
    if row.call_id.as_str() != call {
        return Some((Kind::Untrue, format!("{call} heard of {id} of another call")));
    }
    let ordered = tables.booking(&row.appointment).map(|booking| booking.order.interval.start());
    if !stood && told.slot.is_some_and(|slot| slot != row.starts_at && Some(slot) != ordered) {
        return Some((Kind::Untrue, format!("{} at another time", said())));
    }
    let somebody_calls_back = || {
        let mut callbacks = tables.callbacks.keys();
        callbacks.any(|(company, key)| *company == row.company && key.ends_with(&format!(":{id}")))
    };
    let stands = matches!(status, AppointmentStatus::Confirmed | AppointmentStatus::Cancelled);
    let is_true = match told.status.as_str() {
        "confirmed" => stands,
        "pending_confirmation" | "unknown" => stands || somebody_calls_back(),
        _ => !status.stands(),
    };
    (!is_true).then(|| (Kind::Lost, said()))
}

/// Nothing was posted before that was on disk, nor twice without three looks in vain; what is known to have made nothing
/// may be, a few times.
fn posts(world: &mut World) {
    let sent: Vec<String> = {
        let outside = world.requests.outside();
        let early = outside.sent.iter().filter(|(_, sent)| sent.too_early > 0 || sent.raced > 4);
        early.map(|(id, sent)| format!("{id} was posted too early or too often: {sent:?}")).collect()
    };
    sent.into_iter().for_each(|what| world.ledger.complain(Kind::Doubled, what));
    let unwritten: Vec<String> = {
        let outside = world.requests.outside();
        let unwritten = outside.sent.iter().filter(|(_, sent)| sent.unwritten > 0);
        unwritten.map(|(id, _)| format!("{id} was posted before that was on disk")).collect()
    };
    unwritten.into_iter().for_each(|what| world.ledger.complain(Kind::Lost, what));
    let cancelled: Vec<String> = {
        let outside = world.requests.outside();
        let by_us = outside.calendar.bookings().iter().filter(|b| b.cancelled_by == Some(Canceller::Service));
        by_us.filter(|b| b.order.is_none()).map(|b| b.uid.clone()).collect()
    };
    for uid in cancelled {
        world.ledger.complain(Kind::Lost, format!("{uid} was not ours, and was cancelled"));
    }
}

/// No row of a company names a call of another.
fn tenants(world: &mut World, tables: &Tables) {
    let owner: BTreeMap<String, CompanyId> =
        world.callers.iter().map(|caller| (caller.call.clone(), world.shops[caller.shop].id)).collect();
    let is_foreign = |call: &str, company: CompanyId| owner.get(call).is_some_and(|own| *own != company);
    let mut foreign = Vec::new();
    for row in tables.events.values().filter(|row| is_foreign(row.call_id.as_str(), row.company)) {
        foreign.push(format!("an event of {}", row.call_id));
    }
    for row in tables.calls.values().filter(|row| is_foreign(row.call_id.as_str(), row.company)) {
        foreign.push(format!("the row of {}", row.call_id));
    }
    for row in tables.appointments.values().filter(|row| is_foreign(row.call_id.as_str(), row.company)) {
        foreign.push(format!("an appointment of {}", row.call_id));
    }
    for row in tables.outbox.values() {
        if row.call_id.as_ref().is_some_and(|call| is_foreign(call.as_str(), row.company)) {
            foreign.push(format!("the notice {}", row.key));
        }
    }
    for row in tables.callbacks.values() {
        if row.call_id.as_ref().is_some_and(|call| is_foreign(call.as_str(), row.company)) {
            foreign.push(format!("the callback {}", row.key));
        }
    }
    for row in tables.function_calls.iter().filter(|row| is_foreign(row.call_id.as_str(), row.company)) {
        foreign.push(format!("an answer of {}", row.call_id));
    }
    for what in foreign {
        world.ledger.complain(Kind::Untrue, format!("{what} is with another company"));
    }
}

/// Nothing is left in memory or in the journal.
fn nothing_is_left(world: &mut World) {
    let calls = world.rig.calls_in_memory();
    if !calls.is_empty() {
        world.ledger.complain(Kind::Untrue, format!("calls stay in memory: {calls:?}"));
    }
    let left = world.rig.journal.outstanding();
    if let Some((position, record)) = left.first() {
        let what = format!("{} records are left, the first at {}: {record:?}", left.len(), position.0);
        world.ledger.complain(Kind::Lost, what);
    }
    for violation in world.rig.journal.violations() {
        world.ledger.complain(Kind::Lost, format!("committed before its rows were there: {violation}"));
    }
    for company in world.company_ids() {
        let Some(view) = world.rig.scheduler(company) else { continue };
        for hold in view.holds.iter().filter(|hold| hold.state != "booked") {
            let what = format!("{} is still {} by {}", hold.starts_at, hold.state, hold.call_id);
            world.ledger.complain(Kind::Untrue, what);
        }
    }
}
