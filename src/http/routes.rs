//! Every address of the service in one table, each with who may use it.

use actix_web::{
    HttpRequest, HttpResponse, Resource, Route, Scope,
    guard::{Any, Get, Head},
    http::Method,
    middleware::from_fn,
    web::{self, PathConfig, ServiceConfig},
};

use super::{admin, extract::bearer, functions, probes, problem::Refusal, webhooks};

/// What every address for admins begins with, and no other.
const ADMIN: &str = "/admin";

/// Who may use an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, for this reason.
    Public(&'static str),
    /// Whoever signs as Retell does, with a platform key or the named company's own.
    RetellSignature,
    /// Whoever signs with the calendar secret of the named company.
    CalcomSignature,
    /// Whoever carries `admin.token`: checked in front of all of `/admin`.
    AdminToken,
}

/// What an address takes.
enum Takes {
    /// GET, and HEAD as some load balancers ask.
    Probe(fn() -> Route),
    Get(fn() -> Route),
    Post(fn() -> Route),
    GetAndPost(fn() -> Route, fn() -> Route),
}

/// One address.
pub(super) struct Address {
    pub(super) path: &'static str,
    pub(super) access: Access,
    takes: Takes,
}

/// Every address; of two that fit, the first counts.
pub(super) const ADDRESSES: [Address; 25] = [
    public("/livez", "says only that the process answers", || web::route().to(probes::livez)),
    public(
        "/readyz",
        "load balancers have no token; figures of the whole service, nothing of a company",
        || web::route().to(probes::readyz),
    ),
    public("/metrics", "Prometheus has no token; figures without ids, names or numbers", || {
        web::route().to(probes::metrics)
    }),
    retell("/webhooks/retell", || web::post().to(webhooks::retell::of_platform)),
    retell("/webhooks/retell/inbound", || web::post().to(webhooks::inbound::of_platform)),
    retell("/webhooks/retell/{company}", || web::post().to(webhooks::retell::of_company)),
    retell("/webhooks/retell/{company}/inbound", || web::post().to(webhooks::inbound::of_company)),
    Address {
        path: "/webhooks/calcom/{company}",
        access: Access::CalcomSignature,
        takes: Takes::Post(|| web::post().to(webhooks::calcom::of_company)),
    },
    retell("/functions/retell", || web::post().to(functions::named_in_body)),
    retell("/functions/retell/{function}", || web::post().to(functions::named_in_path)),
    shown("/admin/status", || web::get().to(admin::status::show)),
    shown("/admin/calls", || web::get().to(admin::calls::list)),
    shown("/admin/calls/{call_id}", || web::get().to(admin::calls::show)),
    shown("/admin/calls/{call_id}/timeline", || web::get().to(admin::calls::timeline)),
    shown("/admin/companies", || web::get().to(admin::companies::list)),
    shown("/admin/companies/{slug}", || web::get().to(admin::companies::show)),
    shown("/admin/companies/{slug}/calendar-events", || web::get().to(admin::companies::calendar_events)),
    shown("/admin/schedulers", || web::get().to(admin::actors::schedulers)),
    shown("/admin/writers", || web::get().to(admin::actors::writers)),
    shown("/admin/actors", || web::get().to(admin::actors::list)),
    shown("/admin/quarantine", || web::get().to(admin::quarantine::list)),
    ordered("/admin/quarantine/{id}/replay", || web::post().to(admin::quarantine::replay)),
    Address {
        path: "/admin/reconcile",
        access: Access::AdminToken,
        takes: Takes::GetAndPost(
            || web::get().to(admin::reconcile::list),
            || web::post().to(admin::reconcile::begin),
        ),
    },
    shown("/admin/dead-letters", || web::get().to(admin::dead_letters::list)),
    ordered("/admin/dead-letters/{id}/replay", || web::post().to(admin::dead_letters::replay)),
];

const fn public(path: &'static str, reason: &'static str, route: fn() -> Route) -> Address {
    Address { path, access: Access::Public(reason), takes: Takes::Probe(route) }
}

const fn retell(path: &'static str, route: fn() -> Route) -> Address {
    Address { path, access: Access::RetellSignature, takes: Takes::Post(route) }
}

/// What an admin looks at.
const fn shown(path: &'static str, route: fn() -> Route) -> Address {
    Address { path, access: Access::AdminToken, takes: Takes::Get(route) }
}

/// What an admin orders.
const fn ordered(path: &'static str, route: fn() -> Route) -> Address {
    Address { path, access: Access::AdminToken, takes: Takes::Post(route) }
}

/// Adds every address, and what is answered to all other requests.
pub fn configure(app: &mut ServiceConfig) {
    app.app_data(PathConfig::default().error_handler(|_, _| Refusal::NoSuchAddress.into()));
    let mut of_admins = web::scope(ADMIN);
    for address in &ADDRESSES {
        match address.access {
            Access::AdminToken => of_admins = address.below(of_admins),
            Access::Public(_) | Access::RetellSignature | Access::CalcomSignature => {
                app.service(address.resource(address.path));
            }
        }
    }
    app.service(of_admins.default_service(web::to(no_such_address)).wrap(from_fn(bearer::require)))
        .default_service(web::to(no_such_address));
}

impl Address {
    /// The methods that it takes, as a refusal of others names them.
    pub(super) const fn allow(&self) -> &'static str {
        match self.takes {
            Takes::Probe(_) => "GET, HEAD",
            Takes::Get(_) => "GET",
            Takes::Post(_) => "POST",
            Takes::GetAndPost(..) => "GET, POST",
        }
    }

    /// Added to the scope that lies in front of it.
    fn below(&self, admins: Scope) -> Scope {
        admins.service(self.resource(self.path.strip_prefix(ADMIN).unwrap_or(self.path)))
    }

    /// With these methods; every other one is told which.
    fn resource(&self, path: &str) -> Resource {
        let allow = self.allow();
        let refuse = move |request: HttpRequest| async move { refuse_method(&request, allow) };
        let resource = web::resource(path).default_service(web::to(refuse));
        match self.takes {
            Takes::Probe(route) => resource.route(route().guard(Any(Get()).or(Head()))),
            Takes::Get(route) | Takes::Post(route) => resource.route(route()),
            Takes::GetAndPost(get, post) => resource.route(get()).route(post()),
        }
    }
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
