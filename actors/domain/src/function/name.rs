//! The names of the live functions.

use serde::{Deserialize, Serialize};

/// A live function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionName {
    /// Is a slot free? Holds it for the call if it is.
    CheckAvailability,
    /// Books a slot.
    BookAppointment,
    /// Cancels an appointment.
    CancelAppointment,
    /// Moves an appointment.
    RescheduleAppointment,
    /// Lists the caller's appointments.
    FindAppointments,
    /// Who is calling?
    CheckCustomer,
    /// What can be booked?
    ListServices,
    /// When is it open?
    OpeningHours,
    /// Which date do these words mean?
    ParseDate,
    /// Asks a human to call back.
    RequestCallback,
}

impl FunctionName {
    /// Every function.
    pub const ALL: [Self; 10] = [
        Self::CheckAvailability,
        Self::BookAppointment,
        Self::CancelAppointment,
        Self::RescheduleAppointment,
        Self::FindAppointments,
        Self::CheckCustomer,
        Self::ListServices,
        Self::OpeningHours,
        Self::ParseDate,
        Self::RequestCallback,
    ];

    /// The name in addresses, bodies, metrics and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckAvailability => "check_availability",
            Self::BookAppointment => "book_appointment",
            Self::CancelAppointment => "cancel_appointment",
            Self::RescheduleAppointment => "reschedule_appointment",
            Self::FindAppointments => "find_appointments",
            Self::CheckCustomer => "check_customer",
            Self::ListServices => "list_services",
            Self::OpeningHours => "opening_hours",
            Self::ParseDate => "parse_date",
            Self::RequestCallback => "request_callback",
        }
    }

    /// Whether a wished time is among its arguments.
    #[must_use]
    pub const fn wishes_a_time(self) -> bool {
        matches!(self, Self::CheckAvailability | Self::BookAppointment | Self::ParseDate)
    }

    /// Whether it changes anything that lasts; such orders are durable before they are carried out.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::BookAppointment
                | Self::CancelAppointment
                | Self::RescheduleAppointment
                | Self::RequestCallback
        )
    }

    /// Whether an order of it may be one that this call has booked, moved or cancelled before.
    #[must_use]
    pub const fn repeats_are_bookings(self) -> bool {
        self.is_write() && !matches!(self, Self::RequestCallback)
    }

    /// Reads a name in any case, and whether a version suffix such as `_v17` was stripped from it.
    #[must_use]
    pub fn parse(name: &str) -> Option<(Self, bool)> {
        let name = name.trim();
        let plain = without_version(name);
        let found = Self::ALL.into_iter().find(|f| f.as_str().eq_ignore_ascii_case(plain.unwrap_or(name)))?;
        Some((found, plain.is_some()))
    }
}

/// What stands before `_v` and at least one digit at the end.
fn without_version(name: &str) -> Option<&str> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if plain.len() == name.len() {
        return None;
    }
    plain.strip_suffix("_v").or_else(|| plain.strip_suffix("_V"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_with_and_without_a_version() {
        for name in FunctionName::ALL {
            assert_eq!(FunctionName::parse(name.as_str()), Some((name, false)));
            assert_eq!(FunctionName::parse(&format!(" {}_v17 ", name.as_str())), Some((name, true)));
            assert_eq!(
                FunctionName::parse(&format!("{}_V2", name.as_str().to_uppercase())),
                Some((name, true))
            );
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }

    #[test]
    fn other_names_are_refused() {
        for bad in
            ["", "_v17", "check", "check_availability_v", "check_availability17", "drop_tables", "ü_v1"]
        {
            assert_eq!(FunctionName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn four_functions_write() {
        assert_eq!(FunctionName::ALL.into_iter().filter(|f| f.is_write()).count(), 4);
    }
}
