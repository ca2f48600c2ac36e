//! The quotas of all companies, asked while a telephone rings. Outside the actors, so that asking costs no
//! message and a panic forgets nobody; calls tell when they begin.

use std::sync::Arc;

use askpro_domain::{
    ids::{CallId, CompanyId},
    tenant::{
        Company,
        quota::{OverQuota, Quota},
    },
    time::UnixMillis,
};
use dashmap::DashMap;

use super::LiveCounts;

/// The calls that companies were let have. Cheap to clone.
#[derive(Clone, Default)]
pub struct Admissions(Arc<DashMap<CompanyId, Quota>>);

impl Admissions {
    /// Lets one more call in.
    ///
    /// # Errors
    /// Which of the company's limits is used up; nothing is counted then.
    pub fn admit(
        &self,
        company: &Company,
        live: &LiveCounts,
        call_id: Option<&CallId>,
        now: UnixMillis,
    ) -> Result<(), OverQuota> {
        let mut quota = self.0.entry(company.id).or_default();
        let live = u32::try_from(live.of(company.id).max(0)).unwrap_or(u32::MAX);
        quota.admit(company.limits, live, call_id, now)
    }

    /// A call of this company is counted among the live ones from now on.
    pub fn began(&self, company: CompanyId, call_id: &CallId) {
        if let Some(mut quota) = self.0.get_mut(&company) {
            quota.began(call_id);
        }
    }

    /// A call of this company is over and never was among them.
    pub fn never_began(&self, company: CompanyId, call_id: &CallId) {
        if let Some(mut quota) = self.0.get_mut(&company) {
            quota.never_began(call_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use askpro_domain::tenant::Limits;

    use super::*;
    use crate::{
        ports::fakes::{EventBody, fixture},
        rig::Rig,
    };

    fn event(name: &str, call: &str) -> EventBody {
        EventBody { to: Some("+493083793369".to_owned()), ..EventBody::new(name, call, 1) }
    }

    #[test]
    fn a_call_that_was_let_in_is_expected_until_it_begins_and_counts_once() {
        let rig = Rig::new();
        let limits = Limits { concurrent_calls: Some(2), calls_per_minute: None };
        let company = Company { limits, ..fixture().remove(0) };
        let admit = |call: &str| {
            let id = CallId::parse(call);
            rig.actors.admissions.admit(&company, &rig.actors.live, id.as_ref(), rig.now())
        };
        assert_eq!((admit("a"), admit("b")), (Ok(()), Ok(())));
        assert_eq!(admit("c"), Err(OverQuota::ConcurrentCalls), "two telephones ring");
        rig.event(&event("call_started", "a"));
        rig.settle();
        assert_eq!(admit("c"), Err(OverQuota::ConcurrentCalls), "one talks, one rings");
        rig.event(&event("call_ended", "b"));
        rig.settle();
        assert_eq!(admit("c"), Ok(()), "nobody was reached");
        rig.event(&event("call_started", "c"));
        rig.event(&event("call_started", "not-asked-for"));
        rig.settle();
        assert_eq!(admit("d"), Err(OverQuota::ConcurrentCalls), "three talk");
        for call in ["a", "c", "not-asked-for"] {
            rig.event(&event("call_ended", call));
        }
        rig.settle();
        assert_eq!((admit("d"), admit("e")), (Ok(()), Ok(())));
        rig.finish();
    }
}
