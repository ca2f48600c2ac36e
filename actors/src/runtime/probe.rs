//! A look at every turn, for those who try what a panic or a thread that stands still does to the others. It must
//! not know what the actors are about.

use std::fmt::Display;
use std::sync::Arc;

/// Called before each turn, on the actor's own thread, with the actor's kind and key. A panic in it is a panic of
/// the turn; time that it takes is time of the turn. Without one a turn costs a test for nothing more.
pub type Probe = Arc<dyn Fn(&'static str, &dyn Display) + Send + Sync>;
