//! From a wish to what can be held for it. Pure.

use std::collections::BTreeSet;

use askpro_domain::{
    function::WishedStart,
    ids::{ServiceId, StaffId},
    slots::{FreeUnits, Target},
    tenant::{Company, Service},
    time::{Interval, UnixMillis},
    when::Window,
};

/// What a caller wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) service: ServiceId,
    pub(super) staff: Option<StaffId>,
    /// The start; with a window the place from which on the calendar is looked at.
    pub(super) start: UnixMillis,
    /// Any start of it will do.
    pub(super) window: Option<Window>,
}

impl Wish {
    /// As it was said.
    pub(super) fn of(service: ServiceId, staff: Option<StaffId>, start: WishedStart) -> Self {
        match start {
            WishedStart::At(start) => Self::at(service, staff, start),
            WishedStart::Within(window) => Self { service, staff, start: window.from, window: Some(window) },
        }
    }

    /// This very start.
    pub(super) const fn at(service: ServiceId, staff: Option<StaffId>, start: UnixMillis) -> Self {
        Self { service, staff, start, window: None }
    }

    /// One start of it.
    pub(super) const fn only(self, start: UnixMillis) -> Self {
        Self { start, window: None, ..self }
    }

    /// The start that fits best.
    pub(super) fn best(&self) -> UnixMillis {
        self.window.map_or(self.start, |window| window.best.max(self.start))
    }

    /// The part of it that was looked at, up to an instant.
    pub(super) fn up_to(self, to: UnixMillis, company: &Company) -> Self {
        Self { window: self.window.map(|window| window.up_to(to, &company.zone())), ..self }
    }

    /// As it is said back.
    pub(super) fn wished(&self) -> WishedStart {
        self.window.map_or(WishedStart::At(self.start), WishedStart::Within)
    }
}

/// Something that would fulfil a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What to hold.
    pub(super) target: Target,
    /// Event type to book.
    pub(super) event_type_id: i64,
    /// Members' own event types, which tell how many units of a pool are free.
    pub(super) member_types: Vec<(StaffId, i64)>,
}

impl Candidate {
    /// Every event type whose offers must be known.
    pub(super) fn event_types(&self) -> impl Iterator<Item = i64> {
        std::iter::once(self.event_type_id).chain(self.member_types.iter().map(|(_, t)| *t))
    }

    /// The member, when it is held by name.
    pub(super) fn member(&self) -> Option<StaffId> {
        match &self.target {
            Target::Member(member) => Some(*member),
            Target::Pool { .. } => None,
        }
    }

    /// Free units at `start`, as the members' own types show; unknown where none of them tells.
    pub(super) fn units(&self, offers: impl Fn(i64, UnixMillis) -> bool, start: UnixMillis) -> FreeUnits {
        let free: BTreeSet<StaffId> =
            self.member_types.iter().filter(|(_, t)| offers(*t, start)).map(|(m, _)| *m).collect();
        if free.is_empty() { FreeUnits::Unknown } else { FreeUnits::Members(free) }
    }
}

/// What can fulfil the wish, best first; empty when the service cannot be booked at Cal.com. A wished member
/// with an event type of their own is held by name; without one the wish is only a wish.
pub(super) fn candidates(service: &Service, staff: Option<StaffId>) -> Vec<Candidate> {
    let own_type = |member: StaffId| {
        service.staff.iter().find(|s| s.staff == member).and_then(|s| s.calcom_event_type_id)
    };
    let named = |member: StaffId, event_type_id: i64| Candidate {
        target: Target::Member(member),
        event_type_id,
        member_types: Vec::new(),
    };
    if let Some((member, own)) = staff.and_then(|m| own_type(m).map(|own| (m, own))) {
        return vec![named(member, own)];
    }
    let own_types = || service.staff.iter().filter_map(|s| Some((s.staff, s.calcom_event_type_id?)));
    match (service.calcom_event_type_id, service.staff.as_slice()) {
        (Some(event_type_id), [only]) => vec![named(only.staff, event_type_id)],
        (Some(event_type_id), _) => {
            let mut members: Vec<StaffId> = service.staff.iter().map(|s| s.staff).collect();
            members.sort_unstable();
            let target = Target::Pool { event_type_id, members };
            vec![Candidate { target, event_type_id, member_types: own_types().collect() }]
        }
        (None, _) => own_types().map(|(member, own)| named(member, own)).collect(),
    }
}

/// The target to restore for a booking after a restart: its member, else the pool of its service.
pub(super) fn target_of(
    company: Option<&Company>,
    service: ServiceId,
    staff: Option<StaffId>,
    event_type_id: i64,
) -> Target {
    if let Some(member) = staff {
        return Target::Member(member);
    }
    let staff = company.and_then(|c| c.service(service)).map(|s| s.staff.iter().map(|m| m.staff).collect());
    let mut members: Vec<StaffId> = staff.unwrap_or_default();
    members.sort_unstable();
    Target::Pool { event_type_id, members }
}

/// The segments that a service occupies from `start`; one interval.
pub(super) fn segments(service: &Service, start: UnixMillis) -> Option<Interval> {
    Interval::of_minutes(start, service.duration_minutes)
}
