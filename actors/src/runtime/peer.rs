//! How actors of one kind know those of another that were started after them.

use std::sync::{OnceLock, Weak};

use super::registry::Inner;
use super::{Actor, Registry};

/// Others that are told once at start. It does not keep them in memory: kinds whose actors know one another would
/// keep one another for ever.
pub struct Peers<A: Actor>(OnceLock<Weak<Inner<A>>>);

impl<A: Actor> Default for Peers<A> {
    fn default() -> Self {
        Peers(OnceLock::new())
    }
}

impl<A: Actor> Peers<A> {
    /// These are they. The first word counts.
    pub fn set(&self, registry: &Registry<A>) {
        self.0.get_or_init(|| registry.downgrade());
    }

    /// The others, as long as somebody keeps their registry; the process does until its end.
    pub fn get(&self) -> Option<Registry<A>> {
        Registry::upgrade(self.0.get()?)
    }
}
