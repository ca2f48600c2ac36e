//! `GET /admin/actors`, `/admin/schedulers`, `/admin/writers`.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{Edge, Refusal, refused, shown};
use crate::{
    http::extract::query::Query,
    usecases::actors::{Kind, list_actors, list_schedulers, list_writers},
};

/// What every actor tells about itself.
pub(in crate::http) async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let query = Query::of(&request)?;
    let kind = query.choice("kind", "budget, call, reconcile, scheduling, tenant or writer", Kind::parse)?;
    let actors = list_actors(edge.started()?, kind, &query.page()?);
    Ok(shown(&actors.map_err(refused(&edge))?))
}

/// What schedulers hold and book.
pub(in crate::http) async fn schedulers(
    edge: Data<Edge>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let page = Query::of(&request)?.page()?;
    let schedulers = list_schedulers(edge.started()?, &page).await;
    Ok(shown(&schedulers.map_err(refused(&edge))?))
}

/// What writers have before them.
pub(in crate::http) async fn writers(edge: Data<Edge>) -> Result<HttpResponse, Refusal> {
    Ok(shown(&list_writers(edge.started()?)))
}
