//! What the store is asked when a call comes to life.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::ids::{CallId, CompanyId};

use super::{CallWorld, Loaded, repair};
use crate::ports::stores::StoreError;

/// What the store knows of a call, and what these companies booked and promised in it; events in quarantine matter
/// while it is unplaced. A call with a row has what was promised in it.
pub(super) async fn ask_store(
    world: &CallWorld,
    call_id: &CallId,
    ask_quarantine: bool,
    claims_of: &BTreeSet<CompanyId>,
) -> Result<Loaded, StoreError> {
    let store = world.store.as_ref();
    let (state, repair) = repair::state_of(world, call_id).await?;
    let placed = state.as_ref().is_some_and(|state| state.placed.is_some());
    let quarantined =
        if placed && !ask_quarantine { Vec::new() } else { store.quarantined_of_call(call_id).await? };
    let (mut claims, mut claimed_callbacks) = (BTreeMap::new(), BTreeSet::new());
    for company in claims_of {
        let promised = async {
            match state {
                None => store.has_promised_callback(*company, call_id).await,
                Some(_) => Ok(false),
            }
        };
        let booked = store.bookings_of_call(*company, call_id);
        let (booked, promised) = futures_util::future::try_join(booked, promised).await?;
        claims.extend(booked.into_iter().map(|(appointment, fact)| (appointment, (*company, fact))));
        if promised {
            claimed_callbacks.insert(*company);
        }
    }
    Ok(Loaded::Known { state: state.map(Box::new), quarantined, claims, claimed_callbacks, repair })
}
