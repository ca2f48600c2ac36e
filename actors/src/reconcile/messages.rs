//! What an account's reconciler hears and shows.

use askpro_domain::{ids::CallId, time::UnixMillis};
use serde::Serialize;

use super::{
    run::RunReport,
    work::{Answer, Listed},
};
use crate::runtime::Reply;

/// What an account's reconciler hears.
#[derive(Debug)]
pub enum ReconcileMessage {
    /// Order, from a call that fell silent: ask for it. Not answered; the call tells again when nothing came.
    LookUp(CallId),
    /// Order, from a call that was silent for too long: close it without asking. Not answered; told again too.
    GiveUp(CallId),
    /// Fact, from its own work: what came of asking for a call.
    LookedUp {
        /// The call.
        call_id: CallId,
        /// What came of it.
        answer: Answer,
    },
    /// Order, from the service's timer or an admin: compare the calls of the last `hours` with what is here.
    /// Ignored while a run is going. Not answered; see [`ReconcileMessage::GetReconciler`].
    Run {
        /// How far back, 1 to 168.
        hours: u32,
    },
    /// Fact, from its own work: a page of the run's list.
    Listed(Box<Listed>),
    /// Order, from its own timer: go on asking.
    GoOn,
    /// Question, from admins; answered at once.
    GetReconciler(Reply<ReconcilerView>),
}

/// A reconciler as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReconcilerView {
    /// Calls that wait to be asked for.
    pub waiting: usize,
    /// Questions under way.
    pub asking: usize,
    /// Questions in a row that were not answered.
    pub failures: u32,
    /// Until when nothing is asked, because the platform did not answer.
    #[serde(skip)]
    pub resting_until: Option<UnixMillis>,
    /// The run that is going, or the last one.
    pub run: Option<RunReport>,
}
