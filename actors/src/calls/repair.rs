//! A call whose row cannot be read. Its state is made anew of what else is kept of it: its events, its bookings and
//! its row's other columns. Otherwise no event of it could ever be handed over, and the journal would keep all that
//! came since.

use askpro_domain::{
    call::{CallState, Stage},
    ids::{BodyHash, CallId},
};
use bytes::Bytes;

use super::{CallActor, CallWorld, Repair};
use crate::{
    ports::{
        rows::{Body, DeadLetterRow, Write},
        stores::{DamagedCall, StoreError},
        unreadable::{Table, tell_unreadable},
    },
    writer::WriteOrder,
};

/// Kind of its message, in a dead letter.
const ROW: &str = "row";

/// The state of a call as the store has it; made anew where its row is unreadable.
pub(super) async fn state_of(
    world: &CallWorld,
    call_id: &CallId,
) -> Result<(Option<CallState>, Option<Box<Repair>>), StoreError> {
    let unreadable = match world.store.find_call_state(call_id).await {
        Err(unreadable @ StoreError::Corrupt(_)) => unreadable,
        found => return Ok((found?, None)),
    };
    let Some(damaged) = world.store.find_damaged_call(call_id).await? else { return Ok((None, None)) };
    let company = damaged.placed.company;
    let mut state = made_anew(world, call_id, &damaged);
    for (appointment, fact) in world.store.bookings_of_call(company, call_id).await? {
        state = state.settle(appointment, fact);
    }
    if world.store.has_promised_callback(company, call_id).await? {
        state = state.promise_callback();
    }
    let heard_first = damaged.events.iter().map(|event| event.received_at).min();
    let letter = letter(world, call_id, damaged.state, &unreadable);
    tell_unreadable(Table::Calls, &unreadable);
    Ok((Some(state), Some(Box::new(Repair { letter, heard_first }))))
}

/// What the events and the columns tell. Whether the platform ever agreed to the company is not kept: where it has a
/// key of its own, that is asked for again.
fn made_anew(world: &CallWorld, call_id: &CallId, damaged: &DamagedCall) -> CallState {
    let mut state = CallState::new(call_id.clone()).meet(&damaged.identity).place(damaged.placed);
    for event in &damaged.events {
        match world.decoder.decode(&Bytes::copy_from_slice(&event.body)) {
            Ok(event) => state = state.apply(&event),
            Err(error) => tracing::error!(call.id = %call_id, error, "a kept event cannot be read"),
        }
    }
    if damaged.is_over {
        state.stage = state.stage.max(Stage::Ended);
    }
    let directory = world.directory.current();
    let company = directory.company(damaged.placed.company);
    state.claimed = company.is_some_and(|company| company.has_own_key());
    state
}

fn letter(world: &CallWorld, call_id: &CallId, state: Vec<u8>, unreadable: &StoreError) -> DeadLetterRow {
    let hash = BodyHash::of(&[call_id.as_str().as_bytes(), &state]);
    DeadLetterRow {
        id: format!("call-{ROW}-{}", hash.to_hex()),
        actor: "call",
        actor_id: call_id.as_str().to_owned(),
        message: ROW.into(),
        error: unreadable.to_string(),
        signer_company: None,
        created_at: world.clock.now(),
        body: Some(Body::Inline(Bytes::from(state))),
    }
}

impl CallActor {
    /// The row that could not be read goes to the dead letters, and the one that was made anew into its place.
    pub(super) fn set_row_aside(&mut self, repair: &Repair) {
        if let Some(at) = repair.heard_first {
            self.silence.heard(at);
        }
        metrics::counter!(crate::metrics::DEAD_LETTERS.name, "actor" => "call").increment(1);
        let writes = vec![Write::DeadLetter(repair.letter.clone())];
        self.write(WriteOrder { call_id: None, writes, positions: Vec::new() });
    }
}
