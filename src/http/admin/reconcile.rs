//! `GET /admin/reconcile`, `POST /admin/reconcile?hours=`.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde_json::json;

use super::{Edge, Refusal, refused, shown};
use crate::{
    http::extract::query::Query,
    usecases::{
        load::Class,
        reconcile::{self, HOURS_DEFAULT, HOURS_MAX},
    },
};

/// What those who ask Retell do, and what the last runs found.
pub(in crate::http) async fn list(edge: Data<Edge>) -> Result<HttpResponse, Refusal> {
    Ok(shown(&reconcile::list(edge.started()?).await))
}

/// Begins a run; it goes on behind the answer.
pub(in crate::http) async fn begin(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let services = edge.open_for(Class::Lifecycle)?;
    let hours = Query::of(&request)?.choice("hours", "a number from 1 to 168", |text| {
        text.parse().ok().filter(|hours| (1..=HOURS_MAX).contains(hours))
    })?;
    let hours = hours.unwrap_or(HOURS_DEFAULT);
    let accounts = reconcile::begin(services, hours).map_err(refused(&edge))?;
    Ok(HttpResponse::Accepted().json(json!({ "hours": hours, "accounts": accounts })))
}
