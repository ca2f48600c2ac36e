//! `askpro demo`: everything on one machine with nothing installed, calls coming in, in a folder of its own.
//!
//! In the end it looks at what it has done with the same oracle as the benchmark.

mod check;
mod screen;

use std::net::TcpListener;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use self::screen::Screen;
use super::admin::AdminClient;
use super::error::CliError;
use super::own_service::{Folder, OwnService, keep_in};
use super::settings;
use crate::config::Config;
use crate::simulators::retell::{CompanyLine, Dialer, DialerOptions, Disorder, Mix, ScriptGenerator, Target};

/// The demo's companies, as an import file.
const DEMO_JSON: &str = include_str!("../../../config/demo.json");
/// A two-minute call passes in six seconds.
const TIME_FACTOR: f64 = 20.0;
/// What goes wrong on the way: some events come twice, some in the wrong order.
const DISORDER: Disorder = Disorder { duplicate_share: 0.05, reorder_share: 0.05, retry_share: 0.0 };
/// Callers want one of so few days that they clash now and then.
const BOOKING_DAYS: u32 = 7;
/// Longest call, in seconds before compression.
const LONGEST_S: f64 = 240.0;
/// How long the service may take to be ready.
const READY_TIME_MAX: Duration = Duration::from_secs(30);
/// How often the screen is drawn.
const REDRAW: Duration = Duration::from_secs(1);

/// The service with simulators, three companies and calls, in a temporary folder. Stops after --for, or on
/// Ctrl-C, and says whether anything was lost or sold twice (exit code 1 if so).
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// New calls per minute; time runs 20 times as fast within a call
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = super::bench::positive)]
    calls_per_minute: f64,
    /// Stop taking calls after so many seconds [default: run until Ctrl-C]
    #[arg(long = "for", value_name = "SECONDS", value_parser = super::bench::positive)]
    for_s: Option<f64>,
}

/// The demo's companies.
pub(super) fn import_json() -> serde_json::Result<Value> {
    serde_json::from_str(DEMO_JSON)
}

/// Runs the demo to its end.
pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    let mut config = settings::load(None)?;
    settings::start_quiet_log(&config)?;
    let companies = import_json().map_err(CliError::failed)?;
    let folder = Folder::make("demo")?;
    println!("folder       {}", folder.path().display());
    settle_in(&mut config, &folder)?;
    let (service, folder) = Box::pin(OwnService::start_in(folder, config, &companies)).await?;
    let admin = AdminClient::new(&service.running.base_url(), &service.admin_token);
    let admin = admin.map_err(CliError::failed)?;
    admin.until_ready(READY_TIME_MAX).await.map_err(CliError::failed)?;
    service.calcom.send_webhooks_to(&format!("{}/webhooks/calcom", service.running.base_url()));
    let generator = generator(&companies);
    let again = generator.clone();
    let dialer = dial(&args, &service, generator)?;
    print_addresses(&service);
    let stopped_by_itself = play(&args, &service, &dialer, admin).await?;
    println!("\nno more calls come in; the running ones end");
    let counters = dialer.finish().await;
    let summary = Box::pin(check::examine(&service, again, &counters)).await;
    let stopped = service.running.stop().await;
    let summary = summary?;
    println!("{summary}\nthe database and the journal stay in {}", folder.path().display());
    stopped?;
    if summary.is_sound() && !stopped_by_itself { Ok(()) } else { Err(CliError::Reported) }
}

/// The demo's own database, journal and address, whatever is configured; an address that is configured stays.
fn settle_in(config: &mut Config, folder: &Folder) -> Result<(), CliError> {
    let built_in = Config::load(None, std::iter::empty())?;
    keep_in(folder.path(), config);
    config.redis.url = None;
    if config.http.bind == built_in.http.bind && TcpListener::bind(config.http.bind).is_err() {
        config.http.bind.set_port(0);
    }
    Ok(())
}

fn generator(companies: &Value) -> ScriptGenerator {
    let mix = Mix { booking_days: BOOKING_DAYS, longest_s: LONGEST_S, ..Mix::default() };
    let lines = CompanyLine::from_import_json(companies);
    ScriptGenerator::new(settings::now_ms().unsigned_abs(), lines, mix)
}

fn dial(args: &DemoArgs, service: &OwnService, generator: ScriptGenerator) -> Result<Dialer, CliError> {
    let target =
        Target { base_url: service.running.base_url(), key: service.webhook_key.clone(), company: None };
    let mut options = DialerOptions::new(target, settings::clock());
    options.calls_per_minute = args.calls_per_minute;
    options.time_factor = TIME_FACTOR;
    options.disorder = DISORDER;
    Dialer::start(generator, options, Some(service.retell.clone())).map_err(CliError::failed)
}

fn print_addresses(service: &OwnService) {
    let url = service.running.base_url();
    let token = &service.admin_token;
    println!("service      {url}");
    println!("             {url}/livez  {url}/readyz  {url}/metrics");
    println!("admin token  {token}");
    println!("             curl -H 'Authorization: Bearer {token}' {url}/admin/status");
    println!("             curl -H 'Authorization: Bearer {token}' '{url}/admin/calls?state=live'");
    println!("cal.com      {} (simulated; /_sim/bookings, /_sim/overlaps)", service.calcom.base_url());
    println!("retell       {} (simulated)", service.retell.base_url());
    println!();
}

/// Draws the screen until the time is over, a signal comes or the service stops; whether it was the last.
async fn play(
    args: &DemoArgs,
    service: &OwnService,
    dialer: &Dialer,
    admin: AdminClient,
) -> Result<bool, CliError> {
    let mut screen = Screen::new(admin);
    let mut redraw = tokio::time::interval(REDRAW);
    let mut over = Box::pin(async {
        match args.for_s {
            Some(seconds) => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
            None => std::future::pending().await,
        }
    });
    let mut signalled = Box::pin(super::signalled());
    let mut stopped = Box::pin(service.running.stopped());
    loop {
        tokio::select! {
            () = &mut over => return Ok(false),
            () = &mut signalled => return Ok(false),
            () = &mut stopped => {
                eprintln!("the service has stopped by itself");
                return Ok(true);
            }
            _ = redraw.tick() => screen.draw(service, dialer).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::simulators::calcom::World;

    fn companies() -> Vec<Value> {
        import_json().unwrap()["companies"].as_array().unwrap().clone()
    }

    #[test]
    fn the_demo_has_german_companies_and_an_english_one() {
        let slugs: Vec<String> =
            companies().iter().map(|company| company["slug"].as_str().unwrap().to_owned()).collect();
        assert_eq!(slugs, ["friseur-mitte", "zahnarzt-hamburg", "studio-camden"]);
        let languages: HashSet<String> =
            companies().iter().map(|company| company["language"].as_str().unwrap().to_owned()).collect();
        assert_eq!(languages, HashSet::from(["de".to_owned(), "en".to_owned()]));
    }

    #[test]
    fn the_demo_file_has_the_shape_of_an_import_file() {
        const COMPANY: [&str; 15] = [
            "slug",
            "name",
            "time_zone",
            "language",
            "notice_minutes",
            "holidays",
            "calcom_api_key",
            "calcom_webhook_secret",
            "retell_webhook_keys",
            "retell_api_key",
            "limits",
            "branches",
            "staff",
            "services",
            "customers",
        ];
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let all_in = |value: &Value, known: &[&str]| {
            for key in keys(value) {
                assert!(known.contains(&key.as_str()), "{key} is no field of an import file");
            }
        };
        for company in companies() {
            all_in(&company, &COMPANY);
            let list = |name: &str| company[name].as_array().unwrap().clone();
            let staff: HashSet<String> =
                list("staff").iter().map(|member| member["slug"].as_str().unwrap().to_owned()).collect();
            for branch in list("branches") {
                all_in(&branch, &["slug", "name", "phone_numbers", "agents", "opening_hours"]);
            }
            for member in list("staff") {
                all_in(&member, &["slug", "name", "branch", "calcom_user_id"]);
                assert!(list("branches").iter().any(|branch| branch["slug"] == member["branch"]));
            }
            for service in list("services") {
                all_in(
                    &service,
                    &[
                        "slug",
                        "name",
                        "synonyms",
                        "duration_minutes",
                        "price_cents",
                        "currency",
                        "calcom_event_type_id",
                        "staff",
                    ],
                );
                for entry in service["staff"].as_array().unwrap() {
                    let slug = entry.as_str().or_else(|| entry["slug"].as_str()).unwrap();
                    assert!(staff.contains(slug), "{slug} offers a service and is no member of staff");
                }
            }
            for customer in list("customers") {
                all_in(&customer, &["name", "phone", "email"]);
            }
        }
    }

    #[test]
    fn the_demo_can_be_called_and_booked() {
        let import = import_json().unwrap();
        assert_eq!(CompanyLine::from_import_json(&import).len(), 4);
        let world = World::from_import_json(&import).unwrap();
        assert_eq!(world.users.len(), 7);
        let ids: HashSet<i64> = world.event_types.iter().map(|event_type| event_type.id).collect();
        assert_eq!((world.event_types.len(), ids.len()), (15, 15));
    }
}
