//! Values on their way to a placeholder, the same for both dialects.

use std::borrow::Cow;

use sqlx::{Arguments, Encode, Type};

/// One value of a row. Ordered as the databases order the same values in key columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Value<'a> {
    /// A BIGINT.
    Int(Option<i64>),
    /// Text; checked or clipped by `text` before it comes here.
    Text(Option<Cow<'a, str>>),
    /// A body or a JSON document.
    Bytes(Option<&'a [u8]>),
}

/// The values of a row, in the order of the table's columns.
pub(in crate::store) type Row<'a> = Vec<Value<'a>>;

impl Value<'_> {
    /// Bytes it takes in a statement, about.
    pub(in crate::store) fn bytes(&self) -> usize {
        match self {
            Self::Int(_) => 8,
            Self::Text(text) => text.as_deref().map_or(0, str::len),
            Self::Bytes(bytes) => bytes.map_or(0, <[u8]>::len),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(text)))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<Cow<'a, str>>> for Value<'a> {
    fn from(text: Option<Cow<'a, str>>) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(Cow::Owned(text)))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        Self::Bytes(bytes)
    }
}

/// Binds values in order.
pub(super) fn arguments<'v, 'a, D>(
    values: impl IntoIterator<Item = &'v Value<'a>>,
) -> Result<D::Arguments, sqlx::Error>
where
    'a: 'v,
    D: sqlx::Database,
    D::Arguments: Arguments<Database = D>,
    Option<i64>: Encode<'v, D> + Type<D>,
    Option<&'v str>: Encode<'v, D> + Type<D>,
    Option<&'v [u8]>: Encode<'v, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for value in values {
        match value {
            Value::Int(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Bytes(bytes) => arguments.add(*bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
