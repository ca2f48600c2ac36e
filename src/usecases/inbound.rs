//! What is answered before a call or chat begins, while the caller's telephone rings: who calls, which agent
//! answers, or that the company has enough calls. From memory alone: no actor and no database is asked.

mod memory;

use std::{collections::BTreeMap, sync::Arc};

use askpro_actors::ports::journal::Signer;
use askpro_domain::{
    call::CallIdentity,
    greeting,
    ids::{BranchId, CallId},
    phone::PhoneNumber,
    tenant::{AgentVersion, Branch, Company, Directory, Placement, quota::OverQuota},
    time::UnixMillis,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use memory::InboundMemory;

use self::memory::Asked;
use super::{
    Services,
    load::{Class, Reason, count_refused},
};
use crate::telemetry::metrics::INBOUND_ANSWERS;

/// A call or chat that is about to begin.
#[derive(Debug, Clone)]
pub struct InboundQuestion {
    /// Name of the object in question and answer: `call_inbound` or `chat_inbound`.
    pub kind: &'static str,
    /// Its id, when it was told.
    pub call_id: Option<CallId>,
    /// Who takes part.
    pub identity: CallIdentity,
    /// Who signed the question.
    pub signer: Signer,
}

/// The object in the answer. Retell drops an answer with anything odd in it, so what is not said is left out.
#[derive(Debug, Default, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reject: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_agent_version: Option<&'a AgentVersion>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    dynamic_variables: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
}

/// Answers, with JSON. The same question again is given the same answer and counts once against the quotas.
#[must_use]
pub fn answer(services: &Services, question: &InboundQuestion, now: UnixMillis) -> Bytes {
    let directory = services.directory.current();
    let Some((company, branch)) = place(&directory, question) else {
        count("unplaced");
        return body(question.kind, &Answer::default());
    };
    let decide = || {
        let (answer, outcome) = decide(services, company, branch, question, now);
        count(outcome);
        body(question.kind, &answer)
    };
    let Some(call_id) = &question.call_id else { return decide() };
    let asked = Asked { company: company.id, kind: question.kind, call_id: call_id.clone() };
    let (answer, is_repeat) = services.inbound.once(asked, now, decide);
    if is_repeat {
        count("repeated");
    }
    answer
}

/// Where the call will belong; `None` too when only a company's own key says so of another company's number.
fn place<'a>(directory: &'a Directory, question: &InboundQuestion) -> Option<(&'a Arc<Company>, &'a Branch)> {
    let (company, branch): (_, BranchId) = match directory.place(&question.identity.placing()) {
        Placement::Placed { company, branch } => (company, branch),
        Placement::Unplaced(_) => return None,
    };
    if matches!(question.signer, Signer::Company(own) if own != company) {
        return None;
    }
    let company = directory.company(company)?;
    Some((company, company.branch(branch)?))
}

fn decide<'a>(
    services: &Services,
    company: &Company,
    branch: &'a Branch,
    question: &InboundQuestion,
    now: UnixMillis,
) -> (Answer<'a>, &'static str) {
    let actors = &services.actors;
    let admitted = actors.admissions.admit(company, &actors.live, question.call_id.as_ref(), now);
    if let Err(over) = admitted {
        count_refused(Class::Inbound, Reason::Quota);
        return (Answer { reject: true, ..Answer::default() }, over_outcome(over));
    }
    let caller = question.identity.from_number.as_deref().and_then(PhoneNumber::parse_e164);
    let card = caller.map(|phone| actors.customers.card(company.id, &phone, now));
    let mut variables = greeting::variables(company, branch, card.as_ref(), now);
    let is_known = variables.get("customer_known").is_some_and(|known| known == "true");
    let inbound = &branch.inbound;
    variables.extend(inbound.dynamic_variables.clone());
    let answer = Answer {
        reject: false,
        override_agent_id: inbound.override_agent_id.as_deref(),
        override_agent_version: inbound.override_agent_version.as_ref(),
        dynamic_variables: variables,
        metadata: Some(&inbound.metadata).filter(|metadata| !metadata.is_empty()),
    };
    (answer, if is_known { "known_caller" } else { "unknown_caller" })
}

/// `{"call_inbound":{…}}`
fn body(kind: &'static str, answer: &Answer<'_>) -> Bytes {
    // Texts and numbers always serialise.
    Bytes::from(serde_json::to_vec(&json!({ kind: answer })).unwrap_or_default())
}

const fn over_outcome(over: OverQuota) -> &'static str {
    match over {
        OverQuota::ConcurrentCalls => "over_concurrent_calls",
        OverQuota::CallsPerMinute => "over_calls_per_minute",
    }
}

/// Counts an answer; the word comes from the catalogue.
fn count(outcome: &'static str) {
    metrics::counter!(INBOUND_ANSWERS, "outcome" => outcome).increment(1);
}
