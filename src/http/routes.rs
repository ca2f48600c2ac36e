//! Every address of the service in one table.

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    guard::{Any, Get, Head},
    http::Method,
    middleware::from_fn,
    web::{self, PathConfig, ServiceConfig},
};

use super::{admin, extract::bearer, functions, probes, problem::Refusal, webhooks};

/// Adds every route, and what is answered to all other requests.
pub fn configure(app: &mut ServiceConfig) {
    app.app_data(PathConfig::default().error_handler(|_, _| Refusal::NoSuchAddress.into()))
        .service(probe("/livez", web::route().to(probes::livez)))
        .service(probe("/readyz", web::route().to(probes::readyz)))
        .service(probe("/metrics", web::route().to(probes::metrics)))
        .service(post("/webhooks/retell", web::post().to(webhooks::retell::of_platform)))
        .service(post("/webhooks/retell/inbound", web::post().to(webhooks::inbound::of_platform)))
        .service(post("/webhooks/retell/{company}", web::post().to(webhooks::retell::of_company)))
        .service(post("/webhooks/retell/{company}/inbound", web::post().to(webhooks::inbound::of_company)))
        .service(post("/webhooks/calcom/{company}", web::post().to(webhooks::calcom::of_company)))
        .service(post("/functions/retell", web::post().to(functions::named_in_body)))
        .service(post("/functions/retell/{function}", web::post().to(functions::named_in_path)))
        .service(
            web::scope("/admin")
                .wrap(from_fn(bearer::require))
                .service(get("/status", web::get().to(admin::status::show)))
                .service(get("/calls", web::get().to(admin::calls::list)))
                .service(get("/calls/{call_id}", web::get().to(admin::calls::show)))
                .service(get("/calls/{call_id}/timeline", web::get().to(admin::calls::timeline)))
                .service(get("/companies", web::get().to(admin::companies::list)))
                .service(get("/companies/{slug}", web::get().to(admin::companies::show)))
                .service(get(
                    "/companies/{slug}/calendar-events",
                    web::get().to(admin::companies::calendar_events),
                ))
                .service(get("/schedulers", web::get().to(admin::actors::schedulers)))
                .service(get("/writers", web::get().to(admin::actors::writers)))
                .service(get("/actors", web::get().to(admin::actors::list)))
                .service(get("/quarantine", web::get().to(admin::quarantine::list)))
                .service(post("/quarantine/{id}/replay", web::post().to(admin::quarantine::replay)))
                .service(
                    web::resource("/reconcile")
                        .route(web::get().to(admin::reconcile::list))
                        .route(web::post().to(admin::reconcile::begin))
                        .default_service(web::to(|request: HttpRequest| async move {
                            refuse_method(&request, "GET, POST")
                        })),
                )
                .service(get("/dead-letters", web::get().to(admin::dead_letters::list)))
                .service(post("/dead-letters/{id}/replay", web::post().to(admin::dead_letters::replay)))
                .default_service(web::to(no_such_address)),
        )
        .default_service(web::to(no_such_address));
}

fn get(address: &str, route: actix_web::Route) -> Resource {
    only(address, route, "GET")
}

fn post(address: &str, route: actix_web::Route) -> Resource {
    only(address, route, "POST")
}

/// GET, and HEAD as some load balancers ask.
fn probe(address: &str, route: actix_web::Route) -> Resource {
    only(address, route.guard(Any(Get()).or(Head())), "GET, HEAD")
}

/// One method; every other one is told which.
fn only(address: &str, route: actix_web::Route, allow: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| async move { refuse_method(&request, allow) };
    web::resource(address).route(route).default_service(web::to(refuse))
}

fn refuse_method(request: &HttpRequest, allow: &'static str) -> Result<HttpResponse, Refusal> {
    // What browsers and proxies ask before anything else.
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header(("allow", allow)).finish());
    }
    Err(Refusal::MethodNotAllowed { allow })
}

async fn no_such_address() -> Result<HttpResponse, Refusal> {
    Err(Refusal::NoSuchAddress)
}
