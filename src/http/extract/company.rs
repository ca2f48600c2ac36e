//! The company that an address names.

use std::sync::Arc;

use askpro_domain::tenant::Company;

use crate::{http::problem::Refusal, usecases::Services};

/// The company with this slug.
pub(in crate::http) fn by_slug(services: &Services, slug: &str) -> Result<Arc<Company>, Refusal> {
    services.directory.current().by_slug(slug).cloned().ok_or(Refusal::CompanyUnknown)
}
