//! Cal.com is slow, away, or says what is not so; for one company and for all.

use askpro::simulators::calcom::{Fault as Trouble, FaultKind, Operation, RequestRecord};
use rand::Rng;

use super::{Fault, Scale, WAIT_MAX, all_were_served, fault, nobody_waited, recovers, settle};
use crate::{
    companies,
    home::Kind,
    judge::Posts,
    table::Row,
    traffic::Style,
    world::{World, pass},
};

pub fn faults() -> Vec<Fault> {
    vec![
        fault!("calcom_slow", "every answer of Cal.com takes seconds", slow),
        fault!("calcom_down", "Cal.com answers 500 and 502", down),
        fault!("calcom_hangs", "Cal.com says nothing for 20 s, and did what it was asked or did not", hangs),
        fault!("calcom_limits", "Cal.com takes 10 requests a minute and blocks keys", limits),
        fault!("calcom_loses_answers", "Cal.com books and cuts the line before it answers", loses_answers),
        fault!(
            "calcom_old_bookings",
            "Cal.com answers with a booking that is not the one ordered",
            old_bookings
        ),
    ]
}

async fn slow(scale: Scale) -> Vec<Row> {
    let kind = |_| FaultKind::Slow { ms: 4_000 };
    course("calcom_slow", kind, None, scale).await
}

async fn down(scale: Scale) -> Vec<Row> {
    let kind = |half: bool| if half { FaultKind::InternalError } else { FaultKind::BadGateway };
    course("calcom_down", kind, None, scale).await
}

async fn hangs(scale: Scale) -> Vec<Row> {
    let kind = |did_it: bool| {
        if did_it { FaultKind::SlowAnswer { ms: 20_000 } } else { FaultKind::Hang { ms: 20_000 } }
    };
    course("calcom_hangs", kind, None, scale).await
}

async fn limits(scale: Scale) -> Vec<Row> {
    let kind = |_| FaultKind::Limited { per_minute: 10 };
    course("calcom_limits", kind, None, scale).await
}

async fn loses_answers(scale: Scale) -> Vec<Row> {
    let kind = |_| FaultKind::DropAfterAccept;
    course("calcom_loses_answers", kind, Some(Operation::Create), scale).await
}

async fn old_bookings(scale: Scale) -> Vec<Row> {
    let kind = |_| FaultKind::StaleBooking;
    course("calcom_old_bookings", kind, Some(Operation::Create), scale).await
}

/// First one company's account is in trouble, then all are; each time the traffic goes on after it.
async fn course(
    name: &'static str,
    kind_of: fn(bool) -> FaultKind,
    operation: Option<Operation>,
    scale: Scale,
) -> Vec<Row> {
    let callers = scale.callers();
    let Some(mut world) = World::make(Kind::MariaDb, 6, scale.seed).await else { return Vec::new() };
    let process = world.start().await;
    let traffic = world.traffic(&Style::busy(callers));
    world.until_calls(callers).await;
    let (rounds, mut struck) = (scale.of(2, 1), Vec::new());
    for round in 0..rounds {
        let of_one = Some(companies::calcom_key(world.rng.random_range(0..6)));
        for (place, key) in (round..).zip([of_one, None]) {
            let kind = kind_of((place + scale.seed).is_multiple_of(2));
            let of_key =
                |requests: &RequestRecord| key.as_ref().is_none_or(|k| k.ends_with(&requests.key_suffix));
            let asked = || world.calcom.requests(operation).iter().filter(|one| of_key(one)).count();
            let before = asked();
            world.calcom.add_fault(Trouble { kind, api_key: key.clone(), operation, count: None });
            pass(scale.of(15.0, 5.0)).await;
            world.calcom.clear_faults();
            struck.push(asked() - before);
            pass(scale.of(6.0, 2.0)).await;
        }
    }
    let recovery = recovers(&process, callers).await;
    let mut row = settle(name, &world, &process, traffic, Posts::AsNeeded).await;
    row.runs = 2 * rounds;
    row.recovery = Some(recovery);
    row.notes.push(format!("the trouble struck {struck:?} requests"));
    // A key that was blocked once may ask no more for a while, and in a few seconds nobody may call that one company.
    let struck_of = |all: usize| struck.iter().skip(all).step_by(2).sum::<usize>();
    if struck_of(1) == 0 || scale.full && struck_of(0) == 0 {
        row.findings.wrong.push(format!("nothing asked Cal.com while it was in trouble: {struck:?}"));
    }
    all_were_served(scale, &mut row);
    nobody_waited(WAIT_MAX, scale, &mut row);
    vec![row]
}
