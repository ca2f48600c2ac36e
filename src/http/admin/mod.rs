//! `/admin`: one file per noun. The token is checked in front of all of it.

pub(super) mod actors;
pub(super) mod calls;
pub(super) mod companies;
pub(super) mod dead_letters;
pub(super) mod quarantine;
pub(super) mod reconcile;
pub(super) mod status;

use actix_web::{HttpResponse, http::StatusCode, http::header};
use serde::Serialize;

use super::{Edge, problem::Refusal};
use crate::usecases::{
    AdminError,
    quarantine::{ReplayOutcome, Replayed},
};

fn shown(view: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view)
}

fn refused(edge: &Edge) -> impl FnOnce(AdminError) -> Refusal {
    let retry_after_s = edge.door.retry_after_s;
    move |error| Refusal::of_admin(error, retry_after_s)
}

/// 200 when it is known what came of a replay, 202 when it goes on behind the answer.
fn replayed(replayed: &Replayed) -> HttpResponse {
    let status = match replayed.outcome {
        ReplayOutcome::Delivered => StatusCode::ACCEPTED,
        ReplayOutcome::Placed | ReplayOutcome::StillQuarantined => StatusCode::OK,
    };
    HttpResponse::build(status).json(replayed)
}
