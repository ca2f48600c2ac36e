//! What the service says about itself: logs and metrics, and the rule that neither says too much.
//!
//! Nothing here knows what a call or a booking is; others name what happened, this module gives it form.

pub mod logs;
pub mod metrics;
pub mod panics;
pub mod recorder;
pub mod redaction;
