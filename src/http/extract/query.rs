//! Parameters in the query of an address. Each may be there once; unknown ones are ignored.

use actix_web::{HttpRequest, web};

use crate::{
    http::problem::Refusal,
    usecases::{AdminError, PageRequest},
};

/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 4_096;

/// The parameters of a request.
pub(in crate::http) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads them.
    pub(in crate::http) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let text = request.query_string();
        if text.len() > QUERY_BYTES_MAX {
            return Err(Refusal::BadQuery);
        }
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| Refusal::BadQuery)?;
        let mut names: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
        names.sort();
        let twice = names.windows(2).any(|pair| pair.first() == pair.last());
        if twice { Err(Refusal::BadQuery) } else { Ok(Self(pairs.into_inner())) }
    }

    /// A parameter; an empty one counts as absent.
    pub(in crate::http) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter of a closed set.
    pub(in crate::http) fn choice<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let choose = |text| parse(text).ok_or(Refusal::BadParameter { name, expected });
        self.text(name).map(choose).transpose()
    }

    /// `limit` and `cursor`.
    pub(in crate::http) fn page(&self) -> Result<PageRequest, Refusal> {
        PageRequest::parse(self.text("limit"), self.text("cursor")).map_err(|error| match error {
            AdminError::BadParameter { name, expected } => Refusal::BadParameter { name, expected },
            _ => Refusal::BadQuery,
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn query(text: &str) -> Result<Query, Refusal> {
        Query::of(&TestRequest::get().uri(&format!("/x?{text}")).to_http_request())
    }

    #[test]
    fn parameters_are_decoded_and_unknown_ones_ignored() {
        let read = query("company=friseur%2Dmitte&x=1&empty=").unwrap();
        assert_eq!(read.text("company"), Some("friseur-mitte"));
        assert_eq!((read.text("empty"), read.text("absent")), (None, None));
        assert_eq!(query("").unwrap().page().unwrap().limit(), 100);
    }

    #[test]
    fn a_parameter_that_is_there_twice_or_an_endless_query_is_refused() {
        assert_eq!(query("a=1&b=2&a=1").err(), Some(Refusal::BadQuery));
        assert_eq!(query(&"a".repeat(5_000)).err(), Some(Refusal::BadQuery));
    }

    #[test]
    fn a_bad_limit_names_the_parameter() {
        let refused = |text| match query(text).unwrap().page() {
            Err(Refusal::BadParameter { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused("limit=0"), "limit");
        assert_eq!(refused("limit=abc"), "limit");
        assert_eq!(refused("cursor=%00"), "cursor");
    }
}
