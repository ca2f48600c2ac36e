//! The call and chat objects inside bodies, borrowed: every field stays the text it is in the body until it
//! is needed, and transcripts are only measured. Unknown fields are ignored.
//!
//! Source: facts on the call object of `retell-sdk` 6.2.13 and its chat object.

use askpro_domain::{
    call::{CallFacts, CallIdentity, TranscriptFact},
    time::UnixMillis,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Lenient, Raw, TEXT_BYTES_MAX, URL_BYTES_MAX, unescaped_len};

/// A `call` or `chat` object, as far as anybody needs it.
#[derive(Debug, Deserialize)]
pub(super) struct CallObject<'a> {
    #[serde(borrow)]
    pub(super) call_id: Raw<'a>,
    pub(super) chat_id: Raw<'a>,
    direction: Raw<'a>,
    from_number: Raw<'a>,
    to_number: Raw<'a>,
    agent_id: Raw<'a>,
    agent_version: Raw<'a>,
    agent_name: Raw<'a>,
    call_status: Raw<'a>,
    chat_status: Raw<'a>,
    call_type: Raw<'a>,
    chat_type: Raw<'a>,
    start_timestamp: Raw<'a>,
    end_timestamp: Raw<'a>,
    duration_ms: Raw<'a>,
    disconnection_reason: Raw<'a>,
    recording_url: Raw<'a>,
    transfer_destination: Raw<'a>,
    call_cost: Raw<'a>,
    chat_cost: Raw<'a>,
    call_analysis: Raw<'a>,
    chat_analysis: Raw<'a>,
    transcript: Raw<'a>,
    pub(super) transcript_with_tool_calls: Raw<'a>,
}

#[derive(Debug, Deserialize)]
struct Cost<'a> {
    #[serde(borrow)]
    combined_cost: Raw<'a>,
}

#[derive(Debug, Deserialize)]
struct Analysis<'a> {
    #[serde(borrow)]
    call_summary: Raw<'a>,
    chat_summary: Raw<'a>,
    user_sentiment: Raw<'a>,
    call_successful: Raw<'a>,
    chat_successful: Raw<'a>,
    in_voicemail: Raw<'a>,
}

impl<'a> CallObject<'a> {
    /// The analysis as it stands in the body.
    pub(super) fn analysis(&self) -> Raw<'a> {
        self.call_analysis.or(self.chat_analysis)
    }

    /// Who takes part.
    pub(super) fn identity(&self, read: &mut Lenient) -> CallIdentity {
        CallIdentity {
            direction: read.word(self.direction),
            from_number: read.word(self.from_number),
            to_number: read.word(self.to_number),
            agent_id: read.word(self.agent_id),
        }
    }

    /// When the call began.
    pub(super) fn started_at(&self, read: &mut Lenient) -> Option<UnixMillis> {
        read.instant(self.start_timestamp)
    }

    /// What the object says. `transcript_at_root` is `transcript_with_tool_calls` beside the object.
    pub(super) fn facts(&self, transcript_at_root: Raw<'_>, read: &mut Lenient) -> CallFacts {
        let cost: Option<Cost<'_>> = read.object(self.call_cost.or(self.chat_cost));
        let analysis: Option<Analysis<'_>> = read.object(self.analysis());
        let of_analysis = |pick: fn(&Analysis<'a>) -> Raw<'a>| analysis.as_ref().and_then(pick);
        CallFacts {
            identity: self.identity(read),
            status: read.word(self.call_status.or(self.chat_status)),
            call_type: read.word(self.call_type.or(self.chat_type)),
            agent_version: read.count(self.agent_version),
            agent_name: read.word(self.agent_name),
            started_at: self.started_at(read),
            ended_at: read.instant(self.end_timestamp),
            duration_ms: read.count(self.duration_ms),
            disconnection_reason: read.word(self.disconnection_reason),
            recording_url: read.text(self.recording_url, URL_BYTES_MAX),
            transfer_destination: read.word(self.transfer_destination),
            cost_millicents: read.millicents(cost.and_then(|c| c.combined_cost)),
            summary: read.text(of_analysis(|a| a.call_summary.or(a.chat_summary)), TEXT_BYTES_MAX),
            sentiment: read.word(of_analysis(|a| a.user_sentiment)),
            retell_successful: read.flag(of_analysis(|a| a.call_successful.or(a.chat_successful))),
            in_voicemail: read.flag(of_analysis(|a| a.in_voicemail)),
            transcript: self.transcript_fact(transcript_at_root, read),
        }
    }

    /// How much transcript there is: the plain one, else the text of the one with tool calls, which may
    /// stand in the object or beside it.
    fn transcript_fact(&self, at_root: Raw<'_>, read: &mut Lenient) -> Option<TranscriptFact> {
        if let Some(raw) = self.transcript {
            match unescaped_len(raw) {
                Some(0) => {}
                Some(bytes) => return Some(TranscriptFact { bytes }),
                None => read.tolerated += 1,
            }
        }
        let items = self.transcript_with_tool_calls.or(at_root).map(RawValue::get)?;
        let filled = items.starts_with('[') && items.trim_start_matches('[').trim_start() != "]";
        let bytes = u32::try_from(items.len()).ok()?;
        filled.then_some(TranscriptFact { bytes })
    }
}
