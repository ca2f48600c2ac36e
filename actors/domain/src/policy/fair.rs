//! A queue in which companies take turns.

use std::collections::{BTreeMap, VecDeque};

use super::Ticket;
use crate::{ids::CompanyId, time::UnixMillis};

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    /// How long it can wait.
    pub(super) until: UnixMillis,
}

/// Requests of one class: a company's own are served in the order they came, and companies take turns.
#[derive(Debug, Clone, Default)]
pub(super) struct FairQueue {
    by_company: BTreeMap<CompanyId, VecDeque<Waiter>>,
    turns: VecDeque<CompanyId>,
    len: usize,
}

impl FairQueue {
    pub(super) fn push(&mut self, company: CompanyId, waiter: Waiter) {
        let own = self.by_company.entry(company).or_default();
        if own.is_empty() {
            self.turns.push_back(company);
        }
        own.push_back(waiter);
        self.len += 1;
    }

    /// The next one, whose company goes to the end.
    pub(super) fn pop(&mut self) -> Option<Waiter> {
        let company = self.turns.pop_front()?;
        let own = self.by_company.get_mut(&company)?;
        let next = own.pop_front();
        if own.is_empty() {
            self.by_company.remove(&company);
        } else {
            self.turns.push_back(company);
        }
        self.len = self.len.saturating_sub(usize::from(next.is_some()));
        next
    }

    /// Takes out those that can wait until `before` at most.
    pub(super) fn take_ending_before(&mut self, before: UnixMillis) -> Vec<Waiter> {
        let mut ended = Vec::new();
        for own in self.by_company.values_mut() {
            ended.extend(own.iter().filter(|w| w.until < before));
            own.retain(|w| w.until >= before);
        }
        self.by_company.retain(|_, own| !own.is_empty());
        self.turns.retain(|company| self.by_company.contains_key(company));
        self.len = self.len.saturating_sub(ended.len());
        ended
    }

    /// When the first of them can wait no longer.
    pub(super) fn first_end(&self) -> Option<UnixMillis> {
        self.by_company.values().flatten().map(|w| w.until).min()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}
