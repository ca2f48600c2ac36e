//! How the book is filled: page by page, at start with everything, after an import with what it changed.

use std::sync::atomic::Ordering;

use askpro_domain::{customer::Upcoming, time::UnixMillis};

use super::CustomerBook;
use crate::ports::stores::{CustomerPlace, CustomerStore, StoreError, StoredBooking};

/// Rows read in one question.
const PAGE: u32 = 1_000;

impl CustomerBook {
    /// Reads all customers and everything that lies ahead.
    ///
    /// # Errors
    /// When the database does not answer; what was read until then is in the book.
    pub async fn load(&self, store: &dyn CustomerStore, now: UnixMillis) -> Result<(), StoreError> {
        let last = self.read_customers(store, None).await?;
        let mut after = None;
        loop {
            let page = store.list_upcoming(now, after.as_ref(), PAGE).await?;
            for StoredBooking { booking, staff } in &page.rows {
                self.note_appointment(
                    booking,
                    &Upcoming { staff: *staff, ..Upcoming::of(booking, None) },
                    now,
                );
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.import_version.fetch_max(last.map_or(0, |place| place.import_version), Ordering::SeqCst);
        Ok(())
    }

    /// Reads what imports up to `version` changed since the last time. Gives whether there was anything to read.
    ///
    /// # Errors
    /// When the database does not answer; it is read again the next time.
    pub async fn follow(&self, store: &dyn CustomerStore, version: i64) -> Result<bool, StoreError> {
        let known = self.import_version();
        if version <= known {
            return Ok(false);
        }
        self.read_customers(store, Some(CustomerPlace::after_import(known))).await?;
        self.import_version.fetch_max(version, Ordering::SeqCst);
        Ok(true)
    }

    async fn read_customers(
        &self,
        store: &dyn CustomerStore,
        mut after: Option<CustomerPlace>,
    ) -> Result<Option<CustomerPlace>, StoreError> {
        loop {
            let page = store.list_customers(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(after) };
            after = Some(last.place);
            page.iter().for_each(|customer| self.learn(customer));
        }
    }
}
