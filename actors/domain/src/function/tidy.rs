//! Puts arguments where they belong: agents name a member of staff as the service, a service as the member of
//! staff, both in one, and whatever they have as the name of the customer. Only what is certain is moved.

use super::{
    arguments::{Argument, Arguments},
    lookup::{find_service, find_staff, is_anybody},
    person::customer_name,
};
use crate::tenant::{Company, Staff};

/// Words before the name of a member of staff.
const WITH: [&str; 5] = [" bei ", " beim ", " mit ", " with ", " by "];

/// What the names in the arguments of one order may mean.
pub(super) struct Names<'a> {
    pub(super) company: &'a Company,
    pub(super) staff: Vec<&'a Staff>,
}

impl Names<'_> {
    /// Moves what stands in a wrong place, and drops what is no name.
    pub(super) fn tidy(&self, args: &mut Arguments) {
        self.service_that_is_staff(args);
        self.service_with_staff(args);
        self.staff_that_is_a_service(args);
        if args.staff.as_deref().is_some_and(|staff| is_anybody(staff, &self.staff)) {
            args.staff = None;
        }
        self.name_that_is_none(args);
    }

    fn service_that_is_staff(&self, args: &mut Arguments) {
        let Some(text) = args.service.as_deref() else { return };
        if self.is_service(text) || !self.is_staff(text) {
            return;
        }
        let text = args.service.take();
        args.remarks.moved.push(Argument::Service);
        args.staff = args.staff.take().or(text);
    }

    /// "Herrenhaarschnitt bei Udo".
    fn service_with_staff(&self, args: &mut Arguments) {
        let Some(text) = args.service.clone() else { return };
        if self.is_service(&text) {
            return;
        }
        let lower = text.to_lowercase();
        let parts = WITH.iter().find_map(|with| {
            let at = lower.rfind(with)?;
            Some((text.get(..at)?, text.get(at + with.len()..)?))
        });
        let Some((service, staff)) =
            parts.filter(|(service, staff)| self.is_service(service) && self.is_staff(staff))
        else {
            return;
        };
        let (service, staff) = (service.to_owned(), staff.to_owned());
        args.service = Some(service);
        args.staff = args.staff.take().or(Some(staff));
        args.remarks.moved.push(Argument::Service);
    }

    fn staff_that_is_a_service(&self, args: &mut Arguments) {
        let Some(text) = args.staff.as_deref() else { return };
        if self.is_staff(text) || is_anybody(text, &self.staff) || !self.is_service(text) {
            return;
        }
        let text = args.staff.take();
        if args.service.is_none() {
            args.service = text;
            args.remarks.moved.push(Argument::Staff);
        } else {
            args.remarks.ignore(Argument::Staff);
        }
    }

    fn name_that_is_none(&self, args: &mut Arguments) {
        let Some(text) = args.customer_name.take() else { return };
        args.customer_name = customer_name(&text, self.company, &self.staff);
        if args.customer_name.is_none() {
            args.remarks.ignore(Argument::CustomerName);
        }
    }

    fn is_service(&self, text: &str) -> bool {
        find_service(text, &self.company.services).is_found()
    }

    fn is_staff(&self, text: &str) -> bool {
        find_staff(text, &self.staff).is_found()
    }
}
