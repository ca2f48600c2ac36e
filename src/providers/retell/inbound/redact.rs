//! Web calls carry an `access_token` with which a stranger could join the call: it is kept nowhere.

use std::borrow::Cow;

use crate::providers::redact::blank;

const SECRET_KEY: &str = "access_token";

/// The body with every token in it replaced; see [`blank`].
#[must_use]
pub fn blank_secrets(body: &[u8]) -> Cow<'_, [u8]> {
    blank(body, SECRET_KEY)
}
