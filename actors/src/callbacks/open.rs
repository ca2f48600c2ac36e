//! The wishes themselves.

use std::sync::Arc;

use askpro_domain::{
    callback::{Callback, CallbackOrder, JOINED_WITHIN_MS},
    ids::{CallId, CompanyId},
    phone::PhoneNumber,
    time::UnixMillis,
};
use dashmap::{DashMap, Entry};
use futures_util::{FutureExt, future::Shared};

use crate::ports::{
    journal::{Durable, JournalError, Position},
    stores::{CallbackStore, StoreError},
};

/// Rows read in one question.
const PAGE: u32 = 1_000;

/// Resolves when a record is on disk, for everybody who waits for it.
type Written = Shared<Durable>;

/// The open wishes of all companies. Cheap to clone.
#[derive(Clone, Default)]
pub struct OpenCallbacks(Arc<DashMap<(CompanyId, PhoneNumber), Open>>);

struct Open {
    callback: Callback,
    /// Its newest record.
    written: Written,
}

/// A wish for a number.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The company that shall call.
    pub company: CompanyId,
    /// The call in which it is asked for.
    pub call_id: &'a CallId,
    /// Whom to call.
    pub phone: &'a PhoneNumber,
    /// What is wished.
    pub order: &'a CallbackOrder,
    /// Key of that within the call.
    pub order_key: &'a str,
    /// Whether this call knows already that a callback is promised.
    pub is_known_to_call: bool,
}

/// A wish that was taken.
#[derive(Clone)]
pub struct Taken {
    /// The number's open wish, with this one joined.
    pub callback: Callback,
    /// Its record, when this wish needed one: the call must write its rows.
    pub position: Option<Position>,
    /// Resolves when all of it is on disk.
    pub written: Written,
}

impl OpenCallbacks {
    /// Joins a wish to the open one of its number, or opens one. Whatever is new is appended by `append`, one
    /// wish after the other for each number.
    ///
    /// # Errors
    /// When the journal does not take it; nothing has changed then.
    pub fn take(
        &self,
        wanted: &Wanted<'_>,
        now: UnixMillis,
        append: impl FnOnce(&Callback) -> Result<(Position, Durable), JournalError>,
    ) -> Result<Taken, JournalError> {
        let entry = self.0.entry((wanted.company, wanted.phone.clone()));
        let known = match &entry {
            Entry::Occupied(known) if known.get().callback.can_be_joined(now) => Some(known.get()),
            _ => None,
        };
        let callback = known.map_or_else(
            || {
                let phone = wanted.phone.clone();
                Callback::open(wanted.company, wanted.call_id, phone, wanted.order, wanted.order_key, now)
            },
            |known| known.callback.join(wanted.order),
        );
        if let Some(known) = known
            && wanted.is_known_to_call
            && known.callback == callback
            && !known.is_lost()
        {
            return Ok(Taken { callback, position: None, written: known.written.clone() });
        }
        let (position, durable) = append(&callback)?;
        let written = durable.shared();
        entry.insert(Open { callback: callback.clone(), written: written.clone() });
        Ok(Taken { callback, position: Some(position), written })
    }

    /// A wish as journal or database have it; the newer one of a number stays.
    pub fn learn(&self, callback: &Callback) {
        let age = |callback: &Callback| (callback.requested_at, callback.version);
        let on_disk: Durable = Box::pin(std::future::ready(Ok(())));
        let open = Open { callback: callback.clone(), written: on_disk.shared() };
        match self.0.entry((callback.company, callback.phone.clone())) {
            Entry::Occupied(known) if age(&known.get().callback) >= age(callback) => {}
            entry => drop(entry.insert(open)),
        }
    }

    /// Reads all that can still be joined.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(&self, store: &dyn CallbackStore, now: UnixMillis) -> Result<(), StoreError> {
        let since = now.plus_ms(-JOINED_WITHIN_MS);
        let mut after = None;
        loop {
            let page = store.list_open_callbacks(since, after.as_ref(), PAGE).await?;
            page.rows.iter().for_each(|callback| self.learn(callback));
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Forgets those that can be joined no more.
    pub fn forget_past(&self, now: UnixMillis) {
        self.0.retain(|_, open| open.callback.can_be_joined(now));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Open {
    /// Whether its record is known not to have reached the disk: whoever asked heard so.
    fn is_lost(&self) -> bool {
        matches!(self.written.clone().now_or_never(), Some(Err(_)))
    }
}
