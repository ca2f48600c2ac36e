//! What was said and done in a call, growing with time: the transcript in its three forms.

use std::borrow::Cow;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::body::quoted;
use super::line::CompanyLine;
use super::vocabulary::{self, Speaker};

/// One utterance.
#[derive(Debug, Clone)]
struct Spoken {
    speaker: Speaker,
    content: String,
    /// Serialised once: it stands in every later body.
    json: String,
    end_s: f64,
}

/// One function call as the transcript shows it.
#[derive(Debug, Clone)]
pub(super) struct ToolUse {
    pub(super) at_s: f64,
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) arguments: Value,
}

/// A conversation from its first word to its last.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversation {
    spoken: Vec<Spoken>,
    tools: Vec<ToolUse>,
}

impl Conversation {
    /// Both sides talk in turn until `duration_s` is over.
    pub(super) fn of_length(rng: &mut SmallRng, line: &CompanyLine, duration_s: f64) -> Self {
        let mut conversation = Self::default();
        let mut speaker = Speaker::Agent;
        let mut at_s = rng.random_range(0.4..1.2);
        let mut response_id = 0;
        while at_s < duration_s - 2.0 {
            let sentences = if speaker == Speaker::Agent { rng.random_range(1..=2) } else { 1 };
            let content: Vec<String> =
                (0..sentences).map(|_| vocabulary::sentence(rng, line, speaker)).collect();
            at_s = conversation.say(rng, speaker, content.join(" "), at_s, response_id);
            at_s = round(at_s + rng.random_range(0.2..0.9));
            if speaker == Speaker::Agent {
                response_id += 1;
            }
            speaker = if speaker == Speaker::Agent { Speaker::User } else { Speaker::Agent };
        }
        conversation
    }

    /// The agent leaves one message.
    pub(super) fn message(rng: &mut SmallRng, line: &CompanyLine) -> Self {
        let mut conversation = Self::default();
        let content = vocabulary::sentence(rng, line, Speaker::Agent);
        conversation.say(rng, Speaker::Agent, content, 1.2, 0);
        conversation
    }

    fn say(
        &mut self,
        rng: &mut SmallRng,
        speaker: Speaker,
        content: String,
        start_s: f64,
        response_id: u32,
    ) -> f64 {
        let mut at_s = start_s;
        let mut words = String::new();
        for word in content.split_inclusive(' ') {
            // Sums of floats keep their tails (2.713000000000001), as seen on the wire.
            let end_s = at_s + f64::from(rng.random_range(140..520)) / 1000.0;
            let comma = if words.is_empty() { "" } else { "," };
            let word = quoted(word);
            words += &format!("{comma}{{\"word\":{word},\"start\":{at_s},\"end\":{end_s}}}");
            at_s = if rng.random_bool(0.3) { round(end_s + rng.random_range(0.01..0.2)) } else { end_s };
        }
        let metadata = match speaker {
            Speaker::Agent => format!(",\"metadata\":{{\"response_id\":{response_id}}}"),
            Speaker::User => String::new(),
        };
        let (role, text) = (role(speaker), quoted(&content));
        let json = format!("{{\"role\":\"{role}\",\"content\":{text},\"words\":[{words}]{metadata}}}");
        self.spoken.push(Spoken { speaker, content, json, end_s: at_s });
        at_s
    }

    /// Notes a function call.
    pub(super) fn use_tool(&mut self, tool: ToolUse) {
        self.tools.push(tool);
    }

    /// The ends of all turns, in seconds from the start.
    pub(super) fn turn_ends(&self) -> impl Iterator<Item = f64> + '_ {
        self.spoken.iter().map(|spoken| spoken.end_s)
    }

    /// How many times the agent spoke.
    pub(super) fn agent_turns(&self) -> usize {
        self.spoken.iter().filter(|spoken| spoken.speaker == Speaker::Agent).count()
    }

    fn until(&self, at_s: f64) -> impl Iterator<Item = &Spoken> {
        self.spoken.iter().take_while(move |spoken| spoken.end_s <= at_s)
    }

    /// `Agent: …\nUser: …\n`
    pub(super) fn transcript(&self, at_s: f64) -> String {
        let line = |spoken: &Spoken| match spoken.speaker {
            Speaker::Agent => format!("Agent: {}\n", spoken.content),
            Speaker::User => format!("User: {}\n", spoken.content),
        };
        self.until(at_s).map(line).collect()
    }

    /// Who said what, in order.
    pub(super) fn said(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.spoken.iter().map(|spoken| (role(spoken.speaker), spoken.content.as_str()))
    }

    /// Utterances with their words, as JSON.
    pub(super) fn transcript_object(&self, at_s: f64) -> String {
        let utterances: Vec<&str> = self.until(at_s).map(|spoken| spoken.json.as_str()).collect();
        format!("[{}]", utterances.join(","))
    }

    /// Utterances and function calls in order, as JSON; a call that is under way has no result yet.
    pub(super) fn with_tool_calls(&self, at_s: f64) -> String {
        let spoken = self.until(at_s).map(|spoken| (spoken.end_s, Cow::Borrowed(spoken.json.as_str())));
        let mut items: Vec<(f64, Cow<'_, str>)> = spoken.collect();
        for tool in self.tools.iter().filter(|tool| tool.at_s <= at_s) {
            items.push((tool.at_s, Cow::Owned(invocation(tool).to_string())));
            if tool.at_s + 1.0 <= at_s {
                items.push((tool.at_s + 1.0, Cow::Owned(result(tool).to_string())));
            }
        }
        items.sort_by(|one, other| one.0.total_cmp(&other.0));
        let items: Vec<&str> = items.iter().map(|(_, item)| item.as_ref()).collect();
        format!("[{}]", items.join(","))
    }
}

fn invocation(tool: &ToolUse) -> Value {
    json!({
        "role": "tool_call_invocation",
        "tool_call_id": tool.id,
        "name": tool.name,
        "arguments": tool.arguments.to_string(),
        "type": "custom",
    })
}

fn result(tool: &ToolUse) -> Value {
    json!({
        "role": "tool_call_result",
        "tool_call_id": tool.id,
        "content": "{\"success\":true,\"code\":\"ok\"}",
        "successful": true,
    })
}

fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::Agent => "agent",
        Speaker::User => "user",
    }
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
