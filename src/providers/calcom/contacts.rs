//! Numbers and addresses of attendees, as Cal.com writes them.

use askpro_domain::{booking::Contact, phone::PhoneNumber};

/// What stands behind the digits of an attendee without an e-mail.
const PLACEHOLDER: &str = "@sms.cal.com";

/// How an attendee can be reached. The address that Cal.com makes of a number, `<digits>@sms.cal.com`, is that
/// number.
pub(super) fn contacts(email: Option<&str>, phone: Option<&str>) -> impl Iterator<Item = Contact> {
    let phone = phone.and_then(PhoneNumber::parse_e164).map(Contact::Phone);
    phone.into_iter().chain(email.and_then(of_email))
}

fn of_email(email: &str) -> Option<Contact> {
    let email = email.trim();
    let digits = email.to_ascii_lowercase();
    let digits = digits.strip_suffix(PLACEHOLDER).map(|digits| format!("+{digits}"));
    match digits.as_deref().and_then(PhoneNumber::parse_e164) {
        Some(phone) => Some(Contact::Phone(phone)),
        None => (!email.is_empty()).then(|| Contact::Email(email.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_made_of_a_number_is_the_number() {
        let phone = || Contact::Phone(PhoneNumber::parse_e164("+4915112345678").unwrap());
        let of = |email, phone| contacts(email, phone).collect::<Vec<_>>();
        assert_eq!(of(Some("4915112345678@SMS.cal.com"), None), [phone()]);
        assert_eq!(
            of(Some(" a@example.org "), Some("+49 151 12345678")),
            [phone(), Contact::Email("a@example.org".to_owned())]
        );
        assert_eq!(
            of(Some("anna@sms.cal.com"), Some("unknown")),
            [Contact::Email("anna@sms.cal.com".to_owned())]
        );
        assert_eq!(of(Some(" "), None), []);
    }
}
