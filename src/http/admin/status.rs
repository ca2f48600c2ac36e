//! `GET /admin/status`.

use actix_web::{HttpResponse, web::Data};

use super::{Edge, Refusal, shown};
use crate::usecases::status::overview;

/// One page of figures.
pub(in crate::http) async fn show(edge: Data<Edge>) -> Result<HttpResponse, Refusal> {
    Ok(shown(&overview(&edge.door, edge.started()?).await))
}
