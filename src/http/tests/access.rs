//! Who may use which address: walks the table of all addresses, so that a new one is tried by being in it.

use askpro_domain::secret::Secret;

use super::{
    client::Answer,
    harness::{Edge, NOW, TOKEN, event},
};
use crate::http::{
    routes::{ADDRESSES, Access, Address},
    webhooks::testing::{sign, sign_calcom},
};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

/// What stands for a parameter in an address: what exists, what does not, and what tries to leave its place.
const PARAMETERS: [&str; 8] =
    ["friseur-mitte", "no-such", "..", "%2e%2e", "a%2f..%2f..%2flivez", "%00", "a%0d%0ax-more:1", "%ff"];

fn paths(address: &Address) -> Vec<String> {
    if !address.path.contains('{') {
        return vec![address.path.to_owned()];
    }
    PARAMETERS.iter().map(|parameter| filled(address.path, parameter)).collect()
}

fn filled(path: &str, parameter: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { parameter } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The same address as somebody writes it who hopes that a check is passed by.
fn other_spellings(path: &str) -> Vec<String> {
    let last = path.rfind('/').unwrap_or(0);
    let (before, after) = path.split_at(last);
    vec![
        format!("{path}/"),
        format!("/{path}"),
        format!("{before}/{after}"),
        format!("/livez/..{path}"),
        format!("/livez/%2e%2e{path}"),
        format!("/.{path}"),
        format!("{path};x=1"),
        format!("{path}%20"),
        path.to_uppercase(),
        path.replacen('/', "/%", 1),
        path.replacen('i', "%69", 1),
        path.replacen('e', "%65", 1),
        format!("http://elsewhere{path}"),
    ]
}

/// No credential at all, and every kind of one that was made with something else.
fn wrong_credentials(body: &[u8]) -> Vec<Vec<(&'static str, String)>> {
    let guess = Secret::new("a-guess");
    vec![
        vec![],
        vec![("authorization", "Bearer a-guess".to_owned())],
        vec![("authorization", format!("Basic {TOKEN}"))],
        vec![("x-retell-signature", sign(&guess, body, NOW.0))],
        vec![("x-cal-signature-256", sign_calcom(&guess, body))],
        vec![
            ("authorization", "Bearer ".to_owned()),
            ("x-retell-signature", sign(&guess, body, NOW.0)),
            ("x-cal-signature-256", sign_calcom(&guess, body)),
        ],
    ]
}

/// A credential that is right for another kind of address.
fn misplaced_credentials(access: Access, body: &[u8]) -> Vec<(&'static str, String)> {
    let token = ("authorization", format!("Bearer {TOKEN}"));
    let retell = ("x-retell-signature", sign(&Secret::new(super::harness::PLATFORM_KEY), body, NOW.0));
    match access {
        Access::AdminToken => vec![retell],
        Access::Public(_) | Access::RetellSignature | Access::CalcomSignature => vec![token],
    }
}

async fn send(
    edge: &Edge,
    method: &str,
    path: &str,
    credentials: &[(&'static str, String)],
    body: &[u8],
) -> Answer {
    let headers: Vec<_> = credentials.iter().map(|(name, value)| (*name, value.as_str())).collect();
    edge.send(method, path, &headers, body).await
}

#[test]
fn three_addresses_are_public_and_each_says_why() {
    let public = ADDRESSES.iter().filter_map(|address| match address.access {
        Access::Public(reason) => Some((address.path, reason)),
        _ => None,
    });
    let public: Vec<_> = public.collect();
    assert_eq!(public.iter().map(|(path, _)| *path).collect::<Vec<_>>(), ["/livez", "/readyz", "/metrics"]);
    assert!(public.iter().all(|(_, reason)| reason.len() > 10), "{public:?}");
}

#[test]
fn what_lies_under_admin_and_nothing_else_wants_the_token() {
    for address in &ADDRESSES {
        let under_admin = address.path.starts_with("/admin/");
        assert_eq!(address.access == Access::AdminToken, under_admin, "{}", address.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_that_is_not_public_refuses_wrong_credentials() {
    let edge = Edge::start();
    let body = event("call_started", "call_1", "+493083793369");
    for address in ADDRESSES.iter().filter(|address| !matches!(address.access, Access::Public(_))) {
        let methods = METHODS.iter().filter(|method| address.allow().contains(*method));
        for (path, method) in methods.flat_map(|method| paths(address).into_iter().map(move |p| (p, method)))
        {
            let mut tried = wrong_credentials(&body);
            tried.push(misplaced_credentials(address.access, &body));
            for credentials in tried {
                let answer = send(&edge, method, &path, &credentials, &body).await;
                assert_eq!(answer.status, 401, "{method} {path} {credentials:?}: {answer:?}");
                assert!(!answer.head.contains("x-more"), "{answer:?}");
            }
        }
    }
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_method_opens_an_address() {
    let edge = Edge::start();
    for address in &ADDRESSES {
        let path = filled(address.path, "friseur-mitte");
        for method in METHODS.iter().filter(|method| !address.allow().contains(*method)) {
            let answer = send(&edge, method, &path, &[], b"").await;
            let wanted: &[u16] = match address.access {
                Access::AdminToken => &[401],
                _ if *method == "OPTIONS" => &[204],
                _ => &[405],
            };
            assert!(wanted.contains(&answer.status), "{method} {path}: {answer:?}");
            assert!(answer.status != 204 || answer.body.is_empty(), "{method} {path}: {answer:?}");
        }
    }
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_an_address_opens_it() {
    let edge = Edge::start();
    for address in ADDRESSES.iter().filter(|address| !matches!(address.access, Access::Public(_))) {
        let path = filled(address.path, "friseur-mitte");
        for spelling in other_spellings(&path) {
            for method in ["GET", "POST"] {
                let answer = send(&edge, method, &spelling, &[], b"{}").await;
                assert!(matches!(answer.status, 400 | 401 | 404 | 405), "{method} {spelling}: {answer:?}");
            }
        }
    }
    assert_eq!(edge.journaled(), 0);
}
