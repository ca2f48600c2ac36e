//! The voice platform (Retell), as far as the actors need it: reading its events again, and asking it for
//! calls of which it told too little.

use std::{fmt, str::FromStr};

use askpro_domain::{
    call::CallEvent,
    ids::{CallId, CompanyId},
    time::UnixMillis,
};
use bytes::Bytes;

/// Reads a compressed body again, after a crash or a panic.
pub trait EventDecoder: Send + Sync {
    /// The event of a call. Errors: a text for the dead letter when it is none.
    fn decode(&self, body: &Bytes) -> Result<CallEvent, String>;
}

/// Whose key asks. Each has limits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The platform's: for all companies without one of their own.
    Platform,
    /// A company's own: what it tells may touch only calls of that company.
    Company(CompanyId),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Company(company) => company.fmt(f),
        }
    }
}

impl FromStr for Account {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "platform" { Ok(Self::Platform) } else { Ok(Self::Company(CompanyId(text.parse()?))) }
    }
}

/// An event that we made of what the platform answered, as if it had sent it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Decoded.
    pub event: CallEvent,
    /// Its body as it is kept: secrets blanked, compressed.
    pub body: Bytes,
}

/// A call as the platform has it.
#[derive(Debug, Clone)]
pub enum Looked {
    /// It goes on: its beginning.
    Ongoing(Box<Told>),
    /// It is over: its end and, once it was analysed, its analysis. At least one event.
    Over(Vec<Told>),
}

/// A call in a list: without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCall {
    /// The call.
    pub call_id: CallId,
    /// Whether it is over.
    pub over: bool,
    /// Whether it was analysed.
    pub analyzed: bool,
    /// When it began; calls that never connected do not say.
    pub began_at: Option<UnixMillis>,
    /// When it ended; calls that never connected do not say.
    pub ended_at: Option<UnixMillis>,
}

/// A page of calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallPage {
    /// The calls that could be read.
    pub calls: Vec<ListedCall>,
    /// Calls that could not.
    pub unreadable: usize,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// Why the platform did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// There is no key to ask with.
    #[error("no Retell key is configured")]
    NoKey,
    /// It answered that it does not know the call.
    #[error("Retell does not know the call")]
    NotFound,
    /// It refused the key.
    #[error("Retell refuses the key: correct retell.api_key, or the company's own")]
    Unauthorized,
    /// Too many requests; not before this many milliseconds.
    #[error("Retell asks to wait {retry_after_ms} ms")]
    Limited {
        /// How long.
        retry_after_ms: i64,
    },
    /// Cannot be reached, timed out, or failed inside.
    #[error("Retell did not answer: {0}")]
    Unreachable(&'static str),
    /// It answered something that is no answer to this question.
    #[error("Retell's answer cannot be read: {0}")]
    Unreadable(&'static str),
}

/// The voice platform, asked.
#[async_trait::async_trait]
pub trait Voice: Send + Sync {
    /// Whether there is a key to ask with.
    fn has_key(&self, account: Account) -> bool;
    /// A call. Errors: [`VoiceError`].
    async fn find_call(&self, account: Account, call_id: &CallId) -> Result<Looked, VoiceError>;
    /// Calls that began at or after `since`, oldest first, from the beginning or from where a page said that
    /// the next begins. Errors: [`VoiceError`], never `NotFound`.
    async fn list_calls(
        &self,
        account: Account,
        since: UnixMillis,
        page: Option<&str>,
    ) -> Result<CallPage, VoiceError>;
    /// The end of a call that nobody tells of any more. Errors: a text when no body can be made of it.
    fn given_up(&self, call_id: &CallId) -> Result<Told, String>;
}

/// The account that is asked for a call of a company the `attempt`-th time, from 0: the company's own first, then
/// in turn with the platform's, for the call may be of either. `None` when there is no key.
pub fn account_of(voice: &dyn Voice, company: CompanyId, attempt: u32) -> Option<Account> {
    let accounts = [Account::Company(company), Account::Platform];
    let mut accounts = accounts.into_iter().filter(|account| voice.has_key(*account)).collect::<Vec<_>>();
    let turn = usize::try_from(attempt).unwrap_or_default() % accounts.len().max(1);
    (turn < accounts.len()).then(|| accounts.swap_remove(turn))
}
