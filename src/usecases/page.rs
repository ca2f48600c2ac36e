//! Pages of lists: keyset paging, the cursor is the key of the last item.

use askpro_actors::ports::stores::HEAVY_PAGE_ROWS_MAX;
use serde::Serialize;

use super::AdminError;

/// Longest cursor, in bytes.
const CURSOR_BYTES_MAX: usize = 256;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    cursor: Option<String>,
    limit: u16,
}

impl PageRequest {
    /// Items on a page, unless another number is asked for.
    pub const LIMIT_DEFAULT: u16 = 100;
    /// Items on a page at most.
    pub const LIMIT_MAX: u16 = 1_000;
    /// Items with bodies on a page at most; stores give no more.
    pub const HEAVY_LIMIT_MAX: u16 = HEAVY_PAGE_ROWS_MAX;

    /// Reads the parameters of a request.
    ///
    /// # Errors
    /// [`AdminError::BadParameter`] for a limit that is no number from 1 to 1000, or an absurd cursor.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, AdminError> {
        let limit = match limit {
            None => Some(Self::LIMIT_DEFAULT),
            Some(text) => text.parse().ok().filter(|limit| (1..=Self::LIMIT_MAX).contains(limit)),
        };
        let limit =
            limit.ok_or(AdminError::BadParameter { name: "limit", expected: "a number from 1 to 1000" })?;
        let absurd = |text: &&str| text.len() > CURSOR_BYTES_MAX || text.chars().any(char::is_control);
        if cursor.as_ref().is_some_and(absurd) {
            return Err(bad_cursor());
        }
        Ok(Self { cursor: cursor.filter(|text| !text.is_empty()).map(str::to_owned), limit })
    }

    /// The key of the last item of the page before.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The key of the last item of the page before, read as what it must be.
    pub(super) fn after<K>(&self, parse: impl FnOnce(&str) -> Option<K>) -> Result<Option<K>, AdminError> {
        self.cursor().map(|text| parse(text).ok_or_else(bad_cursor)).transpose()
    }

    /// Items wanted.
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }

    /// Items on a page whose items carry bodies: a page has to fit into memory.
    #[must_use]
    pub fn heavy_limit(&self) -> usize {
        self.limit().min(usize::from(Self::HEAVY_LIMIT_MAX))
    }

    /// The same, as stores take it.
    #[must_use]
    pub fn heavy_limit_u32(&self) -> u32 {
        u32::from(self.limit.min(Self::HEAVY_LIMIT_MAX))
    }
}

/// A cursor that no page gave.
pub(super) fn bad_cursor() -> AdminError {
    AdminError::BadParameter { name: "cursor", expected: "the `next_cursor` of the page before" }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Asks for the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always given whole.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page of a source that gives at most `limit` items: a full one may have a next one.
    pub(super) fn of_source(items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let next_cursor = items.last().filter(|_| items.len() >= limit).map(key);
        Self { items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(limit: Option<&str>, cursor: Option<&str>) -> &'static str {
        match PageRequest::parse(limit, cursor) {
            Err(AdminError::BadParameter { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_limit_is_a_number_from_1_to_1000() {
        for bad in ["0", "1001", "-1", "1e3", "", " 5", "99999999999999999999", "NaN"] {
            assert_eq!(refused(Some(bad), None), "limit", "{bad}");
        }
        assert_eq!(PageRequest::parse(Some("1000"), None).unwrap().limit(), 1_000);
        assert_eq!(PageRequest::parse(None, None).unwrap().limit(), 100);
    }

    #[test]
    fn an_absurd_cursor_is_refused_and_an_empty_one_is_none() {
        assert_eq!(refused(None, Some(&"x".repeat(257))), "cursor");
        assert_eq!(refused(None, Some("a\0b")), "cursor");
        assert_eq!(PageRequest::parse(None, Some("")).unwrap().cursor(), None);
        let page = PageRequest::parse(None, Some("abc")).unwrap();
        assert!(matches!(page.after(|t| t.parse::<i64>().ok()), Err(AdminError::BadParameter { .. })));
    }

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let page = |count: i32, limit| Page::of_source((0..count).collect(), limit, i32::to_string);
        assert_eq!(page(3, 3).next_cursor.as_deref(), Some("2"));
        assert_eq!(page(2, 3).next_cursor, None);
        assert_eq!(page(0, 3).next_cursor, None);
    }
}
