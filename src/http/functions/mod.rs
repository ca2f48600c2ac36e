//! `POST /functions/retell/{function}` and `POST /functions/retell`: an agent asks while its caller waits.

mod beside;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path, Payload},
};
use askpro_domain::function::FunctionName;

use self::beside::Beside;
use super::{
    Edge, admit,
    extract::query::Query,
    overloaded,
    problem::Refusal,
    webhooks::signed::{self, Signed, unreadable},
};
use crate::{
    providers::retell::inbound::{
        decode::DecodeError,
        functions::{AskingCall, FunctionCall, decode_function},
    },
    telemetry::metrics::{FUNCTION_ENVELOPES, FUNCTIONS_VERSIONED},
    usecases::{
        Services,
        functions::{FunctionRequest, NotAsked, ToldBy, ask, count},
        load::Class,
        to_the_end,
    },
};

/// Stands for a function that we do not know.
const OTHER: &str = "other";

/// The address names the function.
pub(super) async fn named_in_path(
    edge: Data<Edge>,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    answer(&edge, Some(&name), &request, payload).await
}

/// The body names the function.
pub(super) async fn named_in_body(
    edge: Data<Edge>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    answer(&edge, None, &request, payload).await
}

async fn answer(
    edge: &Edge,
    name: Option<&str>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let (_, mut function) = class_and_word(name);
    match receive(edge, name, request, payload, &mut function).await {
        Ok(body) => {
            Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body))
        }
        Err(refusal) => {
            count(function, outcome_of(&refusal));
            Err(refusal)
        }
    }
}

/// Names the function in `function` as soon as it is known. What is answered here is counted by the use case.
async fn receive(
    edge: &Edge,
    name: Option<&str>,
    request: &HttpRequest,
    payload: Payload,
    function: &mut &'static str,
) -> Result<Bytes, Refusal> {
    let (class, _) = class_and_word(name);
    let services = edge.open_for(class)?;
    let query = Query::of(request)?;
    let signed = signed::read(edge, services, query.text("company"), class, request, payload).await?;
    let beside = Beside::of(request, &query).inspect_err(|_| forgive("id_conflict"))?;
    let call = decode(&signed.body, beside.as_ref())?;
    let (wanted, versioned) = wanted(name, &call)?;
    *function = wanted.as_str();
    if !wanted.is_write() && signed.class == Class::FunctionWrite {
        admit(services, Class::FunctionRead)?;
    }
    if versioned {
        metrics::counter!(FUNCTIONS_VERSIONED, "function" => wanted.as_str()).increment(1);
    }
    ask_to_the_end(services, wanted, call, &signed).await
}

/// Decodes a call, and counts what had to be forgiven or was refused for it.
fn decode(body: &[u8], beside: Option<&Beside>) -> Result<FunctionCall, Refusal> {
    let decoded = decode_function(body, beside.map(Beside::id)).map_err(|error| {
        match error {
            DecodeError::ArgsTooDeep => forgive("too_deep"),
            DecodeError::CallIdConflict => forgive("id_conflict"),
            _ => {}
        }
        unreadable(&error)
    })?;
    let by_address = matches!(decoded.call, AskingCall::Beside { .. });
    if let Some(beside) = beside.filter(|_| by_address) {
        forgive(beside.remark());
    }
    if decoded.args.unwrapped {
        forgive("unwrapped");
    }
    if decoded.args.text_parsed {
        forgive("text_parsed");
    }
    Ok(decoded)
}

/// Counts something that Retell's own bodies do not have; the words are those of the catalogue.
fn forgive(remark: &'static str) {
    metrics::counter!(FUNCTION_ENVELOPES, "remark" => remark).increment(1);
}

/// The agent's question runs to its end even when the agent hangs up, so that its row is written.
async fn ask_to_the_end(
    services: &Arc<Services>,
    function: FunctionName,
    call: FunctionCall,
    signed: &Signed,
) -> Result<Bytes, Refusal> {
    let (call_id, told_by) = match call.call {
        AskingCall::Signed { call_id, identity, started_at, tool_call } => {
            (call_id, ToldBy::SignedBody { identity, started_at, tool_call })
        }
        AskingCall::Beside { call_id } => (call_id, ToldBy::Address),
    };
    let (arguments, signer, asked_at) = (call.args.args, signed.signer, signed.at);
    let request = FunctionRequest { function, arguments, call_id, told_by, signer, asked_at };
    let asking = services.clone();
    match to_the_end(async move { ask(&asking, request).await }).await {
        Ok(Ok(answered)) => Ok(answered.body),
        Ok(Err(NotAsked::Overloaded)) => Err(overloaded(services)),
        Ok(Err(NotAsked::CallUnknown)) => {
            forgive("call_unknown");
            Err(Refusal::CallUnknown)
        }
        Err(_) => {
            tracing::error!("asking a function was broken off by a panic");
            Err(Refusal::Fault)
        }
    }
}

/// The address decides; without a name in it, the body does.
fn wanted(name: Option<&str>, call: &FunctionCall) -> Result<(FunctionName, bool), Refusal> {
    let name = name.or(call.name.as_deref()).ok_or_else(|| Refusal::BadBody {
        code: "function_missing",
        detail: "name the function in the address, or in `name` of the body".into(),
    })?;
    FunctionName::parse(name).ok_or_else(|| {
        let known = FunctionName::ALL.map(FunctionName::as_str).join(", ");
        Refusal::BadBody { code: "function_unknown", detail: format!("the functions are: {known}").into() }
    })
}

/// As what a function is let in whose path has this name, and the word for it in metrics. One that only the body names may
/// be one that writes.
pub(super) fn class_and_word(name: Option<&str>) -> (Class, &'static str) {
    let Some((name, _)) = name.and_then(FunctionName::parse) else { return (Class::FunctionWrite, OTHER) };
    let class = if name.is_write() { Class::FunctionWrite } else { Class::FunctionRead };
    (class, name.as_str())
}

/// Counts a function that was refused before it was read.
pub(super) fn count_unread(function: &'static str, refusal: &Refusal) {
    count(function, outcome_of(refusal));
}

/// The word for metrics: a closed set.
const fn outcome_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::BadSignature { .. } => "unauthorized",
        Refusal::Overloaded { .. } | Refusal::BodiesFull { .. } | Refusal::NotReady { .. } => "shed",
        _ => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_how_long_a_function_is_let_in() {
        assert_eq!(class_and_word(Some("check_availability_v3")).0, Class::FunctionRead);
        assert_eq!(class_and_word(Some("book_appointment")).0, Class::FunctionWrite);
        assert_eq!(class_and_word(None).0, Class::FunctionWrite, "the body may name one that writes");
    }
}
