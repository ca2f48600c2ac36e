//! Live function calls: asked of the call's actor, answered within the caller's patience.

use std::{sync::Arc, time::Duration};

use askpro_actors::{
    calls::{Answered, AskFunction, CallMessage, Delivered},
    ports::{
        journal::Signer,
        rows::{FunctionCallRow, Write},
    },
    runtime::Reply,
    tenant::TenantMessage,
    writer::WriteOrder,
};
use askpro_domain::{
    call::CallIdentity,
    function::{Argument, FunctionName, Remarks, Speaker, ToolCall, with_last_field},
    ids::CallId,
    tenant::{Company, Placement},
    time::UnixMillis,
};
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Map, Value};

use super::{
    Services,
    load::{Class, Overloaded, Reason, admit_on, count_refused},
    own_key,
};
use crate::telemetry::metrics::{FUNCTION_ARGUMENTS, FUNCTION_DURATION, FUNCTIONS};

/// How long after the deadline an answer that is on its way is still waited for.
pub const ANSWER_GRACE: Duration = Duration::from_millis(200);
/// Rows that may wait for the writers before the log of functions is left out: these rows are in no journal.
const LOGGED_UNTIL_BACKLOG: usize = 50_000;

/// A live function call.
#[derive(Debug)]
pub struct FunctionRequest {
    /// Which function.
    pub function: FunctionName,
    /// Its arguments as sent.
    pub arguments: Map<String, Value>,
    /// The call whose agent asks.
    pub call_id: CallId,
    /// What is known of it from the request.
    pub told_by: ToldBy,
    /// Who signed it.
    pub signer: Signer,
    /// When it arrived.
    pub asked_at: UnixMillis,
}

/// Where a request names its call.
#[derive(Debug)]
pub enum ToldBy {
    /// In what is signed.
    SignedBody {
        /// Who takes part.
        identity: CallIdentity,
        /// When the call began, as its object says.
        started_at: Option<UnixMillis>,
        /// What the body tells of the tool call.
        tool_call: ToolCall,
    },
    /// Beside it. That proves nothing: only a call that is live and placed here may be asked so.
    Address,
}

/// Why a question was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    /// Too much waits.
    Overloaded,
    /// It names its call beside the body, and no such call is live here under this signer.
    CallUnknown,
}

impl From<Overloaded> for NotAsked {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

/// Asks, and waits for the answer. An agent that asked always hears something: when its call does not answer
/// in time, that everything is busy.
///
/// # Errors
/// [`NotAsked`] when the question was not even taken.
pub async fn ask(services: &Arc<Services>, request: FunctionRequest) -> Result<Answered, NotAsked> {
    let function = request.function;
    let class = if function.is_write() { Class::FunctionWrite } else { Class::FunctionRead };
    admit_on(services, class)?;
    own_key::admit(services, class, request.signer, &request.call_id)?;
    let (call_id, asked_at) = (request.call_id.clone(), request.asked_at);
    let deadline = asked_at.plus_ms(services.function_budget_ms);
    let may_be_first = matches!(request.told_by, ToldBy::SignedBody { .. });
    let (identity, started_at, tool_call) = match request.told_by {
        ToldBy::SignedBody { identity, started_at, tool_call } => (identity, started_at, tool_call),
        ToldBy::Address => {
            let known = known_call(services, &call_id, request.signer, deadline).await;
            match known.inspect_err(|refused| count_not_asked(class, *refused))? {
                Some(identity) => (identity, None, ToolCall::default()),
                None => {
                    let busy = busy_answer(None);
                    count(function.as_str(), outcome_of(&busy));
                    return Ok(busy);
                }
            }
        }
    };
    let company = company_of(services, &identity);
    let busy = busy_answer(company.as_deref());
    if company.is_some_and(|company| !services.function_pace.admit(&company, class, asked_at)) {
        count_refused(class, Reason::Quota);
        count(function.as_str(), REFUSED);
        return Ok(busy);
    }
    let ((reply, answer), (remarks, remarked)) = (Reply::new(), Reply::new());
    let message = CallMessage::AskFunction(Box::new(AskFunction {
        function,
        arguments: request.arguments,
        tool_call,
        identity,
        started_at,
        signer: request.signer,
        asked_at,
        deadline,
        remarks,
        reply,
    }));
    hand_in(services, call_id.clone(), message, may_be_first)
        .inspect_err(|refused| count_not_asked(class, *refused))?;
    let waited = tokio::time::timeout(until(services, deadline) + ANSWER_GRACE, answer).await;
    let answered = waited.ok().and_then(Result::ok).unwrap_or(busy);
    // They were told before the answer, or never will be.
    let remarks = remarked.now_or_never().and_then(Result::ok).unwrap_or_default();
    let answered = with_remarks(answered, &remarks);
    note(services, function, call_id, asked_at, &answered);
    Ok(answered)
}

fn count_not_asked(class: Class, refused: NotAsked) {
    if refused == NotAsked::Overloaded {
        count_refused(class, Reason::QueueFull);
    }
}

/// Gives the question to its call, which comes to life by it only if the question proves the call.
fn hand_in(
    services: &Services,
    call_id: CallId,
    message: CallMessage,
    may_be_first: bool,
) -> Result<(), NotAsked> {
    let calls = &services.actors.calls;
    if may_be_first {
        return match calls.offer(call_id, message) {
            Delivered::Refused { .. } => Err(NotAsked::Overloaded),
            Delivered::Now | Delivered::Later => Ok(()),
        };
    }
    match calls.registry().offer_if_live(call_id, message) {
        Ok(true) => Ok(()),
        Ok(false) => Err(NotAsked::CallUnknown),
        Err(_) => Err(NotAsked::Overloaded),
    }
}

/// Who takes part in a call that is live here, placed, and not another company's than the signer's. Nothing
/// comes to life by asking. `None` when the call does not answer in time.
async fn known_call(
    services: &Services,
    call_id: &CallId,
    signer: Signer,
    deadline: UnixMillis,
) -> Result<Option<CallIdentity>, NotAsked> {
    let (reply, answer) = Reply::new();
    hand_in(services, call_id.clone(), CallMessage::GetCall(reply), false)?;
    let view = tokio::time::timeout(until(services, deadline), answer).await;
    let Some(state) = view.ok().and_then(Result::ok).map(|view| view.state) else { return Ok(None) };
    let company = state.placed.filter(|_| !state.is_over()).map(|placed| placed.company);
    let may_ask = match (company, signer) {
        // What a company only claims is nothing that the platform would ask about.
        (Some(_), Signer::Platform) => !state.claimed,
        (Some(company), Signer::Company(own)) => company == own,
        (None, _) => false,
    };
    if may_ask { Ok(Some(state.identity())) } else { Err(NotAsked::CallUnknown) }
}

/// How long it is to a moment.
fn until(services: &Services, at: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(at.since(services.clock.now())).unwrap_or_default())
}

/// The company that the call belongs to, as far as the question itself tells.
fn company_of(services: &Services, identity: &CallIdentity) -> Option<Arc<Company>> {
    let directory = services.directory.current();
    match directory.place(&identity.placing()) {
        Placement::Placed { company, .. } => directory.company(company).cloned(),
        Placement::Unplaced(_) => None,
    }
}

/// What is said when the call's actor says nothing, in the language of the company if that can be told.
fn busy_answer(company: Option<&Company>) -> Answered {
    let answer = company.map_or_else(Speaker::of_nobody, Speaker::of).busy();
    Answered {
        body: Bytes::from(answer.to_bytes()),
        success: answer.success,
        code: answer.code.to_owned(),
        company: company.map(|company| company.id),
    }
}

/// Says in the answer which time was understood, and what was given and is of no use, so that the agent can ask
/// for it again; counts that.
fn with_remarks(mut answered: Answered, remarks: &Remarks) -> Answered {
    let kinds = [
        ("ignored", remarks.ignored.as_slice()),
        ("moved", remarks.moved.as_slice()),
        ("too_long", remarks.too_long.as_slice()),
    ];
    for (kind, arguments) in kinds {
        for argument in arguments.iter().copied().map(Argument::name) {
            metrics::counter!(FUNCTION_ARGUMENTS, "argument" => argument, "remark" => kind).increment(1);
        }
    }
    let ignored: Vec<&str> = remarks.ignored_names().collect();
    let understood = remarks.understood.as_deref().map(Value::from);
    let ignored = (!ignored.is_empty()).then(|| Value::from(ignored));
    for (name, value) in [("understood", understood), ("ignored", ignored)] {
        if let Some(body) = value.and_then(|value| with_last_field(&answered.body, name, &value)) {
            answered.body = Bytes::from(body);
        }
    }
    answered
}

/// Counts an answer and leaves a row, for "why did this booking fail".
fn note(
    services: &Services,
    function: FunctionName,
    call_id: CallId,
    asked_at: UnixMillis,
    answered: &Answered,
) {
    let answered_at = services.clock.now();
    let took_ms = answered_at.since(asked_at).max(0);
    count(function.as_str(), outcome_of(answered));
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 milliseconds")]
    let took_s = took_ms as f64 / 1_000.0;
    metrics::histogram!(FUNCTION_DURATION, "function" => function.as_str()).record(took_s);
    let Some(company) = answered.company else { return };
    let (success, code) = (answered.success, answered.code.clone());
    // A figure that does not fit into a full mailbox is counted there as refused.
    let _ = services.actors.tenants.offer(company, TenantMessage::FunctionAnswered { code: code.clone() });
    if services.actors.writers.backlog() >= LOGGED_UNTIL_BACKLOG {
        services.traffic.leave_row_out();
        return;
    }
    let function = function.as_str();
    let row =
        FunctionCallRow { company, call_id: call_id.clone(), answered_at, function, success, code, took_ms };
    let writes = vec![Write::FunctionCall(row)];
    services.actors.writers.write(WriteOrder { call_id: Some(call_id), writes, positions: Vec::new() });
}

/// Counts a function call by its outcome; both words come from the catalogue.
pub fn count(function: &'static str, outcome: &'static str) {
    metrics::counter!(FUNCTIONS, "function" => function, "outcome" => outcome).increment(1);
}

/// Outcome of what was answered with no, and nothing is wrong here.
const REFUSED: &str = "refused";

/// The word for metrics: a closed set over the open set of codes. `unavailable` rings an alert, so it is said only of
/// what could not be done and should have been: a function that is not built, or a number that nobody imported, is none.
fn outcome_of(answered: &Answered) -> &'static str {
    match answered.code.as_str() {
        "pending_confirmation" => "pending",
        "outcome_unknown" => "unknown",
        "busy" | "calendar_unavailable" => "unavailable",
        _ if answered.success => "ok",
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_no_use_is_named_in_the_answer() {
        let answered = || Answered {
            body: Bytes::from_static(b"{\"success\":true,\"code\":\"confirmed\"}"),
            success: true,
            code: "confirmed".to_owned(),
            company: None,
        };
        let remarks = Remarks {
            ignored: vec![Argument::Email],
            moved: vec![Argument::Staff],
            too_long: Some(Argument::Notes),
            understood: Some("am Dienstag".to_owned()),
        };
        let body = with_remarks(answered(), &remarks).body;
        let wanted =
            r#"{"success":true,"code":"confirmed","understood":"am Dienstag","ignored":["customer_email"]}"#;
        assert_eq!(body, wanted);
        assert_eq!(with_remarks(answered(), &Remarks::default()), answered());
    }

    #[test]
    fn every_argument_is_counted_under_its_name() {
        let names = Argument::ALL.map(Argument::name);
        assert_eq!(crate::telemetry::metrics::ARGUMENT_NAMES, names);
    }

    #[test]
    fn every_answer_has_an_outcome_of_the_closed_set() {
        let answered = |success, code: &str| Answered {
            body: Bytes::new(),
            success,
            code: code.to_owned(),
            company: None,
        };
        let outcome = |success, code| outcome_of(&answered(success, code));
        assert_eq!(outcome(true, "available"), "ok");
        assert_eq!(outcome(true, "confirmed"), "ok");
        assert_eq!(outcome(true, "pending_confirmation"), "pending");
        assert_eq!(outcome(false, "outcome_unknown"), "unknown");
        assert_eq!(outcome(false, "busy"), "unavailable");
        assert_eq!(outcome(false, "calendar_unavailable"), "unavailable");
        assert_eq!(outcome(false, "function_unavailable"), "refused");
        assert_eq!(outcome(false, "company_unknown"), "refused");
        assert_eq!(outcome(false, "slot_taken"), "refused");
        assert_eq!(outcome(false, "a_code_of_tomorrow"), "refused");
    }
}
