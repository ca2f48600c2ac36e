//! An event of a call, decoded: what kind it is, what makes it the same event as another, and the facts
//! in it that rows and rules need. The body itself stays bytes, elsewhere.

use serde::{Deserialize, Serialize};

use super::merge::Provenance;
use crate::{
    ids::{BodyHash, CallId},
    tenant::PlacingFacts,
    time::UnixMillis,
};

/// How far a call had come when an event told of it; later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// `call_started`, `chat_started`.
    Started,
    /// Anything in mid-call: transcripts, transfers, function calls, events not known today.
    Updated,
    /// `call_ended`, `chat_ended`.
    Ended,
    /// `call_analyzed`, `chat_analyzed`.
    Analyzed,
}

/// Kinds of Retell events, `facts: webhook_events of voice and chat agents`. Open: new ones are `Other`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `call_started`
    CallStarted,
    /// `call_ended`
    CallEnded,
    /// `call_analyzed`
    CallAnalyzed,
    /// `transcript_updated`, of calls and chats
    TranscriptUpdated,
    /// `transfer_started`
    TransferStarted,
    /// `transfer_bridged`
    TransferBridged,
    /// `transfer_cancelled`
    TransferCancelled,
    /// `transfer_ended`
    TransferEnded,
    /// `chat_started`
    ChatStarted,
    /// `chat_ended`
    ChatEnded,
    /// `chat_analyzed`
    ChatAnalyzed,
    /// `alert_triggered`: belongs to the platform, to no call
    AlertTriggered,
    /// `alert_resolved`
    AlertResolved,
    /// Any other name: stored and acknowledged
    Other(String),
}

impl EventKind {
    /// Reads Retell's name.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "call_started" => Self::CallStarted,
            "call_ended" => Self::CallEnded,
            "call_analyzed" => Self::CallAnalyzed,
            "transcript_updated" => Self::TranscriptUpdated,
            "transfer_started" => Self::TransferStarted,
            "transfer_bridged" => Self::TransferBridged,
            "transfer_cancelled" => Self::TransferCancelled,
            "transfer_ended" => Self::TransferEnded,
            "chat_started" => Self::ChatStarted,
            "chat_ended" => Self::ChatEnded,
            "chat_analyzed" => Self::ChatAnalyzed,
            "alert_triggered" => Self::AlertTriggered,
            "alert_resolved" => Self::AlertResolved,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Retell's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => known.label(),
        }
    }

    /// The name for metrics: a closed set, unknown kinds are `other`.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::CallStarted => "call_started",
            Self::CallEnded => "call_ended",
            Self::CallAnalyzed => "call_analyzed",
            Self::TranscriptUpdated => "transcript_updated",
            Self::TransferStarted => "transfer_started",
            Self::TransferBridged => "transfer_bridged",
            Self::TransferCancelled => "transfer_cancelled",
            Self::TransferEnded => "transfer_ended",
            Self::ChatStarted => "chat_started",
            Self::ChatEnded => "chat_ended",
            Self::ChatAnalyzed => "chat_analyzed",
            Self::AlertTriggered => "alert_triggered",
            Self::AlertResolved => "alert_resolved",
            Self::Other(_) => "other",
        }
    }

    /// The stage that its facts belong to.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::CallStarted | Self::ChatStarted => Stage::Started,
            Self::CallEnded | Self::ChatEnded => Stage::Ended,
            Self::CallAnalyzed | Self::ChatAnalyzed => Stage::Analyzed,
            _ => Stage::Updated,
        }
    }

    /// Whether a newer one makes an older one worthless, so that it needs no place in the journal.
    #[must_use]
    pub const fn is_supersedable(&self) -> bool {
        matches!(self, Self::TranscriptUpdated)
    }

    /// Whether it tells of the platform, not of a call.
    #[must_use]
    pub const fn is_platform(&self) -> bool {
        matches!(self, Self::AlertTriggered | Self::AlertResolved)
    }

    /// Identity among the events of one call: lifecycle events happen once; an analysis once per
    /// analysis; transfers and unknown kinds once per body (without `event_timestamp`); transcripts have
    /// one row that is replaced.
    #[must_use]
    pub fn dedup_key(&self, analysis: Option<BodyHash>, body_without_timestamp: BodyHash) -> String {
        match self {
            Self::CallStarted
            | Self::CallEnded
            | Self::ChatStarted
            | Self::ChatEnded
            | Self::TranscriptUpdated => self.name().to_owned(),
            Self::CallAnalyzed | Self::ChatAnalyzed => {
                format!("{}:{}", self.name(), analysis.unwrap_or_default().to_hex())
            }
            _ => format!("{}:{}", self.name(), body_without_timestamp.to_hex()),
        }
    }
}

/// Who told of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// Retell itself, by its webhook.
    #[default]
    Webhook,
    /// We asked Retell for the call.
    Reconcile,
    /// Nobody: the call was silent for so long that we gave it up.
    Timeout,
}

impl EventSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Reconcile, Self::Timeout];

    /// The word in rows, bodies and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Reconcile => "reconcile",
            Self::Timeout => "timeout",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// A decoded event of a call or chat.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// The call (or chat) it tells of.
    pub call_id: CallId,
    /// Its kind.
    pub kind: EventKind,
    /// Who told of it.
    pub source: EventSource,
    /// Identity within the call, see [`EventKind::dedup_key`].
    pub dedup_key: String,
    /// `event_timestamp`, when sent.
    pub event_timestamp: Option<UnixMillis>,
    /// Hash of the raw body with the root's `event_timestamp` left out.
    pub body_hash: BodyHash,
    /// Length of the raw body in bytes.
    pub body_bytes: u32,
    /// What it says.
    pub facts: CallFacts,
}

impl CallEvent {
    /// Provenance of every fact in it.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        Provenance { stage: self.kind.stage(), at: self.event_timestamp, hash: self.body_hash }
    }
}

/// Who takes part in a call; enough to place it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallIdentity {
    /// `direction`: `inbound` or `outbound`; web calls and chats have none.
    pub direction: Option<String>,
    /// `from_number` as sent.
    pub from_number: Option<String>,
    /// `to_number` as sent.
    pub to_number: Option<String>,
    /// `agent_id`.
    pub agent_id: Option<String>,
}

impl CallIdentity {
    /// What the directory needs to place it.
    #[must_use]
    pub fn placing(&self) -> PlacingFacts<'_> {
        PlacingFacts {
            outbound: self.direction.as_deref() == Some("outbound"),
            from_number: self.from_number.as_deref(),
            to_number: self.to_number.as_deref(),
            agent_id: self.agent_id.as_deref(),
        }
    }
}

/// The facts of a call object that rows and rules use. Everything is optional: stages carry different
/// fields and privacy settings remove some. Source: facts on the call object of `retell-sdk` 6.2.13.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallFacts {
    /// Who takes part.
    pub identity: CallIdentity,
    /// `call_status` or `chat_status`, an open set.
    pub status: Option<String>,
    /// `call_type` or `chat_type`, an open set.
    pub call_type: Option<String>,
    /// `agent_version`.
    pub agent_version: Option<i64>,
    /// `agent_name`.
    pub agent_name: Option<String>,
    /// `start_timestamp`.
    pub started_at: Option<UnixMillis>,
    /// `end_timestamp`.
    pub ended_at: Option<UnixMillis>,
    /// `duration_ms`.
    pub duration_ms: Option<i64>,
    /// `disconnection_reason`, an open set.
    pub disconnection_reason: Option<String>,
    /// `recording_url`.
    pub recording_url: Option<String>,
    /// `transfer_destination` of the call object (a string there).
    pub transfer_destination: Option<String>,
    /// `call_cost.combined_cost` in thousandths of a cent (Retell sends cents as floats).
    pub cost_millicents: Option<i64>,
    /// `call_analysis.call_summary`.
    pub summary: Option<String>,
    /// `call_analysis.user_sentiment`.
    pub sentiment: Option<String>,
    /// `call_analysis.call_successful`: Retell's verdict, kept beside ours.
    pub retell_successful: Option<bool>,
    /// `call_analysis.in_voicemail`.
    pub in_voicemail: Option<bool>,
    /// How much transcript the event carries, when it carries one.
    pub transcript: Option<TranscriptFact>,
}

/// The transcript inside an event; the text itself stays in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TranscriptFact {
    /// Length of `transcript` in bytes.
    pub bytes: u32,
}
