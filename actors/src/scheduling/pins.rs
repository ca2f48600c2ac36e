//! The journal records that schedulers need after a crash or a panic, outside the actors.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askpro_domain::{
    ids::{AppointmentId, CompanyId},
    slots::HoldId,
};
use dashmap::DashMap;

use crate::{outstanding::Outstanding, ports::journal::Position, runtime::fence};

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// A hold.
    Hold(HoldId),
    /// An order that is not yet submitted.
    Order(AppointmentId),
    /// A booking whose outcome is open.
    Booking(AppointmentId),
}

/// Which record each scheduler needs. A pin owns one need of its record.
#[derive(Clone)]
pub struct Pins {
    by_company: Arc<DashMap<CompanyId, BTreeMap<Pin, Position>>>,
    /// Moves of bookings that were journaled and of which their calls do not know yet: a turn that panics
    /// tells nobody.
    untold: Arc<DashMap<CompanyId, BTreeSet<Position>>>,
    outstanding: Outstanding,
}

impl Pins {
    /// No pins yet.
    #[must_use]
    pub fn new(outstanding: Outstanding) -> Self {
        Self { by_company: Arc::default(), untold: Arc::default(), outstanding }
    }

    /// Needs this record from now on, and the one pinned before no longer.
    pub fn pin(&self, company: CompanyId, pin: Pin, position: Position) {
        fence::pass();
        let before = self.by_company.entry(company).or_default().insert(pin, position);
        if let Some(before) = before {
            self.outstanding.done(&[before]);
        }
    }

    /// Needs the record `again` instead of `old`, also when it is told so twice. False when neither is pinned any more.
    #[must_use]
    pub fn pin_again(&self, company: CompanyId, pin: &Pin, old: Position, again: Position) -> bool {
        fence::pass();
        let mut replaces = false;
        let is_pinned = self.by_company.get_mut(&company).is_some_and(|mut pins| match pins.get_mut(pin) {
            Some(pinned) if *pinned == old => {
                *pinned = again;
                replaces = true;
                true
            }
            Some(pinned) => *pinned == again,
            None => false,
        });
        if replaces {
            self.outstanding.done(&[old]);
        }
        is_pinned
    }

    /// Needs it no longer.
    pub fn unpin(&self, company: CompanyId, pin: &Pin) {
        fence::pass();
        let before = self.by_company.get_mut(&company).and_then(|mut pins| pins.remove(pin));
        if let Some(before) = before {
            self.outstanding.done(&[before]);
        }
    }

    /// A move was journaled; its call must be told.
    pub fn must_tell(&self, company: CompanyId, position: Position) {
        fence::pass();
        self.untold.entry(company).or_default().insert(position);
    }

    /// It was told.
    pub fn told(&self, company: CompanyId, position: Position) {
        if let Some(mut untold) = self.untold.get_mut(&company) {
            untold.remove(&position);
        }
    }

    /// Moves that were not told, oldest first.
    #[must_use]
    pub fn untold(&self, company: CompanyId) -> Vec<Position> {
        self.untold.get(&company).map(|untold| untold.iter().copied().collect()).unwrap_or_default()
    }

    /// The pinned records of a company, oldest first.
    #[must_use]
    pub fn of(&self, company: CompanyId) -> Vec<(Pin, Position)> {
        let mut pins: Vec<_> =
            self.by_company.get(&company).map(|p| p.clone().into_iter().collect()).unwrap_or_default();
        pins.sort_by_key(|(_, position)| *position);
        pins
    }
}
