//! Where a call belongs, and what happens to events that belong nowhere.

use askpro_domain::{
    call::{CallEvent, CallIdentity, CallState, PlacedIn},
    ids::CompanyId,
    tenant::{Placement, UnplacedReason},
};

use super::{
    CallActor, EventReceived,
    actor::{Standing, Waiting, body_of},
    rows,
};
use crate::{
    ports::{
        journal::Signer,
        rows::{Body, Write},
        stores::QuarantinedEvent,
    },
    runtime::Context,
    writer::WriteOrder,
};

impl CallActor {
    /// Places the call by what is known of it, unless it is placed.
    pub(super) fn place(&mut self) {
        if self.state.placed.is_some() {
            return;
        }
        if let Placement::Placed { company, branch } = self.placement() {
            let call_id = self.state.call_id.clone();
            let state = std::mem::replace(&mut self.state, CallState::new(call_id));
            self.state = state.place(PlacedIn { company, branch });
        }
    }

    /// Notes whose word it is that the call belongs where it is placed: a company's own, until the platform says
    /// the same.
    pub(super) fn note_word(&mut self, received: &EventReceived, was_placed: bool) {
        match received.signer {
            Signer::Company(_) if !was_placed => self.state.claimed = self.state.placed.is_some(),
            Signer::Company(_) => {}
            Signer::Platform => {
                let named = self.named_by(&received.event).map(|named| named.company);
                let agrees = named.is_some() && named == self.state.placed.map(|placed| placed.company);
                self.state.claimed &= !agrees;
            }
        }
    }

    /// Whether nothing but a company's own key says where the call belongs: what is ordered in it says no more.
    pub(super) fn is_only_claimed(&self) -> bool {
        self.state.placed.is_none() || self.state.claimed
    }

    /// Where an event alone says that its call belongs.
    pub(super) fn named_by(&self, event: &CallEvent) -> Option<PlacedIn> {
        self.named_in(&event.facts.identity)
    }

    /// Where these participants alone say that their call belongs.
    pub(super) fn named_in(&self, identity: &CallIdentity) -> Option<PlacedIn> {
        match self.world.directory.current().place(&identity.placing()) {
            Placement::Placed { company, branch } => Some(PlacedIn { company, branch }),
            Placement::Unplaced(_) => None,
        }
    }

    /// Forgets what the platform told before the store said that a company claims the call, where the platform names
    /// another: none of it is that company's. The events wait, for quarantine.
    pub(super) fn make_way(&mut self, stored: &CallState) {
        if !stored.is_claimed_from(self.state.placed) {
            return;
        }
        self.state = CallState::new(stored.call_id.clone());
        (self.transcript, self.live) = (None, None);
        for waiting in &mut self.waiting {
            waiting.standing = Standing::Foreign;
        }
    }

    fn placement(&self) -> Placement {
        let identity = self.state.identity();
        self.world.directory.current().place(&identity.placing())
    }

    /// Whether an event may touch this call: a company's own key may touch only calls of that company, and what the
    /// platform tells of another company's call is nothing for a company that claims it.
    pub(super) fn standing_of(&self, received: &EventReceived) -> Standing {
        let named = self.named_by(&received.event);
        let signer = match received.signer {
            Signer::Platform if self.state.is_claimed_from(named) => return Standing::Foreign,
            Signer::Platform => return Standing::Ours,
            Signer::Company(signer) => signer,
        };
        if named.is_some_and(|named| named.company != signer) {
            return Standing::Foreign;
        }
        let company = match self.state.placed {
            Some(placed) => Some(placed.company),
            None => {
                let identity = self.state.clone().apply(&received.event).identity();
                match self.world.directory.current().place(&identity.placing()) {
                    Placement::Placed { company, .. } => Some(company),
                    Placement::Unplaced(_) => None,
                }
            }
        };
        match company {
            None => Standing::Undecided,
            Some(company) if company == signer => Standing::Ours,
            Some(_) => Standing::Foreign,
        }
    }

    /// Gives what waits to the company that the call belongs to; what another company's key signed goes to
    /// quarantine, or stays there.
    pub(super) fn hand_over_placed(&mut self, company: CompanyId) {
        self.decide_undecided(company);
        let release = std::mem::take(&mut self.in_quarantine);
        let waiting = std::mem::take(&mut self.waiting);
        let mut positions = Vec::new();
        let (mut writes, mut foreign) = (Vec::new(), Vec::new());
        for Waiting { received, quarantined, standing } in waiting {
            if !quarantined {
                positions.extend(received.position);
            }
            if standing != Standing::Foreign {
                writes.push(Write::Event(rows::event_row(&received, company)));
            } else if release || !quarantined {
                foreign.push(quarantine(&received, why_foreign(&received)));
            }
        }
        if release {
            writes.push(Write::QuarantineReleased(self.state.call_id.clone()));
        }
        writes.extend(foreign);
        if !writes.is_empty() {
            self.write(WriteOrder { call_id: None, writes, positions });
        }
    }

    fn decide_undecided(&mut self, company: CompanyId) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for item in waiting.iter_mut().filter(|w| w.standing == Standing::Undecided) {
            if item.received.signer == Signer::Company(company) {
                self.apply(&item.received);
                item.standing = Standing::Ours;
            } else {
                item.standing = Standing::Foreign;
            }
        }
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
    }

    /// Gives what waits to quarantine; it stays here too, for the event that will place the call, unless the journal
    /// has its body: that forgets it as soon as quarantine has it.
    pub(super) fn hand_over_unplaced(&mut self) {
        let Placement::Unplaced(reason) = self.placement() else { return };
        for mut item in std::mem::take(&mut self.waiting) {
            if !item.quarantined {
                let reason =
                    if item.standing == Standing::Foreign { why_foreign(&item.received) } else { reason };
                let positions = item.received.position.into_iter().collect();
                let writes = vec![quarantine(&item.received, reason)];
                self.write(WriteOrder { call_id: None, writes, positions });
                item.quarantined = true;
                self.in_quarantine = true;
            }
            match body_of(&item.received) {
                Body::Inline(_) => self.waiting.push(item),
                Body::InJournal(position) => self.left_in_quarantine.push(position),
            }
        }
    }

    /// Takes what the store has of this call's quarantine, unless it waits here already.
    pub(super) fn take_quarantined(&mut self, stored: &QuarantinedEvent, cx: &mut Context<'_, Self>) {
        let body = bytes::Bytes::copy_from_slice(&stored.body);
        match self.world.decoder.decode(&body) {
            Ok(event) => {
                self.in_quarantine = true;
                let signer = stored.signer_company.map_or(Signer::Platform, Signer::Company);
                if !self.waits_already(&event, signer) {
                    let received_at = stored.received_at;
                    let received = EventReceived { event, body, position: None, received_at, signer };
                    self.take_event(received, true, cx);
                }
            }
            Err(error) => {
                tracing::error!(quarantine.id = stored.id, error, "a quarantined event cannot be read")
            }
        }
    }

    /// Whether the same version of the same event waits here already, by the same signer.
    fn waits_already(&self, event: &CallEvent, signer: Signer) -> bool {
        let same = |received: &EventReceived| {
            received.signer == signer
                && received.event.body_hash == event.body_hash
                && received.event.dedup_key == event.dedup_key
                && received.event.event_timestamp == event.event_timestamp
        };
        self.waiting.iter().any(|w| same(&w.received)) || self.deferred.iter().any(|(r, _)| same(r))
    }
}

/// Why an event may not touch its call.
const fn why_foreign(received: &EventReceived) -> UnplacedReason {
    match received.signer {
        Signer::Company(_) => UnplacedReason::ForeignKey,
        Signer::Platform => UnplacedReason::Conflict,
    }
}

fn quarantine(received: &EventReceived, reason: UnplacedReason) -> Write {
    metrics::counter!(crate::metrics::QUARANTINED.name, "reason" => reason.code()).increment(1);
    Write::Quarantine(rows::quarantine_row(received, reason.code()))
}
