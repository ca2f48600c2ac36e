//! `GET /admin/calls`, `/admin/calls/{call_id}`, `/admin/calls/{call_id}/timeline`.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use askpro_domain::ids::CallId;

use super::{Edge, Refusal, refused, shown};
use crate::{
    http::extract::query::Query,
    usecases::calls::{CallsWanted, find_call, list_calls, timeline as read_timeline},
};

/// What a missing call is called.
const CALL: Refusal = Refusal::NotFound { what: "call" };

/// Live calls, unless others are asked for.
pub(in crate::http) async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let services = edge.started()?;
    let query = Query::of(&request)?;
    let wanted = query.choice("state", "live, ended or all", CallsWanted::parse)?;
    let by_slug = |slug: &str| services.directory.current().by_slug(slug).map(|company| company.id);
    let company = query.choice("company", "the slug of a company", by_slug)?;
    let page = query.page()?;
    let calls = list_calls(services, wanted.unwrap_or(CallsWanted::Live), company, &page).await;
    Ok(shown(&calls.map_err(refused(&edge))?))
}

/// One call.
pub(in crate::http) async fn show(edge: Data<Edge>, call_id: Path<String>) -> Result<HttpResponse, Refusal> {
    let call_id = CallId::parse(&call_id).ok_or(CALL)?;
    let call = find_call(edge.started()?, &call_id).await.map_err(refused(&edge))?;
    Ok(shown(&call.ok_or(CALL)?))
}

/// What happened in it.
pub(in crate::http) async fn timeline(
    edge: Data<Edge>,
    call_id: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let call_id = CallId::parse(&call_id).ok_or(CALL)?;
    let lines = read_timeline(edge.started()?, &call_id).await.map_err(refused(&edge))?;
    Ok(shown(&lines.ok_or(CALL)?))
}
