//! Who the companies are, right now.

use std::sync::Arc;

use askpro_domain::tenant::Directory;

/// The newest directory; imports replace it while the service runs.
pub trait DirectoryView: Send + Sync {
    /// A consistent view; keep it no longer than one turn.
    fn current(&self) -> Arc<Directory>;
}
