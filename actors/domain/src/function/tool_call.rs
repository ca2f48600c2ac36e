//! The tool call that asks, as the call's own words tell of it.

/// A tool call of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, when the body tells it: another one is a new wish, the same one is sent again.
    pub id: Option<String>,
    /// Code of what the same function answered last in this call, if the agent has heard it.
    pub heard: Option<String>,
}
