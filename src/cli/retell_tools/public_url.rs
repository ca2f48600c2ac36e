//! The public address of the service, as Retell reaches it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Stands for the address that only the owner knows; names under `.example` lead nowhere.
const PLACEHOLDER: &str = "https://your-public-address.example";

/// Ends of names that only lead to machines nearby.
const NEARBY: [&str; 6] = [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test"];

/// Scheme, host and perhaps a path, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicUrl {
    base: String,
    notes: Vec<String>,
}

impl PublicUrl {
    /// Reads an address. Errors: what is wrong with it and what to give instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{error}; give https://host"))?;
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err("give an address that begins with https:// or http://".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("give the address alone, without ? and #".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("give the address without user and password: Retell signs what it sends".to_owned());
        }
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), notes: notes_on(&url) })
    }

    /// For an owner who has not said the address yet.
    pub(super) fn placeholder() -> Self {
        let note = format!(
            "no --url was given: replace {PLACEHOLDER} in every tool by the service's public address"
        );
        Self { base: PLACEHOLDER.to_owned(), notes: vec![note] }
    }

    /// The address with a path behind it, which begins with a slash.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What the owner should know of this address.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn notes_on(url: &Url) -> Vec<String> {
    let mut notes = Vec::new();
    if is_nearby(url.host_str().unwrap_or_default()) {
        notes.push("Retell refuses to call localhost and private addresses: give a public one".to_owned());
    }
    if url.scheme() == "http" {
        notes.push("http:// sends what callers say in the clear: put TLS in front, give https://".to_owned());
    }
    notes
}

/// Whether Retell would refuse to call this host: its tools reach no private networks.
fn is_nearby(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => is_nearby_v4(ip),
        Ok(IpAddr::V6(ip)) => ip.to_ipv4_mapped().map_or_else(|| is_nearby_v6(ip), is_nearby_v4),
        Err(_) => {
            let name = host.trim_end_matches('.');
            !name.contains('.') || NEARBY.iter().any(|end| name.ends_with(end))
        }
    }
}

fn is_nearby_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let is_carrier_grade = first == 100 && (64..128).contains(&second);
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || first == 0
        || is_carrier_grade
}

const fn is_nearby_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_or_without_a_slash_and_with_a_path() {
        for (text, joined) in [
            ("https://api.example.com", "https://api.example.com/x"),
            ("https://api.example.com/", "https://api.example.com/x"),
            ("https://API.example.com:8443//", "https://api.example.com:8443/x"),
            ("https://example.com/askpro/", "https://example.com/askpro/x"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.join("/x").as_str(), url.notes().len()), (joined, 0), "{text}");
        }
    }

    #[test]
    fn what_is_no_public_base_address_is_refused() {
        for bad in [
            "",
            "api.example.com",
            "api.example.com:443",
            "ftp://example.com",
            "https://",
            "https://example.com?x=1",
            "https://example.com/?",
            "https://example.com/#x",
            "https://user:secret@example.com",
            "mailto:a@example.com",
            "https://exa mple.com",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_retell_would_refuse_or_send_in_the_clear_is_told() {
        for nearby in [
            "https://localhost",
            "https://localhost.",
            "https://askpro",
            "https://askpro.local",
            "https://127.0.0.1:8080",
            "https://10.1.2.3",
            "https://172.16.0.1",
            "https://192.168.1.1",
            "https://169.254.169.254",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://[::1]",
            "https://[fd00::1]",
            "https://[fe80::1]",
            "https://[::ffff:10.0.0.1]",
        ] {
            let notes = PublicUrl::parse(nearby).unwrap().notes;
            assert!(notes.len() == 1 && notes[0].contains("private"), "{nearby}: {notes:?}");
        }
        for public in
            ["https://100.128.0.1", "https://172.32.0.1", "https://[2a00::1]", "https://localhost.de"]
        {
            assert_eq!(PublicUrl::parse(public).unwrap().notes(), [""; 0], "{public}");
        }
        let notes = PublicUrl::parse("http://api.example.com").unwrap().notes;
        assert!(notes.len() == 1 && notes[0].contains("https://"), "{notes:?}");
        let placeholder = PublicUrl::placeholder();
        assert_eq!(placeholder.join("/x"), format!("{PLACEHOLDER}/x"));
        assert!(placeholder.notes()[0].contains(PLACEHOLDER));
    }
}
