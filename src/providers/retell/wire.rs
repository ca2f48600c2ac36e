//! Shapes of Retell's API, as far as they are needed. Unknown fields are ignored, and a field of a wrong type
//! counts as absent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Body of `POST /v3/list-calls`.
#[derive(Debug, Serialize)]
pub(super) struct ListCalls<'a> {
    pub(super) filter_criteria: Criteria,
    pub(super) limit: usize,
    pub(super) sort_order: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pagination_key: Option<&'a str>,
}

/// Which calls.
#[derive(Debug, Serialize)]
pub(super) struct Criteria {
    pub(super) start_timestamp: AtLeast,
}

/// A number that is not smaller than `value`.
#[derive(Debug, Serialize)]
pub(super) struct AtLeast {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) op: &'static str,
    pub(super) value: i64,
}

impl AtLeast {
    pub(super) const fn of(value: i64) -> Self {
        Self { kind: "number", op: "ge", value }
    }
}

/// A page of calls.
#[derive(Debug, Deserialize)]
pub(super) struct CallList {
    pub(super) items: Vec<Value>,
    #[serde(default)]
    pub(super) has_more: bool,
    pub(super) pagination_key: Option<String>,
}

/// A call of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListedObject<'a>(pub(super) &'a Map<String, Value>);

impl<'a> ListedObject<'a> {
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn number(self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub(super) fn has_object(self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_object).is_some_and(|object| !object.is_empty())
    }
}
