//! One actor per account at the voice platform that asks it for what it told too little of: calls that fell
//! silent, and calls of the last day that never came or never ended here.
//!
//! Everything that is asked with one key goes through its actor, which keeps to a pace, has few questions
//! under way at once, and rests when the platform does not answer. What it hears of a call becomes an event
//! like any other: journaled first, then delivered. What waits here is in memory only: silent calls tell of
//! themselves again, and runs begin anew.

mod actor;
mod judge;
mod messages;
mod rest;
mod run;
mod wanted;
mod work;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use actor::{ReconcileActor, ReconcileFactory};
pub use messages::{ReconcileMessage, ReconcilerView};
pub use run::RunReport;
use tokio::sync::watch;

use crate::{
    calls::Calls,
    outstanding::PendingLog,
    ports::{clock::Clock, journal::Journal, stores::CallStore, voice::Voice},
};

/// Limits of reconciling.
#[derive(Debug, Clone)]
pub struct ReconcileSettings {
    /// Questions of one account under way at once.
    pub questions_at_once_max: usize,
    /// Questions of one account in [`ReconcileSettings::pace_window_ms`]. Retell allows 100 for each kind of
    /// question: half is left to everybody else who uses the key.
    pub questions_max: usize,
    /// Pages of one account in that time. Retell allows 30.
    pub pages_asked_max: usize,
    /// The stretch of time that questions are counted in.
    pub pace_window_ms: i64,
    /// Calls of one account that may wait; silent ones beyond it tell of themselves again later.
    pub waiting_max: usize,
    /// First rest after the platform did not answer; each further one is twice as long.
    pub rest_ms: i64,
    /// Longest rest.
    pub rest_ms_max: i64,
    /// Calls that ended this short a time ago are left out of a run: their webhooks may be on their way.
    pub grace_ms: i64,
    /// Pages that a run reads.
    pub pages_max: u32,
    /// When a run that the database broke off begins again.
    pub run_again_ms: i64,
}

impl Default for ReconcileSettings {
    fn default() -> Self {
        Self {
            questions_at_once_max: 8,
            questions_max: 50,
            pages_asked_max: 15,
            pace_window_ms: 10_000,
            waiting_max: 100_000,
            rest_ms: 1_000,
            rest_ms_max: 300_000,
            grace_ms: 600_000,
            pages_max: 5_000,
            run_again_ms: 300_000,
        }
    }
}

/// What reconciling needs.
pub struct ReconcileWorld {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Retell.
    pub voice: Arc<dyn Voice>,
    /// What is in the database.
    pub store: Arc<dyn CallStore>,
    /// What is not yet in the database.
    pub pending: PendingLog,
    /// Where everything that is heard goes first.
    pub journal: Arc<dyn Journal>,
    /// Where it goes then.
    pub calls: Calls,
    /// `true` once the process ends: questions under way are given up.
    pub closing: watch::Sender<bool>,
    /// Limits.
    pub settings: ReconcileSettings,
}
