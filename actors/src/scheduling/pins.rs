//! The journal records that schedulers need after a crash or a panic, outside the actors.

use std::{collections::BTreeMap, sync::Arc};

use askpro_domain::{
    ids::{AppointmentId, CompanyId},
    slots::HoldId,
};
use dashmap::DashMap;

use crate::{outstanding::Outstanding, ports::journal::Position};

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
    outstanding: Outstanding,
}

impl Pins {
    /// No pins yet.
    #[must_use]
    pub fn new(outstanding: Outstanding) -> Self {
        Self { by_company: Arc::default(), outstanding }
    }

    /// Needs this record from now on, and the one pinned before no longer.
    pub fn pin(&self, company: CompanyId, pin: Pin, position: Position) {
        let before = self.by_company.entry(company).or_default().insert(pin, position);
        if let Some(before) = before {
            self.outstanding.done(&[before]);
        }
    }

    /// Needs it no longer.
    pub fn unpin(&self, company: CompanyId, pin: &Pin) {
        let before = self.by_company.get_mut(&company).and_then(|mut pins| pins.remove(pin));
        if let Some(before) = before {
            self.outstanding.done(&[before]);
        }
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
