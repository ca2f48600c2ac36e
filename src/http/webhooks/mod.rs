//! Webhooks of the vendors: verified before they are parsed.

pub(super) mod calcom;
pub(super) mod inbound;
pub(super) mod retell;
pub(super) mod signed;
#[cfg(test)]
pub(super) mod testing;
