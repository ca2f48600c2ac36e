//! Announcements that a scheduler has heard and is not done with, outside the actor: one that is built anew after a
//! panic hears them again. After a crash the journal tells them.

use std::{collections::BTreeMap, sync::Arc};

use askpro_domain::ids::CompanyId;
use dashmap::DashMap;

use super::Announcement;
use crate::ports::journal::Position;

type OfCompany = BTreeMap<Position, Arc<Announcement>>;

/// What was heard and is not done with, by company.
#[derive(Clone, Default)]
pub struct Unheeded(Arc<DashMap<CompanyId, OfCompany>>);

impl Unheeded {
    /// It was heard; once more changes nothing.
    pub(super) fn add(&self, company: CompanyId, announcement: &Arc<Announcement>) {
        self.0.entry(company).or_default().insert(announcement.position, announcement.clone());
    }

    /// Everything that follows from it is done. Says whether it was not before.
    pub(super) fn take(&self, company: CompanyId, position: Position) -> bool {
        let taken = self.0.get_mut(&company).and_then(|mut of_company| of_company.remove(&position));
        self.0.remove_if(&company, |_, left| left.is_empty());
        taken.is_some()
    }

    /// Whether it is still to be heeded.
    pub(super) fn has(&self, company: CompanyId, position: Position) -> bool {
        self.0.get(&company).is_some_and(|of_company| of_company.contains_key(&position))
    }

    /// What is still to be heeded, oldest first.
    pub(super) fn of(&self, company: CompanyId) -> Vec<Arc<Announcement>> {
        self.0.get(&company).map(|of_company| of_company.values().cloned().collect()).unwrap_or_default()
    }
}
