//! From tolerant arguments to a typed order, or to the answer that says what is wrong with it. Everything
//! that the company's own settings can decide is decided here, before a calendar is asked.

use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use super::{
    BookOrder, CheckOrder, FunctionAnswer, FunctionName, FunctionOrder, Objection, Speaker, WishedStart,
    arguments::{Argument, ArgumentError, Arguments, Remarks},
    lookup::{Found, find_service, find_staff},
    spoken::Notice,
    tidy::Names,
};
use crate::{
    ids::StaffId,
    phone::Country,
    tenant::{Branch, Company, Service, Staff},
    time::{Interval, UnixMillis},
    when::{
        Question, Refusal, Shape, When, WhenTexts, local,
        opening::{ClosedReason, OpenVerdict, is_open, notice_ok, opens_within},
        read_when,
    },
};

/// An order as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOrder {
    /// The order, or the refusal, ready to be sent.
    pub order: Result<FunctionOrder, FunctionAnswer>,
    /// What was noticed of its arguments.
    pub remarks: Remarks,
}

/// Reads an order for a branch of a company. Services and staff of the company only, dates in its zone,
/// national numbers of its country; opening hours and holidays are checked for the length of the service. The
/// company's notice is checked for `check_availability` only: a booking of the slot that the call holds may
/// come later than that, so whoever knows the holds asks [`check_notice`] for the others. Functions without a
/// typed order are refused with `function_unavailable`.
#[must_use]
pub fn parse_order(
    name: FunctionName,
    args: &Map<String, Value>,
    company: &Company,
    branch: &Branch,
    now: UnixMillis,
) -> ReadOrder {
    let desk = Desk { company, branch, speaker: Speaker::of(company), zone: company.zone(), now };
    let Some(wanted) = Argument::of(name) else {
        return ReadOrder { order: Err(desk.speaker.function_unavailable()), remarks: Remarks::default() };
    };
    let args = match desk.arguments(args, wanted) {
        Ok(args) => args,
        Err(ArgumentError::TooLong(argument)) => {
            let order = desk.object(&Objection::ArgumentTooLong(argument.name(), argument.chars_max()));
            let remarks = Remarks { too_long: Some(argument), ..Remarks::default() };
            return ReadOrder { order: told_available(name, order), remarks };
        }
    };
    let when = name.wishes_a_time().then(|| desk.when(&args)).flatten();
    let understood = when.as_ref().and_then(|when| desk.said_back(when));
    let remarks = Remarks { understood, ..args.remarks.clone() };
    let order = match name {
        FunctionName::CheckAvailability => desk.check(args, when).map(FunctionOrder::CheckAvailability),
        FunctionName::BookAppointment => desk.book(args, when).map(FunctionOrder::BookAppointment),
        FunctionName::ParseDate => desk.date(when).map(FunctionOrder::ParseDate),
        FunctionName::ListServices => desk.list(&args).map(FunctionOrder::ListServices),
        FunctionName::OpeningHours => desk.hours(&args).map(FunctionOrder::OpeningHours),
        FunctionName::CheckCustomer => Ok(FunctionOrder::CheckCustomer),
        FunctionName::FindAppointments => Ok(FunctionOrder::FindAppointments),
        FunctionName::RequestCallback => desk.call_back(args).map(FunctionOrder::RequestCallback),
        FunctionName::CancelAppointment | FunctionName::RescheduleAppointment => {
            Err(desk.speaker.function_unavailable())
        }
    };
    ReadOrder { order: told_available(name, order), remarks }
}

/// A check that is refused found nothing available.
fn told_available(
    name: FunctionName,
    order: Result<FunctionOrder, FunctionAnswer>,
) -> Result<FunctionOrder, FunctionAnswer> {
    let is_check = name == FunctionName::CheckAvailability;
    order.map_err(|refusal| if is_check { refusal.with("available", false) } else { refusal })
}

/// Whether a slot that the call does not hold leaves the company its notice. Errors: `too_soon`, ready to
/// be sent.
pub fn check_notice(company: &Company, start: &WishedStart, now: UnixMillis) -> Result<(), FunctionAnswer> {
    if notice_ok(company, latest(start), now) {
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
    start: &WishedStart,
    now: UnixMillis,
) -> Result<(), FunctionAnswer> {
    let desk = Desk { company, branch, speaker: Speaker::of(company), zone: company.zone(), now };
    if let Some(wished) = staff.filter(|id| !serves(service, *id)) {
        let others = desk.staff_names(|s| s.id != wished && serves(service, s.id));
        return desk.object(&Objection::StaffNotForService(&others));
    }
    desk.open_for(start, service.duration_minutes)?;
    check_notice(company, start, now)
}

pub(super) fn serves(service: &Service, staff: StaffId) -> bool {
    service.staff.is_empty() || service.staff.iter().any(|m| m.staff == staff)
}

/// Of several with one name, the only one whom `fits` fits.
fn only_of(ids: Vec<StaffId>, fits: impl Fn(StaffId) -> bool) -> Found<StaffId> {
    let fitting: Vec<StaffId> = ids.iter().copied().filter(|id| fits(*id)).collect();
    if let [only] = fitting.as_slice() { Found::One(*only) } else { Found::Several(ids) }
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
    fn check(&self, args: Arguments, when: Option<When>) -> Result<CheckOrder, FunctionAnswer> {
        let Some(service) = self.service(&args)? else {
            return self.object(&Objection::ServiceMissing(&self.service_names(|_| true)));
        };
        let staff = self.staff(&args, Some(service))?;
        let start = self.date(when)?;
        self.open_for(&start, service.duration_minutes)?;
        check_notice(self.company, &start, self.now)?;
        Ok(CheckOrder { service: service.id, staff, start })
    }

    fn book(&self, args: Arguments, when: Option<When>) -> Result<BookOrder, FunctionAnswer> {
        if args.remarks.ignored.contains(&Argument::CustomerName) {
            return self.object(&Objection::NameIsNone);
        }
        let service = self.service(&args)?;
        let staff = self.staff(&args, service)?;
        let start = when.map(|when| self.wished(when)).transpose()?;
        if let Some(start) = &start {
            // As long as the service is not known, its first minute must be in the hours.
            self.open_for(start, service.map_or(1, |s| s.duration_minutes))?;
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

    /// The arguments, each in its place.
    fn arguments(&self, args: &Map<String, Value>, wanted: &[Argument]) -> Result<Arguments, ArgumentError> {
        let mut args = Arguments::read(args, wanted, Country::of_branch(self.company, self.branch))?;
        Names { company: self.company, staff: self.colleagues().collect() }.tidy(&mut args);
        Ok(args)
    }

    /// The named service, or the only one; `None` when none was named and there are several (or none).
    fn service(&self, args: &Arguments) -> Result<Option<&Service>, FunctionAnswer> {
        let services = &self.company.services;
        let Some(wanted) = args.service.as_deref() else {
            return Ok(if let [only] = services.as_slice() { Some(only) } else { None });
        };
        match find_service(wanted, services) {
            Found::One(id) => Ok(self.company.service(id)),
            Found::Several(ids) => {
                self.object(&Objection::ServiceAmbiguous(&self.service_names(|s| ids.contains(&s.id))))
            }
            Found::Nobody => self.object(&Objection::ServiceNotFound(&self.service_names(|_| true))),
        }
    }

    /// The named member who works at this branch and does the service, if one was named.
    pub(super) fn staff(
        &self,
        args: &Arguments,
        service: Option<&Service>,
    ) -> Result<Option<StaffId>, FunctionAnswer> {
        let Some(wanted) = args.staff.as_deref() else { return Ok(None) };
        let colleagues: Vec<&Staff> = self.colleagues().collect();
        let serves = |id: StaffId| service.is_none_or(|s| serves(s, id));
        let found = match find_staff(wanted, &colleagues) {
            Found::Several(ids) => only_of(ids, serves),
            found => found,
        };
        match found {
            Found::One(id) if serves(id) => Ok(Some(id)),
            Found::One(_) => self.object(&Objection::StaffNotForService(&self.staff_names(|s| serves(s.id)))),
            Found::Several(ids) => {
                self.object(&Objection::StaffAmbiguous(&self.staff_names(|s| ids.contains(&s.id))))
            }
            Found::Nobody => self.object(&Objection::StaffNotFound(&self.staff_names(|s| serves(s.id)))),
        }
    }

    /// What was said of the wished time; `None` when nothing was.
    fn when(&self, args: &Arguments) -> Option<When> {
        let texts = texts_of(args);
        let texts = WhenTexts { datetime: args.text.as_deref().or(texts.datetime), ..texts };
        read_when(&texts, &self.zone, self.now)
    }

    /// What was understood, said back.
    fn said_back(&self, when: &When) -> Option<String> {
        let start = match when {
            When::Exact(moment) => WishedStart::At(moment.start),
            When::Window(window) => WishedStart::Within(*window),
            When::Question(_) | When::Refusal(_) => return None,
        };
        Some(self.speaker.said_back(&start, self.now))
    }

    /// The wished start, which must have been said.
    fn date(&self, when: Option<When>) -> Result<WishedStart, FunctionAnswer> {
        when.map_or_else(|| self.object(&Objection::DateMissing), |when| self.wished(when))
    }

    fn wished(&self, when: When) -> Result<WishedStart, FunctionAnswer> {
        match when {
            When::Exact(moment) => Ok(WishedStart::At(moment.start)),
            When::Window(window) => Ok(WishedStart::Within(window)),
            When::Question(question) => self.ask_back(&question),
            When::Refusal(refusal) => self.object_to_when(refusal),
        }
    }

    /// The wished days, both among them; `None` when none was named.
    pub(super) fn days(&self, args: &Arguments) -> Result<Option<(Date, Date)>, FunctionAnswer> {
        let texts = WhenTexts { time: None, ..texts_of(args) };
        match read_when(&texts, &self.zone, self.now) {
            None => Ok(None),
            Some(When::Exact(moment)) => Ok(Some((moment.local.date(), moment.local.date()))),
            Some(When::Window(window)) => Ok(match window.shape {
                Shape::Days { first, last } => Some((first, last)),
                shape => shape.day().map(|day| (day, day)),
            }),
            Some(When::Question(Question::WhichTime { date, .. })) => Ok(Some((date, date))),
            Some(When::Question(question)) => self.ask_back(&question),
            Some(When::Refusal(refusal)) => self.object_to_when(refusal),
        }
    }

    /// From when on something is wished; `None` when that was not understood.
    pub(super) fn from(&self, args: &Arguments) -> Result<Option<UnixMillis>, FunctionAnswer> {
        let texts = texts_of(args);
        let texts = WhenTexts { datetime: args.due.as_deref().or(texts.datetime), ..texts };
        match read_when(&texts, &self.zone, self.now) {
            Some(When::Exact(moment)) => Ok(Some(moment.start)),
            Some(When::Window(window)) => Ok(Some(window.from)),
            Some(When::Refusal(refusal @ (Refusal::Past { .. } | Refusal::TooFar { .. }))) => {
                self.object_to_when(refusal)
            }
            None | Some(When::Question(_) | When::Refusal(_)) => Ok(None),
        }
    }

    fn ask_back<T>(&self, question: &Question) -> Result<T, FunctionAnswer> {
        self.object(&match question {
            Question::NotUnderstood { today } => Objection::DateNotUnderstood(*today),
            Question::WhichDay { candidates, .. } if candidates.is_empty() => Objection::DateMissing,
            Question::WhichDay { candidates, .. } => Objection::DateAmbiguous(candidates),
            Question::WhichTime { date, candidates } if candidates.is_empty() => {
                Objection::TimeMissing(*date)
            }
            Question::WhichTime { date, candidates } => Objection::TimeAmbiguous(*date, candidates),
        })
    }

    fn object_to_when<T>(&self, refusal: Refusal) -> Result<T, FunctionAnswer> {
        self.object(&match refusal {
            Refusal::Past { today } => Objection::DateInPast(today),
            Refusal::TooFar { today } => Objection::DateTooFar(today),
            Refusal::DoesNotExist { date } => Objection::TimeDoesNotExist(date),
            Refusal::TooLong { .. } => Objection::DateNotUnderstood(self.today()),
        })
    }

    pub(super) fn today(&self) -> Date {
        local(self.now, &self.zone).unwrap_or_default().date()
    }

    /// Whether the hours leave room for so many minutes at that start, or at one in that window.
    fn open_for(&self, start: &WishedStart, minutes: u32) -> Result<(), FunctionAnswer> {
        match start {
            WishedStart::At(start) => self.open(*start, minutes),
            WishedStart::Within(window) => {
                self.heed(window.from, &opens_within(self.company, self.branch, window, minutes.max(1)))
            }
        }
    }

    fn open(&self, start: UnixMillis, minutes: u32) -> Result<(), FunctionAnswer> {
        let Some(interval) = Interval::of_minutes(start, minutes.max(1)) else { return Ok(()) };
        self.heed(start, &is_open(self.company, self.branch, interval))
    }

    fn heed(&self, start: UnixMillis, verdict: &OpenVerdict) -> Result<(), FunctionAnswer> {
        let date = local(start, &self.zone).unwrap_or_default().date();
        match verdict {
            OpenVerdict::Open | OpenVerdict::Unknown => Ok(()),
            OpenVerdict::Closed(ClosedReason::Holiday) => self.object(&Objection::ClosedOnHoliday(date)),
            OpenVerdict::Closed(ClosedReason::ClosedDay) => self.object(&Objection::ClosedOnDay(date)),
            OpenVerdict::Closed(ClosedReason::OutsideHours { hours }) => {
                self.object(&Objection::OutsideHours(date, hours))
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

/// The last instant that the wish admits.
fn latest(start: &WishedStart) -> UnixMillis {
    match start {
        WishedStart::At(start) => *start,
        WishedStart::Within(window) => window.to.plus_ms(-1),
    }
}

fn texts_of(args: &Arguments) -> WhenTexts<'_> {
    WhenTexts { datetime: args.datetime.as_deref(), date: args.date.as_deref(), time: args.time.as_deref() }
}
