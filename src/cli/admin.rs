//! What a running service tells over HTTP: its calls, its figures, whether it is ready; and what a simulated
//! Cal.com tells about its bookings.
//!
//! It reads only what the service promises to the outside, so that the same checks run against a service of
//! our own and a foreign one.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::oracle::{CalcomBooking, StoredAppointment, StoredCall, StoredEvent};
use crate::simulators::http_client;

/// How long one answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// Between two looks whether a service is ready.
const READY_PAUSE: Duration = Duration::from_millis(200);

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// Nobody answered, or not to the end.
    #[error("{path} cannot be read: {cause}")]
    Unanswered {
        /// What was asked.
        path: String,
        /// What went wrong.
        cause: reqwest::Error,
    },
    /// It does not take work.
    #[error("{url} is not ready: look at {url}/readyz")]
    NotReady {
        /// The service.
        url: String,
    },
    /// The answer is another status than promised.
    #[error("{path} was answered {status}{}", if *status == 401 { ": give the service's admin.token with --admin-token" } else { "" })]
    Status {
        /// What was asked.
        path: String,
        /// The answer's status.
        status: u16,
    },
}

/// Asks one service.
#[derive(Debug, Clone)]
pub(super) struct AdminClient {
    http: reqwest::Client,
    base_url: String,
    token: String,
}

impl AdminClient {
    /// For the service at `base_url`, with its `admin.token`.
    pub(super) fn new(base_url: &str, token: &str) -> Result<Self, reqwest::Error> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { http: http_client()?, base_url, token: token.to_owned() })
    }

    /// One call as the service has it; `None` where it knows none of that id.
    pub(super) async fn find_call(&self, call_id: &str) -> Result<Option<StoredCall>, ReadError> {
        let view: Option<CallView> = self.json(&format!("/admin/calls/{call_id}")).await?;
        Ok(view.map(CallView::stored))
    }

    /// Any JSON of the service; `None` for 404.
    pub(super) async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ReadError> {
        let request = self.http.get(format!("{}{path}", self.base_url)).bearer_auth(&self.token);
        read_json(request, path).await
    }

    /// The figures of `/metrics`.
    pub(super) async fn metrics(&self) -> Result<Figures, ReadError> {
        let path = "/metrics";
        let unanswered = |cause| ReadError::Unanswered { path: path.to_owned(), cause };
        let request = self.http.get(format!("{}{path}", self.base_url)).timeout(ANSWER_TIME_MAX);
        let response = request.send().await.map_err(unanswered)?;
        match response.status().as_u16() {
            200 => Ok(Figures::parse(&response.text().await.map_err(unanswered)?)),
            status => Err(ReadError::Status { path: path.to_owned(), status }),
        }
    }

    /// Whether the service takes work.
    pub(super) async fn is_ready(&self) -> bool {
        let request = self.http.get(format!("{}/readyz", self.base_url)).timeout(ANSWER_TIME_MAX);
        request.send().await.is_ok_and(|response| response.status().is_success())
    }

    /// Waits until the service takes work.
    pub(super) async fn until_ready(&self, patience: Duration) -> Result<(), ReadError> {
        let end = tokio::time::Instant::now() + patience;
        while !self.is_ready().await {
            if tokio::time::Instant::now() >= end {
                return Err(ReadError::NotReady { url: self.base_url.clone() });
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
        Ok(())
    }
}

/// Every booking of the simulated Cal.com at `base_url`; `None` where that is no simulator of ours.
pub(super) async fn read_calcom_bookings(base_url: &str) -> Result<Option<Vec<CalcomBooking>>, ReadError> {
    let path = format!("{}/_sim/bookings", base_url.trim_end_matches('/'));
    let http = http_client().map_err(|cause| ReadError::Unanswered { path: path.clone(), cause })?;
    let bookings: Option<Vec<BookingView>> = read_json(http.get(&path), &path).await?;
    Ok(bookings.map(|bookings| bookings.into_iter().map(BookingView::booking).collect()))
}

async fn read_json<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
    path: &str,
) -> Result<Option<T>, ReadError> {
    let unanswered = |cause| ReadError::Unanswered { path: path.to_owned(), cause };
    let response = request.timeout(ANSWER_TIME_MAX).send().await.map_err(unanswered)?;
    match response.status().as_u16() {
        200 => response.json().await.map(Some).map_err(unanswered),
        404 => Ok(None),
        status => Err(ReadError::Status { path: path.to_owned(), status }),
    }
}

#[derive(Deserialize)]
struct CallView {
    #[serde(default)]
    status: String,
    #[serde(default)]
    events: Vec<EventView>,
    #[serde(default)]
    appointments: Vec<AppointmentView>,
}

#[derive(Deserialize)]
struct EventView {
    event: String,
    #[serde(default)]
    dedup_key: String,
}

#[derive(Deserialize)]
struct AppointmentView {
    appointment_id: Value,
    #[serde(default)]
    status: String,
    #[serde(default)]
    calcom_uid: Option<String>,
}

impl CallView {
    fn stored(self) -> StoredCall {
        let event = |view: EventView| StoredEvent { event: view.event, dedup_key: view.dedup_key };
        let appointment = |view: AppointmentView| StoredAppointment {
            appointment_id: id_text(&view.appointment_id),
            status: view.status,
            calcom_uid: view.calcom_uid.filter(|uid| !uid.is_empty()),
        };
        StoredCall {
            status: self.status,
            events: self.events.into_iter().map(event).collect(),
            appointments: self.appointments.into_iter().map(appointment).collect(),
        }
    }
}

/// An id as text, whether JSON has it as a text or as a number.
pub(super) fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[derive(Deserialize)]
struct BookingView {
    uid: String,
    host_id: i64,
    start_ms: i64,
    end_ms: i64,
    status: String,
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl BookingView {
    fn booking(self) -> CalcomBooking {
        CalcomBooking {
            uid: self.uid,
            host_id: self.host_id,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            stands: self.status != "cancelled",
            metadata: self.metadata.values().map(id_text).collect(),
        }
    }
}

/// The series of a Prometheus page.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    series: Vec<(String, String, f64)>,
}

impl Figures {
    /// Reads the text format; lines that are no series are left out.
    pub(super) fn parse(text: &str) -> Self {
        let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (name, value) = line.trim().rsplit_once(' ')?;
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            Some((name.to_owned(), labels.trim_end_matches('}').to_owned(), value.parse().ok()?))
        });
        Self { series: series.collect() }
    }

    /// The sum of all series of a name; `None` where there is none.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        let mut values =
            self.series.iter().filter(|(is, ..)| is == name).map(|(.., value)| *value).peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// The series of a name by one label's value, summed over the other labels, in alphabetical order.
    pub(super) fn by_label(&self, name: &str, label: &str) -> Vec<(String, f64)> {
        let mut sums = std::collections::BTreeMap::<String, f64>::new();
        for (is, labels, value) in &self.series {
            let found =
                labels.split(',').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == label);
            if let Some((_, text)) = found.filter(|_| is == name) {
                *sums.entry(text.trim_matches('"').to_owned()).or_default() += value;
            }
        }
        sums.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_metrics_is_read_by_name_and_label() {
        let figures = Figures::parse(
            "# HELP askpro_calls_live x\n# TYPE askpro_calls_live gauge\naskpro_calls_live 12\n\n\
             askpro_bookings_total{outcome=\"confirmed\"} 3\naskpro_bookings_total{outcome=\"refused\"} 1\n",
        );
        assert_eq!(figures.sum("askpro_calls_live"), Some(12.0));
        assert_eq!(figures.sum("askpro_bookings_total"), Some(4.0));
        assert_eq!(figures.sum("askpro_absent"), None);
        let outcomes = figures.by_label("askpro_bookings_total", "outcome");
        assert_eq!(outcomes, [("confirmed".to_owned(), 3.0), ("refused".to_owned(), 1.0)]);
    }

    #[test]
    fn a_call_of_the_admin_api_is_read_as_promised() {
        let view: CallView = serde_json::from_value(serde_json::json!({
            "call_id": "call_1", "company": "friseur-mitte", "status": "ended", "outcome": "booked",
            "events": [{ "event": "call_ended", "dedup_key": "k", "received_at": "2026-11-23T08:00:00Z" }],
            "appointments": [
                { "appointment_id": "a1", "status": "confirmed", "calcom_uid": "u1",
                  "starts_at": "2026-11-24T13:00:00Z" },
                { "appointment_id": 7, "status": "refused", "calcom_uid": null, "starts_at": null },
            ],
        }))
        .unwrap();
        let call = view.stored();
        assert_eq!(call.status, "ended");
        assert_eq!(call.events[0].event, "call_ended");
        assert_eq!(call.appointments[0].calcom_uid.as_deref(), Some("u1"));
        assert_eq!(call.appointments[1].appointment_id, "7");
        assert_eq!(call.appointments[1].calcom_uid, None);
    }
}
