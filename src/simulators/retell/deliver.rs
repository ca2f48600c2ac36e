//! Sends a delivery the way Retell does: signed, with a time-out, again when it was not taken.

use std::time::Duration;

use bytes::Bytes;

use super::script::{Delivery, DeliveryKind};
use super::signature::sign;
use crate::simulators::Now;

/// Where deliveries go.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port` of the service, without a slash at the end.
    pub base_url: String,
    /// Signs what is sent.
    pub key: String,
    /// Slug of the company whose own key that is: the addresses name it. `None`: the platform's.
    pub company: Option<String>,
}

/// How often and how patiently something is sent.
#[derive(Debug, Clone)]
pub struct Retries {
    /// Sent again so many times after the first; functions are never sent again.
    pub retries_max: u32,
    /// How long an event or the inbound question may take.
    pub time_out: Duration,
    /// How long a function may take.
    pub function_time_out: Duration,
    /// Before the first repeat; doubled for each further one.
    pub pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            retries_max: 3,
            time_out: Duration::from_secs(10),
            function_time_out: Duration::from_secs(120),
            pause: Duration::from_millis(500),
        }
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Of the last attempt; `None` where none was answered.
    pub status: Option<u16>,
    /// How often it was sent.
    pub attempts: u32,
    /// The body of the last answer.
    pub answer: Bytes,
}

impl Receipt {
    /// Answered with 2xx.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Sends one delivery until it is acknowledged or the repeats are used up; each attempt is signed anew.
pub async fn deliver(
    client: &reqwest::Client,
    target: &Target,
    delivery: &Delivery,
    retries: &Retries,
    now: &Now,
) -> Receipt {
    let function = matches!(delivery.kind, DeliveryKind::Function { .. });
    let attempts_max = if function { 1 } else { retries.retries_max + 1 };
    let time_out = if function { retries.function_time_out } else { retries.time_out };
    let mut pause = retries.pause;
    let mut receipt = Receipt { status: None, attempts: 0, answer: Bytes::new() };
    while receipt.attempts < attempts_max {
        if receipt.attempts > 0 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        receipt.attempts += 1;
        (receipt.status, receipt.answer) = attempt(client, target, delivery, time_out, now()).await;
        if receipt.acknowledged() {
            break;
        }
    }
    receipt
}

async fn attempt(
    client: &reqwest::Client,
    target: &Target,
    delivery: &Delivery,
    time_out: Duration,
    now_ms: i64,
) -> (Option<u16>, Bytes) {
    let request = client
        .post(format!("{}{}", target.base_url, path(&delivery.kind, target.company.as_deref())))
        .header("Content-Type", "application/json")
        .header("User-Agent", "axios/1.15.2")
        .header("X-Retell-Signature", sign(&target.key, &delivery.body, now_ms))
        .timeout(time_out)
        .body(delivery.body.clone());
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            (Some(status), response.bytes().await.unwrap_or_default())
        }
        Err(_) => (None, Bytes::new()),
    }
}

fn path(kind: &DeliveryKind, company: Option<&str>) -> String {
    match (kind, company) {
        (DeliveryKind::Inbound, None) => "/webhooks/retell/inbound".to_owned(),
        (DeliveryKind::Inbound, Some(company)) => format!("/webhooks/retell/{company}/inbound"),
        (DeliveryKind::Event, None) => "/webhooks/retell".to_owned(),
        (DeliveryKind::Event, Some(company)) => format!("/webhooks/retell/{company}"),
        (DeliveryKind::Function { name }, None) => format!("/functions/retell/{name}"),
        (DeliveryKind::Function { name }, Some(company)) => {
            format!("/functions/retell/{name}?company={company}")
        }
    }
}
