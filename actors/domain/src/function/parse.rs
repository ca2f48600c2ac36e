//! From tolerant arguments to a typed order, or to the answer that says what is wrong with it. Everything
//! that the company's own settings can decide is decided here, before a calendar is asked.

use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use super::{
    BookOrder, CheckOrder, FunctionAnswer, FunctionName, FunctionOrder, Objection, Speaker,
    arguments::{ArgumentError, Arguments},
    lookup::{Candidate, Found, look_up},
    spoken::Notice,
};
use crate::{
    ids::{ServiceId, StaffId},
    tenant::{Branch, Company, Service, Staff},
    time::{Interval, UnixMillis},
    when::{
        When, WhenError, WhenTexts, instant_of, local,
        opening::{ClosedReason, OpenVerdict, is_open, notice_ok},
        parse_when,
    },
};

/// Reads an order for a branch of a company. Services and staff of the company only, dates in its zone;
/// opening hours and holidays are checked for the length of the service. The company's notice is checked
/// for `check_availability` only: a booking of the slot that the call holds may come later than that, so
/// whoever knows the holds asks [`check_notice`] for the others. Errors: the refusal, ready to be sent;
/// `function_unavailable` for functions without a typed order.
pub fn parse_order(
    name: FunctionName,
    args: &Map<String, Value>,
    company: &Company,
    branch: &Branch,
    now: UnixMillis,
) -> Result<FunctionOrder, FunctionAnswer> {
    let desk = Desk { company, branch, speaker: Speaker::of(company), zone: company.zone(), now };
    match name {
        FunctionName::CheckAvailability => desk
            .check(args)
            .map(FunctionOrder::CheckAvailability)
            .map_err(|refusal| refusal.with("available", false)),
        FunctionName::BookAppointment => desk.book(args).map(FunctionOrder::BookAppointment),
        FunctionName::ListServices => desk.list(args).map(FunctionOrder::ListServices),
        FunctionName::OpeningHours => desk.hours(args).map(FunctionOrder::OpeningHours),
        FunctionName::CheckCustomer => Ok(FunctionOrder::CheckCustomer),
        FunctionName::FindAppointments => Ok(FunctionOrder::FindAppointments),
        FunctionName::RequestCallback => desk.call_back(args).map(FunctionOrder::RequestCallback),
        FunctionName::CancelAppointment | FunctionName::RescheduleAppointment | FunctionName::ParseDate => {
            Err(desk.speaker.function_unavailable())
        }
    }
}

/// Whether a slot that the call does not hold leaves the company its notice. Errors: `too_soon`, ready to
/// be sent.
pub fn check_notice(company: &Company, start: UnixMillis, now: UnixMillis) -> Result<(), FunctionAnswer> {
    if notice_ok(company, start, now) {
        return Ok(());
    }
    Err(Speaker::of(company).object(&Objection::TooSoon(Notice { minutes: company.notice_minutes })))
}

/// What [`parse_order`] could not check of a booking that left its service or its start open: whether the
/// wished member does the service, opening hours for its whole length, and the notice. For slots that the
/// call does not hold. Errors: the refusal, ready to be sent.
pub fn check_filled_in(
    company: &Company,
    branch: &Branch,
    service: &Service,
    staff: Option<StaffId>,
    start: UnixMillis,
    now: UnixMillis,
) -> Result<(), FunctionAnswer> {
    let desk = Desk { company, branch, speaker: Speaker::of(company), zone: company.zone(), now };
    if let Some(wished) = staff.filter(|id| !serves(service, *id)) {
        let others = desk.staff_names(|s| s.id != wished && serves(service, s.id));
        return desk.object(&Objection::StaffNotForService(&others));
    }
    desk.open(start, service.duration_minutes)?;
    check_notice(company, start, now)
}

pub(super) fn serves(service: &Service, staff: StaffId) -> bool {
    service.staff.is_empty() || service.staff.iter().any(|m| m.staff == staff)
}

/// A branch at a moment, where orders are read.
pub(super) struct Desk<'a> {
    pub(super) company: &'a Company,
    branch: &'a Branch,
    speaker: Speaker,
    zone: TimeZone,
    now: UnixMillis,
}

impl Desk<'_> {
    fn check(&self, args: &Map<String, Value>) -> Result<CheckOrder, FunctionAnswer> {
        let args = self.arguments(args)?;
        let Some(service) = self.service(&args)? else {
            return self.object(&Objection::ServiceMissing(&self.service_names(|_| true)));
        };
        let staff = self.staff(&args, Some(service))?;
        let Some(start) = self.start(&args)? else { return self.object(&Objection::DateMissing) };
        self.open(start, service.duration_minutes)?;
        check_notice(self.company, start, self.now)?;
        Ok(CheckOrder { service: service.id, staff, start })
    }

    fn book(&self, args: &Map<String, Value>) -> Result<BookOrder, FunctionAnswer> {
        let args = self.arguments(args)?;
        let service = self.service(&args)?;
        let staff = self.staff(&args, service)?;
        let start = self.start(&args)?;
        if let Some(start) = start {
            // As long as the service is not known, its first minute must be in the hours.
            self.open(start, service.map_or(1, |s| s.duration_minutes))?;
        }
        Ok(BookOrder {
            service: service.map(|s| s.id),
            staff,
            start,
            customer_name: args.customer_name,
            phone: args.phone,
            email: args.email,
            notes: args.notes,
            confirm: args.confirm,
        })
    }

    pub(super) fn arguments(&self, args: &Map<String, Value>) -> Result<Arguments, FunctionAnswer> {
        Arguments::read(args).or_else(|ArgumentError::TooLong { argument, chars_max }| {
            self.object(&Objection::ArgumentTooLong(argument, chars_max))
        })
    }

    /// The named service, or the only one; `None` when none was named and there are several (or none).
    fn service(&self, args: &Arguments) -> Result<Option<&Service>, FunctionAnswer> {
        let services = &self.company.services;
        let Some(wanted) = args.service.as_deref() else {
            return Ok(if let [only] = services.as_slice() { Some(only) } else { None });
        };
        match self.find_service(wanted) {
            Found::One(id) => Ok(self.company.service(id)),
            Found::Several(ids) => {
                self.object(&Objection::ServiceAmbiguous(&self.service_names(|s| ids.contains(&s.id))))
            }
            Found::Nobody => self.object(&Objection::ServiceNotFound(&self.service_names(|_| true))),
        }
    }

    pub(super) fn find_service(&self, wanted: &str) -> Found<ServiceId> {
        let services = self.company.services.iter();
        let candidates: Vec<Candidate<'_, ServiceId>> =
            services.map(|s| Candidate { id: s.id, slug: &s.slug, name: &s.name }).collect();
        look_up(wanted, &candidates)
    }

    /// The named member who works at this branch and does the service, if one was named.
    pub(super) fn staff(
        &self,
        args: &Arguments,
        service: Option<&Service>,
    ) -> Result<Option<StaffId>, FunctionAnswer> {
        let Some(wanted) = args.staff.as_deref() else { return Ok(None) };
        let candidates: Vec<Candidate<'_, StaffId>> =
            self.colleagues().map(|s| Candidate { id: s.id, slug: &s.slug, name: &s.name }).collect();
        let serves = |id: StaffId| service.is_none_or(|s| serves(s, id));
        match look_up(wanted, &candidates) {
            Found::One(id) if serves(id) => Ok(Some(id)),
            Found::One(_) => self.object(&Objection::StaffNotForService(&self.staff_names(|s| serves(s.id)))),
            Found::Several(ids) => {
                self.object(&Objection::StaffAmbiguous(&self.staff_names(|s| ids.contains(&s.id))))
            }
            Found::Nobody => self.object(&Objection::StaffNotFound(&self.staff_names(|s| serves(s.id)))),
        }
    }

    /// The wished start; `None` when neither date nor time was given.
    fn start(&self, args: &Arguments) -> Result<Option<UnixMillis>, FunctionAnswer> {
        match parse_when(&texts_of(args), &self.zone, self.now) {
            Ok(when) => Ok(Some(when.start)),
            Err(WhenError::Absent) => Ok(None),
            Err(error) => self.object_to_when(error),
        }
    }

    /// The wished days, both among them; `None` when none was named.
    pub(super) fn days(&self, args: &Arguments) -> Result<Option<(Date, Date)>, FunctionAnswer> {
        let texts = WhenTexts { time: None, ..texts_of(args) };
        match parse_when(&texts, &self.zone, self.now) {
            Ok(When { date, .. }) | Err(WhenError::TimeMissing { date }) => Ok(Some((date, date))),
            Err(WhenError::Absent) => Ok(None),
            Err(error) => self.object_to_when(error),
        }
    }

    /// From when on something is wished; `None` when that was not understood.
    pub(super) fn from(&self, args: &Arguments) -> Result<Option<UnixMillis>, FunctionAnswer> {
        let texts = texts_of(args);
        let texts = WhenTexts { datetime: args.due.as_deref().or(texts.datetime), ..texts };
        match parse_when(&texts, &self.zone, self.now) {
            Ok(when) => Ok(Some(when.start)),
            Err(WhenError::TimeMissing { date }) => {
                Ok(instant_of(date.at(0, 0, 0, 0), &self.zone).map(|midnight| midnight.max(self.now)))
            }
            Err(error @ (WhenError::DateInPast { .. } | WhenError::TooFar { .. })) => {
                self.object_to_when(error)
            }
            Err(_) => Ok(None),
        }
    }

    fn object_to_when<T>(&self, error: WhenError) -> Result<T, FunctionAnswer> {
        self.object(&match error {
            WhenError::NotUnderstood => Objection::DateNotUnderstood(self.today()),
            WhenError::Absent | WhenError::DateMissing => Objection::DateMissing,
            WhenError::TimeMissing { date } => Objection::TimeMissing(date),
            WhenError::TimeDoesNotExist { date } => Objection::TimeDoesNotExist(date),
            WhenError::DateInPast { today } => Objection::DateInPast(today),
            WhenError::TooFar { today } => Objection::DateTooFar(today),
        })
    }

    pub(super) fn today(&self) -> Date {
        local(self.now, &self.zone).unwrap_or_default().date()
    }

    fn open(&self, start: UnixMillis, minutes: u32) -> Result<(), FunctionAnswer> {
        let Some(interval) = Interval::of_minutes(start, minutes.max(1)) else { return Ok(()) };
        let date = local(start, &self.zone).unwrap_or_default().date();
        match is_open(self.company, self.branch, interval) {
            OpenVerdict::Open | OpenVerdict::Unknown => Ok(()),
            OpenVerdict::Closed(ClosedReason::Holiday) => self.object(&Objection::ClosedOnHoliday(date)),
            OpenVerdict::Closed(ClosedReason::ClosedDay) => self.object(&Objection::ClosedOnDay(date)),
            OpenVerdict::Closed(ClosedReason::OutsideHours { hours }) => {
                self.object(&Objection::OutsideHours(date, &hours))
            }
        }
    }

    fn colleagues(&self) -> impl Iterator<Item = &Staff> {
        self.company.staff.iter().filter(|s| s.branch.is_none_or(|branch| branch == self.branch.id))
    }

    pub(super) fn service_names(&self, wanted: impl Fn(&Service) -> bool) -> Vec<String> {
        self.company.services.iter().filter(|s| wanted(s)).map(|s| s.name.clone()).collect()
    }

    fn staff_names(&self, wanted: impl Fn(&Staff) -> bool) -> Vec<String> {
        self.colleagues().filter(|s| wanted(s)).map(|s| s.name.clone()).collect()
    }

    pub(super) fn object<T>(&self, objection: &Objection<'_>) -> Result<T, FunctionAnswer> {
        Err(self.speaker.object(objection))
    }
}

fn texts_of(args: &Arguments) -> WhenTexts<'_> {
    WhenTexts { datetime: args.datetime.as_deref(), date: args.date.as_deref(), time: args.time.as_deref() }
}
