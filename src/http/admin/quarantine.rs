//! `GET /admin/quarantine`, `POST /admin/quarantine/{id}/replay`.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::{Edge, Refusal, refused, replayed, shown};
use crate::{http::extract::query::Query, usecases::load::Class, usecases::quarantine};

/// What is kept.
pub(in crate::http) async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let page = Query::of(&request)?.page()?;
    Ok(shown(&quarantine::list(edge.started()?, &page).await.map_err(refused(&edge))?))
}

/// Back to where it belongs.
pub(in crate::http) async fn replay(edge: Data<Edge>, id: Path<String>) -> Result<HttpResponse, Refusal> {
    let services = edge.open_for(Class::Lifecycle)?;
    Ok(replayed(&quarantine::replay(services, &id).await.map_err(refused(&edge))?))
}
