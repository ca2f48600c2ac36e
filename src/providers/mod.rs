//! Adapters to the vendors: what comes in from them is verified and decoded, what goes out to them is
//! asked and mapped. They know the ports and the domain, never the store, the journal or our own HTTP.

pub mod calcom;
pub mod http_client;
mod redact;
pub mod retell;

#[cfg(test)]
mod test_server;
