//! Where all keys stand, outside their actors: for gauges and admins, who must not ask each of them.

use std::sync::Arc;

use askpro_domain::{
    policy::{Budget, BudgetView, KeyId},
    time::UnixMillis,
};
use dashmap::DashMap;
use serde::Serialize;

/// The newest view of every key in memory. Clones show the same.
#[derive(Clone, Default)]
pub struct BudgetBoard {
    by_key: Arc<DashMap<KeyId, BudgetView>>,
}

/// All keys in a few figures.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct BudgetFigures {
    /// Keys that sent something lately.
    pub keys: usize,
    /// Keys that the calendar blocks.
    pub keys_blocked: usize,
    /// How much of its window the tightest key has used, 0 to 1.
    pub used_ratio_max: f64,
    /// Requests that wait.
    pub requests_waiting: usize,
}

impl BudgetBoard {
    pub(super) fn note(&self, key: KeyId, budget: &Budget, now: UnixMillis) {
        self.by_key.insert(key, budget.view(now));
    }

    pub(super) fn forget(&self, key: KeyId) {
        self.by_key.remove(&key);
    }

    /// The figures at this time: a window or a block that is over counts no more.
    #[must_use]
    pub fn figures(&self, now: UnixMillis) -> BudgetFigures {
        let mut figures = BudgetFigures::default();
        for view in self.by_key.iter() {
            let is_over = view.ends_at.is_some_and(|at| at <= now);
            let used = if is_over { 0 } else { view.limit.saturating_sub(view.remaining) };
            figures.keys += 1;
            figures.keys_blocked += usize::from(view.is_blocked && !is_over);
            figures.used_ratio_max =
                figures.used_ratio_max.max(f64::from(used) / f64::from(view.limit.max(1)));
            figures.requests_waiting += view.waiting.values().sum::<usize>();
        }
        figures
    }
}
