//! Typed orders, and the key that says when two orders mean the same.

use serde::{Deserialize, Serialize};

use super::{FunctionName, HoursOrder, ListOrder, WishedStart, lookup::fold};
use crate::{
    callback::{CallbackOrder, Due},
    ids::{BodyHash, ServiceId, StaffId},
    phone::PhoneNumber,
};

/// Is this slot free?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOrder {
    /// For what.
    pub service: ServiceId,
    /// With whom; `None` for anybody.
    pub staff: Option<StaffId>,
    /// When.
    pub start: WishedStart,
}

/// Book this slot. `None` means as held by this call, or as known of the caller.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookOrder {
    /// For what.
    pub service: Option<ServiceId>,
    /// With whom.
    pub staff: Option<StaffId>,
    /// When.
    pub start: Option<WishedStart>,
    /// Who comes.
    pub customer_name: Option<String>,
    /// E.164.
    pub phone: Option<PhoneNumber>,
    /// Checked lightly.
    pub email: Option<String>,
    /// At most 500 characters.
    pub notes: Option<String>,
    /// Whether the caller confirmed.
    pub confirm: bool,
}

impl std::fmt::Debug for BookOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BookOrder")
            .field("service", &self.service)
            .field("staff", &self.staff)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// What a live function was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "function", rename_all = "snake_case")]
pub enum FunctionOrder {
    /// Is this slot free?
    CheckAvailability(CheckOrder),
    /// Book this slot.
    BookAppointment(BookOrder),
    /// What can be booked?
    ListServices(ListOrder),
    /// When is it open?
    OpeningHours(HoursOrder),
    /// Which date do these words mean?
    ParseDate(WishedStart),
    /// Who is calling?
    CheckCustomer,
    /// What has the caller booked?
    FindAppointments,
    /// Call back.
    RequestCallback(CallbackOrder),
}

impl FunctionOrder {
    /// Whose order it is.
    #[must_use]
    pub const fn name(&self) -> FunctionName {
        match self {
            Self::CheckAvailability(_) => FunctionName::CheckAvailability,
            Self::BookAppointment(_) => FunctionName::BookAppointment,
            Self::ListServices(_) => FunctionName::ListServices,
            Self::OpeningHours(_) => FunctionName::OpeningHours,
            Self::ParseDate(_) => FunctionName::ParseDate,
            Self::CheckCustomer => FunctionName::CheckCustomer,
            Self::FindAppointments => FunctionName::FindAppointments,
            Self::RequestCallback(_) => FunctionName::RequestCallback,
        }
    }
}

/// A time that was understood is the same however it was said.
fn due_key(due: &Due) -> String {
    due.from.map_or_else(|| fold(&due.said), |from| from.0.to_string())
}

/// Key of an order within its call, 32 hex digits: the same for the same meaning however it was spelled.
/// Notes and the confirmation are left out: they do not make it another appointment. A value that is
/// left open ("as held") is not the same as the value; fill it in first where both must meet.
#[must_use]
pub fn order_key(order: &FunctionOrder) -> String {
    let values = match order {
        FunctionOrder::CheckAvailability(check) => vec![
            ("service", Some(check.service.to_string())),
            ("staff", check.staff.map(|id| id.to_string())),
            ("start", Some(check.start.key())),
        ],
        FunctionOrder::BookAppointment(book) => vec![
            ("email", book.email.as_deref().map(str::to_lowercase)),
            ("name", book.customer_name.as_deref().map(fold)),
            ("phone", book.phone.as_ref().map(|p| p.as_str().to_owned())),
            ("service", book.service.map(|id| id.to_string())),
            ("staff", book.staff.map(|id| id.to_string())),
            ("start", book.start.map(|start| start.key())),
        ],
        FunctionOrder::ListServices(list) => vec![
            ("services", list.services.as_ref().map(|ids| format!("{ids:?}"))),
            ("staff", list.staff.map(|id| id.to_string())),
        ],
        FunctionOrder::OpeningHours(hours) => {
            vec![("first", Some(hours.first.to_string())), ("last", Some(hours.last.to_string()))]
        }
        FunctionOrder::ParseDate(start) => vec![("start", Some(start.key()))],
        FunctionOrder::CheckCustomer | FunctionOrder::FindAppointments => Vec::new(),
        FunctionOrder::RequestCallback(callback) => vec![
            ("due", callback.due.as_ref().map(due_key)),
            ("name", callback.name.as_deref().map(fold)),
            ("phone", callback.phone.as_ref().map(|p| p.as_str().to_owned())),
            ("priority", Some(callback.priority.as_str().to_owned())),
            ("reason", callback.reason.as_deref().map(fold)),
        ],
    };
    let mut canonical = order.name().as_str().to_owned();
    for (name, value) in values {
        if let Some(value) = value {
            canonical.push_str(&format!("\0{name}\0{value}"));
        }
    }
    BodyHash::of(&[canonical.as_bytes()]).to_hex()
}
