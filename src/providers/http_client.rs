//! The one builder of HTTP clients to vendors. Knows no vendor.

use std::time::Duration;

use reqwest::{Client, Response, Url, redirect, retry};

/// Idle connections kept per host.
const IDLE_PER_HOST_MAX: usize = 32;
/// How long an idle connection is kept; shorter than the usual minute of load balancers, so that we rarely
/// write into a connection that the other side is closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct HttpClientOptions {
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer; requests may set a shorter or longer one.
    pub request_timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// No TLS provider was installed.
    #[error("no TLS provider is installed; install rustls' ring provider first thing in main")]
    NoTlsProvider,
    /// The options or the machine's root certificates do not allow it.
    #[error("the HTTP client cannot be built")]
    Build(#[source] reqwest::Error),
}

/// The address of an API, that paths can be put behind; `None` when it is not `http` or `https`.
#[must_use]
pub fn base_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && !url.cannot_be_a_base())
}

/// The address with these segments behind it, each of which stays one segment; `None` where an id from outside is
/// `.` or `..` and would lead elsewhere.
#[must_use]
pub fn below(base_url: &Url, segments: &[&str]) -> Option<Url> {
    let leads_elsewhere = |segment: &&str| matches!(*segment, "" | "." | "..");
    if segments.iter().any(leads_elsewhere) {
        return None;
    }
    let mut url = base_url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// Reads the body of an answer; `None` when it breaks off or has more than `bytes_max` bytes.
pub async fn read_body(mut response: Response, bytes_max: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > bytes_max {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// Builds a client with pooled connections and time-outs. It follows no redirects (a POST would change its
/// meaning, a key would leave its host) and sends nothing a second time by itself.
pub fn build(options: &HttpClientOptions) -> Result<Client, HttpClientError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(HttpClientError::NoTlsProvider);
    }
    Client::builder()
        .connect_timeout(options.connect_timeout)
        .timeout(options.request_timeout)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .user_agent(&options.user_agent)
        .build()
        .map_err(HttpClientError::Build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_outside_stays_in_its_place() {
        let base = base_url("https://api.cal.com/behind/").unwrap();
        let path = |id| below(&base, &["v2", "bookings", id]).map(|url| url.path().to_owned());
        assert_eq!(path("uid_1").unwrap(), "/behind/v2/bookings/uid_1");
        assert_eq!(path("../me").unwrap(), "/behind/v2/bookings/..%2Fme");
        assert_eq!(path("a?b#c%2e\r\n").unwrap(), "/behind/v2/bookings/a%3Fb%23c%252e");
        for elsewhere in ["", ".", ".."] {
            assert_eq!(path(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn an_address_of_an_api_is_http_with_a_host() {
        for fine in ["https://api.cal.com", "http://127.0.0.1:4010/", "https://host/behind/a/path"] {
            assert!(base_url(fine).is_some(), "{fine}");
        }
        for wrong in ["", "api.cal.com", "ftp://api.cal.com", "mailto:a@b.de", "https://", "http//x"] {
            assert!(base_url(wrong).is_none(), "{wrong}");
        }
    }
}
