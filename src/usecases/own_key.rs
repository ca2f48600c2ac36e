//! How many calls a company's own key may bring to life. Whoever has such a key can sign what they like: it must
//! cost their company alone.

use askpro_actors::ports::journal::Signer;
use askpro_domain::ids::CallId;

use super::{
    Services,
    load::{Class, Overloaded, Reason, count_refused},
};

/// Live calls of one company from which on its own key begins no further one: a twentieth of all that fit.
/// Calls that exist are always taken, and so is whatever the platform's key signed.
pub const CALLS_OF_OWN_KEY_MAX: i64 = 50_000;

/// Lets what this signer says of this call in, or counts it as refused.
///
/// # Errors
/// [`Overloaded`]; once other calls have ended it may be sent again.
pub(super) fn admit(
    services: &Services,
    class: Class,
    signer: Signer,
    call_id: &CallId,
) -> Result<(), Overloaded> {
    let Signer::Company(company) = signer else { return Ok(()) };
    let actors = &services.actors;
    if actors.live.of(company) < CALLS_OF_OWN_KEY_MAX || actors.calls.registry().is_live(call_id) {
        return Ok(());
    }
    count_refused(class, Reason::Quota);
    Err(Overloaded)
}
