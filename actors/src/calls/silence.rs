//! Calls whose end never comes: they are asked for at the platform, again and again, and given up in the end.

use askpro_domain::time::UnixMillis;

use super::{CallActor, CallMessage};
use crate::{
    ports::voice::{Account, account_of},
    reconcile::ReconcileMessage,
    runtime::Context,
};

/// What is known of a call's silence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    /// When the first word of the call arrived.
    heard_first: UnixMillis,
    /// How often it told that it fell silent.
    told: u32,
    /// When the platform last said that it goes on.
    ongoing_at: Option<UnixMillis>,
}

impl Silence {
    pub(super) const fn new(now: UnixMillis) -> Self {
        Self { heard_first: now, told: 0, ongoing_at: None }
    }

    /// Something arrived at `at`, perhaps before this actor came to life.
    pub(super) fn heard(&mut self, at: UnixMillis) {
        self.heard_first = self.heard_first.min(at);
    }

    /// The platform said that the call goes on.
    pub(super) const fn ongoing(&mut self, now: UnixMillis) {
        self.ongoing_at = Some(now);
    }
}

impl CallActor {
    /// The call is live: from now on it notices when it falls silent.
    pub(super) fn listen(&self, cx: &mut Context<'_, Self>) {
        let at = self.silence.heard_first.plus_ms(self.world.settings.silent_after_ms);
        cx.arm("silence", at, CallMessage::Silent);
    }

    /// Nobody told that it is over: asks for it, or gives it up.
    pub(super) fn fell_silent(&mut self, cx: &mut Context<'_, Self>) {
        let Some(placed) = self.state.placed.filter(|_| !self.state.is_over()) else { return };
        let account = account_of(self.world.voice.as_ref(), placed.company, self.silence.told);
        let call_id = self.state.call_id.clone();
        if self.is_given_up(cx.now()) {
            let account = account.unwrap_or(Account::Platform);
            self.tell_reconciler(account, ReconcileMessage::GiveUp(call_id), cx);
        } else if let Some(account) = account {
            self.tell_reconciler(account, ReconcileMessage::LookUp(call_id), cx);
        }
        cx.arm("silence", self.tell_again_at(cx.now()), CallMessage::Silent);
        self.silence.told = self.silence.told.saturating_add(1);
    }

    /// Silent for too long, and the platform has not vouched for it lately.
    fn is_given_up(&self, now: UnixMillis) -> bool {
        let settings = &self.world.settings;
        let vouched = |at: UnixMillis| now.since(at) <= settings.silent_again_ms_max;
        now.since(self.silence.heard_first) >= settings.given_up_after_ms
            && !self.silence.ongoing_at.is_some_and(vouched)
    }

    /// Twice as long from time to time, but at the moment when it is given up.
    fn tell_again_at(&self, now: UnixMillis) -> UnixMillis {
        let settings = &self.world.settings;
        let doubled = settings.silent_again_ms.saturating_mul(1_i64 << self.silence.told.min(20));
        let again = now.plus_ms(doubled.min(settings.silent_again_ms_max));
        let given_up = self.silence.heard_first.plus_ms(settings.given_up_after_ms);
        if given_up > now { again.min(given_up) } else { again }
    }

    fn tell_reconciler(&self, account: Account, message: ReconcileMessage, cx: &mut Context<'_, Self>) {
        let world = self.world.clone();
        cx.effect(move || {
            if let Some(reconcilers) = world.reconcilers.get() {
                // What finds no room is told again.
                let _ = reconcilers.offer(account, message);
            }
        });
    }
}
