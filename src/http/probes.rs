//! What load balancers, orchestrators and Prometheus ask.

use actix_web::{HttpResponse, http::StatusCode, http::header, web};
use serde_json::json;

use super::Edge;
use crate::usecases::status;

/// What Prometheus's text format is called.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /livez`: the process answers.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: whether requests should be sent here, and how well they are served.
pub(super) async fn readyz(edge: web::Data<Edge>) -> HttpResponse {
    let view = status::readiness(&edge.door);
    let code = if view.takes_requests() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut answer = HttpResponse::build(code);
    if !view.takes_requests() {
        answer.insert_header((header::RETRY_AFTER, edge.door.retry_after_s));
    }
    answer.insert_header((header::CACHE_CONTROL, "no-store")).json(view)
}

/// `GET /metrics`.
pub(super) async fn metrics(edge: web::Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, METRICS_TYPE)).body((edge.door.render_metrics)())
}
