//! What a branch answers when Retell asks before a call or chat begins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings of a branch for `call_inbound` and `chat_inbound`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InboundSettings {
    /// The agent that answers instead of the one bound to the number; one of the branch's agents.
    pub override_agent_id: Option<String>,
    /// That agent's version.
    pub override_agent_version: Option<AgentVersion>,
    /// Variables of the branch's own, beside those of [`crate::greeting`].
    pub dynamic_variables: BTreeMap<String, String>,
    /// Goes with the call and comes back in its events.
    pub metadata: Map<String, Value>,
}

/// A version of an agent, as Retell takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AgentVersion {
    /// Its number, not negative.
    Number(i64),
    /// Its tag, such as `production`.
    Tag(String),
}
