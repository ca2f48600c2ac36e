//! The client of Retell's API. One request per question; nothing is sent twice by itself, and nobody waits
//! here: whoever asks keeps to a pace and rests when there is no answer.

use std::{fmt, sync::Arc, time::Duration};

use askpro_actors::ports::voice::{Account, CallPage, Looked, Told, Voice, VoiceError};
use askpro_domain::{
    ids::{CallId, CompanyId},
    secret::Secret,
    time::UnixMillis,
};
use reqwest::{
    Client, Method, RequestBuilder, Url,
    header::{AUTHORIZATION, HeaderValue},
};

use super::{
    map,
    transport::{Operation, exchange},
    wire::{AtLeast, Criteria, ListCalls},
};
use crate::providers::http_client::{self, HttpClientError, HttpClientOptions};

/// Calls asked for per page; without their words a call has up to 10 kB.
const PAGE_CALLS: usize = 100;

/// A company's own key.
pub type KeyDirectory = Arc<dyn Fn(CompanyId) -> Option<Secret> + Send + Sync>;

/// Where Retell is and how long it may take.
#[derive(Debug, Clone)]
pub struct RetellOptions {
    /// `https://api.retellai.com`
    pub base_url: String,
    /// Key for companies without one.
    pub platform_key: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a call.
    pub call_timeout: Duration,
    /// Longest wait for a page of calls.
    pub list_timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
}

impl Default for RetellOptions {
    fn default() -> Self {
        Self {
            base_url: "https://api.retellai.com".to_owned(),
            platform_key: None,
            connect_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(10),
            list_timeout: Duration::from_secs(30),
            user_agent: concat!("askpro/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum RetellSetupError {
    /// The address is no `http` or `https` URL.
    #[error("retell.base_url {0:?} is no http or https address; use https://api.retellai.com")]
    BaseUrl(String),
    /// No HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
}

/// Retell behind the voice port. Cheap to share behind an `Arc`.
pub struct RetellClient {
    http: Client,
    base_url: Url,
    platform_key: Option<Secret>,
    keys: KeyDirectory,
    call_timeout: Duration,
    list_timeout: Duration,
}

impl fmt::Debug for RetellClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetellClient").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}

impl RetellClient {
    /// A client that takes each company's key from `keys`.
    pub fn new(options: RetellOptions, keys: KeyDirectory) -> Result<Self, RetellSetupError> {
        let base_url = http_client::base_url(&options.base_url)
            .ok_or_else(|| RetellSetupError::BaseUrl(options.base_url.clone()))?;
        let http = http_client::build(&HttpClientOptions {
            connect_timeout: options.connect_timeout,
            request_timeout: options.list_timeout,
            user_agent: options.user_agent,
        })?;
        Ok(Self {
            http,
            base_url,
            platform_key: options.platform_key,
            keys,
            call_timeout: options.call_timeout,
            list_timeout: options.list_timeout,
        })
    }

    fn key(&self, account: Account) -> Option<Secret> {
        let key = match account {
            Account::Platform => self.platform_key.clone(),
            Account::Company(company) => (self.keys)(company),
        };
        key.filter(|key| !key.is_empty())
    }

    /// A request with the account's key. Errors: [`VoiceError::NoKey`] without a usable one.
    fn request(&self, method: Method, account: Account, path: &[&str]) -> Result<RequestBuilder, VoiceError> {
        let key = self.key(account).ok_or(VoiceError::NoKey)?;
        let bearer = format!("Bearer {}", key.expose().trim());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| VoiceError::Unauthorized)?;
        bearer.set_sensitive(true);
        // No call at Retell has an id that leads elsewhere.
        let url = http_client::below(&self.base_url, path).ok_or(VoiceError::NotFound)?;
        Ok(self.http.request(method, url).header(AUTHORIZATION, bearer))
    }
}

#[async_trait::async_trait]
impl Voice for RetellClient {
    fn has_key(&self, account: Account) -> bool {
        self.key(account).is_some()
    }

    async fn find_call(&self, account: Account, call_id: &CallId) -> Result<Looked, VoiceError> {
        let request = self.request(Method::GET, account, &["v2", "get-call", call_id.as_str()])?;
        let body = exchange(Operation::GetCall, request, self.call_timeout).await?;
        map::looked(call_id, &body)
    }

    async fn list_calls(
        &self,
        account: Account,
        since: UnixMillis,
        page: Option<&str>,
    ) -> Result<CallPage, VoiceError> {
        let request = self.request(Method::POST, account, &["v3", "list-calls"])?.json(&ListCalls {
            filter_criteria: Criteria { start_timestamp: AtLeast::of(since.0) },
            limit: PAGE_CALLS,
            // What begins while the list is read comes at its end.
            sort_order: "ascending",
            pagination_key: page,
        });
        let body = exchange(Operation::ListCalls, request, self.list_timeout).await;
        map::page(&body.map_err(no_such_list)?)
    }

    fn given_up(&self, call_id: &CallId) -> Result<Told, String> {
        map::given_up(call_id).map_err(|error| error.to_string())
    }
}

/// A list is always there: an address without one is none of Retell's.
fn no_such_list(error: VoiceError) -> VoiceError {
    match error {
        VoiceError::NotFound => VoiceError::Unreachable("there is no list at retell.base_url"),
        other => other,
    }
}
