//! The door to all budgets, as adapters see it.

use std::sync::Arc;

use askpro_domain::{
    policy::{BudgetSettings, Heard, KeyId, Limited, Request, Ticket},
    time::UnixMillis,
};

use super::{BudgetActor, BudgetBoard, BudgetFactory, BudgetFigures, BudgetMessage, BudgetWorld};
use crate::{
    ports::{calendar::Turnstile, clock::Clock},
    runtime::{Limits, Registry, Reply, Runtime},
};

/// What is said when a key's actor does not answer.
const UNANSWERED: Limited = Limited { retry_after_ms: 1_000 };

/// All budgets. Cheap to clone.
#[derive(Clone)]
pub struct Budgets {
    registry: Registry<BudgetActor>,
    board: BudgetBoard,
}

impl Budgets {
    /// Starts them, without any key.
    #[must_use]
    pub fn start(
        runtime: &Runtime,
        clock: &Arc<dyn Clock>,
        settings: BudgetSettings,
        limits: Limits,
    ) -> Self {
        let board = BudgetBoard::default();
        let world = Arc::new(BudgetWorld { clock: clock.clone(), settings, board: board.clone() });
        let registry = Registry::start(runtime, Arc::new(BudgetFactory { world }), limits, clock.clone());
        Self { registry, board }
    }

    /// Their actors.
    #[must_use]
    pub const fn registry(&self) -> &Registry<BudgetActor> {
        &self.registry
    }

    /// All keys in a few figures.
    #[must_use]
    pub fn figures(&self, now: UnixMillis) -> BudgetFigures {
        self.board.figures(now)
    }

    /// As the port.
    #[must_use]
    pub fn turnstile(&self) -> Arc<dyn Turnstile> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Turnstile for Budgets {
    async fn pass(&self, key: KeyId, request: Request) -> Result<Ticket, Limited> {
        let (reply, answer) = Reply::new();
        self.registry.offer(key, BudgetMessage::Pass { request, reply }).map_err(|_| UNANSWERED)?;
        answer.await.unwrap_or(Err(UNANSWERED))
    }

    fn heard(&self, key: KeyId, ticket: Ticket, heard: Heard) {
        // A request of which nobody hears counts as under way for a while.
        let _ = self.registry.offer_if_live(key, BudgetMessage::Heard { ticket, heard });
    }
}
