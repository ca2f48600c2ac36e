//! `list_services`: what can be booked here, with whom, for how long and for how much.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    FunctionAnswer, NAMES_LISTED_MAX, Objection, Speaker,
    lookup::Found,
    parse::{Desk, serves},
    told::{ServiceLine, Told},
};
use crate::{
    ids::{ServiceId, StaffId},
    tenant::{Branch, Company, Service},
};

/// Services that are spoken; more are only counted.
const SERVICES_SPOKEN_MAX: usize = 4;

/// Which services to tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOrder {
    /// Those that the name fits; `None` when none was named.
    pub services: Option<Vec<ServiceId>>,
    /// Those that this member does.
    pub staff: Option<StaffId>,
}

impl Desk<'_> {
    /// A name that fits several services asks for all of them.
    pub(super) fn list(&self, args: &Map<String, Value>) -> Result<ListOrder, FunctionAnswer> {
        let args = self.arguments(args)?;
        let services = match args.service.as_deref().map(|wanted| self.find_service(wanted)) {
            None => None,
            Some(Found::One(id)) => Some(vec![id]),
            Some(Found::Several(ids)) => Some(ids),
            Some(Found::Nobody) => {
                return self.object(&Objection::ServiceNotFound(&self.service_names(|_| true)));
            }
        };
        Ok(ListOrder { services, staff: self.staff(&args, None)? })
    }
}

/// The answer to `list_services`.
#[must_use]
pub fn list_services(company: &Company, branch: &Branch, order: &ListOrder) -> FunctionAnswer {
    let speaker = Speaker::of(company);
    let wanted = |s: &&Service| {
        order.services.as_ref().is_none_or(|ids| ids.contains(&s.id))
            && order.staff.is_none_or(|member| serves(s, member))
    };
    let services: Vec<(&Service, Vec<String>)> =
        company.services.iter().filter(wanted).map(|s| (s, staff_of(s, company, branch))).collect();
    let lines: Vec<ServiceLine<'_>> = services.iter().map(|(s, staff)| line(s, staff)).collect();
    let told = match lines.as_slice() {
        [] => return speaker.object(&Objection::ServiceMissing(&[])).with("services", json!([])),
        [only] => Told::Service(*only),
        _ => {
            let spoken = lines.get(..SERVICES_SPOKEN_MAX).unwrap_or(&lines);
            Told::Services(spoken, lines.len() - spoken.len())
        }
    };
    let listed: Vec<Value> = lines.iter().take(NAMES_LISTED_MAX).map(fields).collect();
    speaker.tell(&told).with("services", listed).with("services_total", lines.len())
}

fn line<'a>(service: &'a Service, staff: &'a [String]) -> ServiceLine<'a> {
    ServiceLine {
        name: &service.name,
        minutes: service.duration_minutes,
        price: service.price_cents.zip(service.currency.as_deref()),
        staff,
    }
}

/// Who does it here, by name.
fn staff_of(service: &Service, company: &Company, branch: &Branch) -> Vec<String> {
    let here = company.staff.iter().filter(|s| s.branch.is_none_or(|id| id == branch.id));
    here.filter(|s| serves(service, s.id)).map(|s| s.name.clone()).collect()
}

fn fields(line: &ServiceLine<'_>) -> Value {
    json!({
        "name": line.name,
        "duration_minutes": line.minutes,
        "price_cents": line.price.map(|(cents, _)| cents),
        "currency": line.price.map(|(_, currency)| currency),
        "staff": line.staff,
    })
}
