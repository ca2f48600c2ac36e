//! Cal.com's side of the line: signed announcements, and what owners do at the calendar.

use askpro::simulators::calcom::sign;
use reqwest::Client;
use serde_json::{Value, json};

use super::{retell::Answer, service::http};

/// The secret of company A's webhook.
pub const SECRET_A: &str = "whsec_a";
const KEY_A: &str = "cal_test_a";
const VERSION: &str = "2026-02-25";

/// Posts an announcement to a company's address, signed with this secret.
pub async fn announce(base: &str, company: &str, secret: Option<&str>, body: &[u8]) -> Answer {
    let request = http()
        .post(format!("{base}/webhooks/calcom/{company}"))
        .header("content-type", "application/json")
        .header("x-cal-signature-256", sign(secret, body))
        .body(body.to_vec());
    Answer::read(request.send().await.unwrap()).await
}

/// The owner calls a booking off, or moves it to `start_ms`.
pub async fn change(calcom: &str, uid: &str, how: &str, body: &Value) {
    let request = Client::post(&http(), format!("{calcom}/v2/bookings/{uid}/{how}"));
    let answer =
        request.bearer_auth(KEY_A).header("cal-api-version", VERSION).json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{how}: {:?}", answer.text().await);
}

/// A visitor's booking, as it is announced.
pub fn created(uid: &str, event_type_id: i64, host: i64, (start, end): (&str, &str)) -> Value {
    json!({ "triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-23T08:00:00.000Z", "payload": {
        "uid": uid, "eventTypeId": event_type_id, "startTime": start, "endTime": end, "iCalSequence": 0,
        "organizer": { "id": host }, "attendees": [{ "email": "visitor@example.com" }], "metadata": {},
        "status": "ACCEPTED",
    }})
}
