//! The id of a call beside the body: in the query or in a header. No signature covers either, so it proves
//! nothing; what it may be used for is decided where the call is asked.

use actix_web::HttpRequest;

use crate::http::{extract::query::Query, problem::Refusal};

/// The query parameter.
const PARAMETER: &str = "call_id";
/// The header.
const HEADER: &str = "x-retell-call-id";

/// An id, and where it stood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// In the query.
    Query(String),
    /// In the header.
    Header(String),
}

impl Beside {
    /// The id beside a body, if there is one; an empty one counts as absent. Errors: two that differ.
    pub(super) fn of(request: &HttpRequest, query: &Query) -> Result<Option<Self>, Refusal> {
        let named = query.text(PARAMETER).map(str::to_owned);
        let mut headers = request.headers().get_all(HEADER);
        let header = headers.next().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let header = header.filter(|id| !id.is_empty());
        match (named, header) {
            _ if headers.next().is_some() => Err(conflict()),
            (Some(named), Some(header)) if named != header => Err(conflict()),
            (Some(named), _) => Ok(Some(Self::Query(named))),
            (None, header) => Ok(header.map(Self::Header)),
        }
    }

    /// The id.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Query(id) | Self::Header(id) => id,
        }
    }

    /// The word for metrics.
    pub(super) const fn remark(&self) -> &'static str {
        match self {
            Self::Query(_) => "id_in_query",
            Self::Header(_) => "id_in_header",
        }
    }
}

fn conflict() -> Refusal {
    Refusal::BadBody {
        code: "call_id_conflict",
        detail: "the query and the header name different calls; name the call once".into(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn beside(query: &str, headers: &[&str]) -> Result<Option<Beside>, Refusal> {
        let request = TestRequest::post().uri(&format!("/f?{query}"));
        let request = headers.iter().fold(request, |request, id| request.append_header((HEADER, *id)));
        let request = request.to_http_request();
        Beside::of(&request, &Query::of(&request).unwrap())
    }

    #[test]
    fn an_id_is_found_in_the_query_or_in_the_header() {
        assert_eq!(beside("", &[]), Ok(None));
        assert_eq!(beside("call_id=", &[""]), Ok(None));
        assert_eq!(beside("call_id=call_1", &[]), Ok(Some(Beside::Query("call_1".to_owned()))));
        assert_eq!(beside("x=1", &["call_1"]), Ok(Some(Beside::Header("call_1".to_owned()))));
        assert_eq!(beside("call_id=call_1", &["call_1"]), Ok(Some(Beside::Query("call_1".to_owned()))));
    }

    #[test]
    fn two_ids_that_differ_are_refused() {
        for (query, headers) in [
            ("call_id=call_1", vec!["call_2"]),
            ("", vec!["call_1", "call_2"]),
            ("", vec!["call_1", "call_1"]),
        ] {
            assert_eq!(beside(query, &headers), Err(conflict()), "{query} {headers:?}");
        }
    }
}
