//! (a): checks the signature, answers 204 and keeps nothing.

use actix_web::web::Bytes;

use super::server::{Keep, Server};

/// See the module.
pub struct Bare {
    server: Server,
}

#[derive(Clone)]
struct Nothing;

impl Keep for Nothing {
    async fn keep(&self, _body: Bytes) -> bool {
        true
    }
}

impl Bare {
    pub fn start() -> Self {
        Self { server: Server::start(Nothing) }
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }
}
