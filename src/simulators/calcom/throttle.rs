//! The rate limit of one key: a window of 60 s, and 60 s of being blocked after it is used up.

const WINDOW_MS: i64 = 60_000;
const BLOCKED_MS: i64 = 60_000;

/// How far one key has got.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    ends_ms: i64,
    used: u32,
    blocked_until_ms: Option<i64>,
}

/// The verdict on one request, with what the `X-RateLimit-*` headers say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_s: i64,
}

impl Window {
    pub(super) fn starting(now: i64) -> Self {
        Self { ends_ms: now + WINDOW_MS, used: 0, blocked_until_ms: None }
    }

    /// Counts one request.
    pub(super) fn pass(&mut self, now: i64, limit: u32) -> Pass {
        match self.blocked_until_ms {
            Some(until) if now < until => return refused(limit, until - now),
            Some(_) => *self = Self::starting(now),
            None if now >= self.ends_ms => *self = Self::starting(now),
            None => {}
        }
        if self.used >= limit {
            self.blocked_until_ms = Some(now + BLOCKED_MS);
            return refused(limit, BLOCKED_MS);
        }
        self.used += 1;
        let remaining = limit - self.used;
        Pass { allowed: true, limit, remaining, reset_s: seconds(self.ends_ms - now) }
    }
}

fn refused(limit: u32, wait_ms: i64) -> Pass {
    Pass { allowed: false, limit, remaining: 0, reset_s: seconds(wait_ms) }
}

fn seconds(ms: i64) -> i64 {
    (ms + 999).div_euclid(1000)
}
