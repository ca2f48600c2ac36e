//! The companies in memory, replaced as a whole when an import changed them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use askpro_actors::ports::{
    directory::DirectoryView,
    stores::{CompanyStore, StoreError},
};
use askpro_domain::tenant::Directory;

/// The newest directory.
#[derive(Default)]
pub(super) struct LiveDirectory {
    directory: ArcSwap<Directory>,
    version: std::sync::atomic::AtomicI64,
}

impl DirectoryView for LiveDirectory {
    fn current(&self) -> Arc<Directory> {
        self.directory.load_full()
    }
}

impl LiveDirectory {
    /// How many imports it knows of.
    pub(super) fn version(&self) -> i64 {
        self.version.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Reads all companies when an import came since the last time. Gives whether it did.
    ///
    /// # Errors
    /// When the database does not answer; the directory stays as it was.
    pub(super) async fn refresh(&self, store: &dyn CompanyStore) -> Result<bool, StoreError> {
        use std::sync::atomic::Ordering::SeqCst;
        let version = store.companies_version().await?;
        if version == self.version.load(SeqCst) {
            return Ok(false);
        }
        let companies = store.list_companies().await?;
        self.directory.store(Arc::new(Directory::new(companies)));
        self.version.store(version, SeqCst);
        Ok(true)
    }
}
