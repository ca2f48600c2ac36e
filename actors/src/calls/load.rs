//! What the store is asked, when a call comes to life and before its first row.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    call::PlacedIn,
    ids::{CallId, CompanyId},
};

use super::{AskFunction, CallActor, CallMessage, CallWorld, Loaded, actor::Base, repair};
use crate::{
    ports::{journal::Signer, stores::StoreError},
    runtime::Context,
};

impl CallActor {
    /// Before a row of a placed call is written: its first has what its company claimed, whatever placed it, and
    /// the events in quarantine come with those that placed it. What is not here yet `handle` asks the store for.
    pub(super) fn ask_what_is_missing(&mut self) {
        if self.base != Base::Known || self.state.placed.is_none() {
            return;
        }
        if !self.has_row {
            let claimant = self.claimant(Signer::Platform, || None);
            self.ask_claims_of(claimant);
        }
        if !self.left_in_quarantine.is_empty() {
            self.base = Base::NotAsked;
        }
    }

    /// Before the first question of a company, and before its first order: what it booked and promised while nothing
    /// but its own key placed the call is in no row of the call.
    pub(super) fn want_claims(&mut self, ask: &AskFunction) {
        let is_known = self.base != Base::NotAsked && self.state.placed.is_some();
        if is_known && !ask.function.repeats_are_bookings() {
            return;
        }
        let claimant = self.claimant(ask.signer, || self.named_in(&ask.identity));
        self.ask_claims_of(claimant);
    }

    /// The store is asked anew when it was not asked about this company before.
    pub(super) fn ask_claims_of(&mut self, claimant: Option<CompanyId>) {
        if claimant.is_some_and(|company| self.claims_of.insert(company)) {
            self.base = Base::NotAsked;
        }
    }

    /// The company whose message this is, if it has a key of its own: it may have claimed the call before.
    pub(super) fn claimant(
        &self,
        signer: Signer,
        named: impl FnOnce() -> Option<PlacedIn>,
    ) -> Option<CompanyId> {
        if let Signer::Company(company) = signer {
            // A call that is another company's is nothing to this one.
            return self.state.placed.is_none_or(|placed| placed.company == company).then_some(company);
        }
        let company = self.state.placed.or_else(named)?.company;
        let directory = self.world.directory.current();
        directory.company(company).is_some_and(|company| company.has_own_key()).then_some(company)
    }

    /// Asks the store what it knows of this call, outside this turn; once it has what it must be asked for.
    pub(super) fn load(&mut self, cx: &mut Context<'_, Self>) {
        if self.world.pending.has_any(&self.state.call_id, &self.left_in_quarantine) {
            self.store_silent = true;
            return self.load_later(cx);
        }
        let question = self.world.questions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.base = Base::Asked(question);
        let (world, call_id) = (self.world.clone(), self.state.call_id.clone());
        let ask_quarantine = self.ask_quarantine || !self.left_in_quarantine.is_empty();
        let claims_of = self.claims_of.clone();
        let ask = async move {
            let loaded = ask_store(&world, &call_id, ask_quarantine, &claims_of).await;
            let loaded = loaded.unwrap_or_else(|error| Loaded::Failed(error.to_string()));
            CallMessage::Loaded { question, loaded: Box::new(loaded) }
        };
        cx.start(ask, move || {
            let loaded = Box::new(Loaded::Failed("the question panicked".to_owned()));
            CallMessage::Loaded { question, loaded }
        });
    }

    pub(super) fn load_later(&self, cx: &mut Context<'_, Self>) {
        cx.arm("load", cx.now().plus_ms(self.world.settings.load_again_ms), CallMessage::LoadAgain);
    }
}

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
