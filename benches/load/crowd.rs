//! Calls that begin and go on, without a word yet.

use askpro::simulators::retell::sign;
use rand::{SeedableRng, rngs::SmallRng};

use super::{Source, head};
use crate::{
    plain::PlainCall,
    support::{days::now_ms, service::WEBHOOK_KEY},
};

/// `call_started` of very many calls, to so many companies.
pub struct Crowd {
    pub companies: usize,
}

impl Source for Crowd {
    fn steps(&self) -> u64 {
        1
    }

    fn fill(&self, call: u64, _step: u64, request: &mut Vec<u8>) {
        let mut rng = SmallRng::seed_from_u64(call);
        let body = PlainCall::new(&mut rng, "live", self.companies).started();
        let signature = sign(WEBHOOK_KEY, body.as_bytes(), now_ms());
        head("/webhooks/retell", &signature, body.len(), request);
        request.extend_from_slice(body.as_bytes());
    }
}
