//! What an account's reconciler does outside its turns: it asks the platform, and takes in what it hears.

use std::sync::Arc;

use askpro_domain::{ids::CallId, time::UnixMillis};

use super::{ReconcileWorld, judge::missing, wanted::Why};
use crate::{
    calls::EventReceived,
    ports::{
        journal::{Record, Signer},
        voice::{Account, CallPage, Looked, Told, VoiceError},
    },
};

/// What came of asking for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is over, or was missing here: its events are in the journal and with the call.
    TakenIn,
    /// It goes on.
    Ongoing,
    /// The platform has nothing for it.
    Nothing,
    /// The platform did not answer.
    Failed(VoiceError),
    /// The journal does not take its events now.
    NotTaken,
    /// The process ends.
    Closing,
}

/// A page of a run, compared with what is here.
#[derive(Debug, Clone)]
pub enum Listed {
    /// The gaps in it.
    Judged {
        /// The page, without its calls.
        page: CallPage,
        /// Calls in it that could be read.
        calls: usize,
        /// What is missing here.
        gaps: Vec<(CallId, Gap)>,
    },
    /// The platform did not answer.
    Failed(VoiceError),
    /// The database did not say what is here.
    StoreAway,
    /// The process ends.
    Closing,
}

/// What is missing of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap(pub(super) Why);

/// Asks for a call and takes in what is missing of it.
pub(super) async fn look_up(
    world: Arc<ReconcileWorld>,
    account: Account,
    call_id: CallId,
    why: Why,
) -> Answer {
    let Some(looked) = unless_closing(&world, world.voice.find_call(account, &call_id)).await else {
        return Answer::Closing;
    };
    match looked {
        Ok(Looked::Over(told)) => take_in(&world, account, told).await,
        Ok(Looked::Ongoing(told)) if why == Why::Unknown => take_in(&world, account, vec![*told]).await,
        Ok(Looked::Ongoing(_)) => Answer::Ongoing,
        Err(VoiceError::NotFound) => Answer::Nothing,
        Err(VoiceError::Unreadable(reason)) => {
            tracing::warn!(call.id = %call_id, reason, "a call could not be read at Retell");
            Answer::Nothing
        }
        Err(error) => Answer::Failed(error),
    }
}

/// Closes a call without asking.
pub(super) async fn give_up(world: Arc<ReconcileWorld>, call_id: CallId) -> Answer {
    match world.voice.given_up(&call_id) {
        Ok(told) => take_in(&world, Account::Platform, vec![told]).await,
        Err(error) => {
            tracing::error!(call.id = %call_id, error, "the end of a silent call could not be written");
            Answer::Nothing
        }
    }
}

/// Journaled first, then delivered, as every event.
async fn take_in(world: &ReconcileWorld, account: Account, told: Vec<Told>) -> Answer {
    let signer = match account {
        Account::Platform => Signer::Platform,
        Account::Company(company) => Signer::Company(company),
    };
    for Told { event, body } in told {
        let received_at = world.clock.now();
        let record = Record::RetellEvent { signer, received_at, body: body.clone() };
        match world.journal.append(record).await {
            Ok(position) => {
                let position = Some(position);
                world.calls.deliver(EventReceived { event, body, position, received_at, signer });
            }
            Err(error) => {
                tracing::warn!(%error, "the journal does not take what Retell answered");
                return Answer::NotTaken;
            }
        }
    }
    Answer::TakenIn
}

/// Asks for a page of calls and compares it with what is here.
pub(super) async fn list(
    world: Arc<ReconcileWorld>,
    account: Account,
    since: UnixMillis,
    page: Option<String>,
) -> Listed {
    let asked = world.voice.list_calls(account, since, page.as_deref());
    let page = match unless_closing(&world, asked).await {
        None => return Listed::Closing,
        Some(Err(error)) => return Listed::Failed(error),
        Some(Ok(page)) => page,
    };
    match judge(&world, &page).await {
        Some(gaps) => {
            let calls = page.calls.len();
            Listed::Judged { page: CallPage { calls: Vec::new(), ..page }, calls, gaps }
        }
        None => Listed::StoreAway,
    }
}

async fn judge(world: &ReconcileWorld, page: &CallPage) -> Option<Vec<(CallId, Gap)>> {
    let ids: Vec<CallId> = page.calls.iter().map(|call| call.call_id.clone()).collect();
    // Before the database is asked: what arrives there meanwhile was on its way.
    let on_the_way: Vec<bool> = ids.iter().map(|id| !world.pending.of(id).is_empty()).collect();
    let known = world.store.known_stages(&ids).await;
    let known = known.inspect_err(|error| tracing::warn!(%error, "calls cannot be compared now")).ok()?;
    let (now, grace_ms) = (world.clock.now(), world.settings.grace_ms);
    let gaps = page.calls.iter().zip(on_the_way).filter_map(|(listed, on_the_way)| {
        let stage = known.get(&listed.call_id).copied();
        missing(listed, stage, on_the_way, grace_ms, now).map(|why| (listed.call_id.clone(), Gap(why)))
    });
    Some(gaps.collect())
}

/// A question that is not waited for once the process ends.
async fn unless_closing<T>(world: &ReconcileWorld, question: impl Future<Output = T>) -> Option<T> {
    let mut closing = world.closing.subscribe();
    tokio::select! {
        answer = question => Some(answer),
        _ = closing.wait_for(|closing| *closing) => None,
    }
}
