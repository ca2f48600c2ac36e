//! `GET /admin/companies`, `/admin/companies/{slug}`, `/admin/companies/{slug}/calendar-events`.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::{Edge, Refusal, refused, shown};
use crate::{
    http::extract::query::Query,
    usecases::{
        calendar_events,
        companies::{list_companies, load_company},
    },
};

/// All companies.
pub(in crate::http) async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let page = Query::of(&request)?.page()?;
    Ok(shown(&list_companies(edge.started()?, &page)))
}

/// One company.
pub(in crate::http) async fn show(edge: Data<Edge>, slug: Path<String>) -> Result<HttpResponse, Refusal> {
    Ok(shown(&load_company(edge.started()?, &slug).await.map_err(refused(&edge))?))
}

/// What its calendar announced.
pub(in crate::http) async fn calendar_events(
    edge: Data<Edge>,
    slug: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let page = Query::of(&request)?.page()?;
    Ok(shown(&calendar_events::list(edge.started()?, &slug, &page).await.map_err(refused(&edge))?))
}
