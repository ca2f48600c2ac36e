//! The companies in memory, replaced as a whole when an import changed them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use arc_swap::ArcSwap;
use askpro_actors::ports::{
    directory::DirectoryView,
    stores::{CompanyRows, CompanyStore, StoreError},
};
use askpro_domain::{
    ids::CompanyId,
    secret::Secret,
    tenant::{Company, Directory},
};

/// The newest directory.
#[derive(Default)]
pub(super) struct LiveDirectory {
    directory: ArcSwap<Directory>,
    version: AtomicI64,
}

impl DirectoryView for LiveDirectory {
    fn current(&self) -> Arc<Directory> {
        self.directory.load_full()
    }
}

impl LiveDirectory {
    /// How many imports it knows of.
    pub(super) fn version(&self) -> i64 {
        self.version.load(SeqCst)
    }

    /// Reads all companies, at the start. One damaged row is no reason to turn away the calls of all others: those of
    /// its company wait in quarantine. Where none of several can be read the rows are not what is wrong.
    ///
    /// # Errors
    /// When the database does not answer, or none of several companies can be read.
    pub(super) async fn fill(&self, store: &dyn CompanyStore) -> Result<(), StoreError> {
        let version = store.companies_version().await?;
        let CompanyRows { whole, damaged } = store.read_companies().await?;
        if whole.is_empty() && damaged.len() > 1 {
            return Err(StoreError::Corrupt(format!(
                "none of {} companies; is this an older release than the one that wrote them?",
                damaged.len()
            )));
        }
        self.keep(version, whole);
        Ok(())
    }

    /// Reads all companies when an import came since the last time. Gives whether it did. A company whose row cannot
    /// be read stays as it was.
    ///
    /// # Errors
    /// When the database does not answer; the directory stays as it was.
    pub(super) async fn refresh(&self, store: &dyn CompanyStore) -> Result<bool, StoreError> {
        let version = store.companies_version().await?;
        if version == self.version() {
            return Ok(false);
        }
        let CompanyRows { mut whole, damaged } = store.read_companies().await?;
        let known = self.current();
        let as_it_was = |id: CompanyId| known.company(id).map(|company| Company::clone(company));
        whole.extend(damaged.into_iter().filter_map(as_it_was));
        self.keep(version, whole);
        Ok(true)
    }

    fn keep(&self, version: i64, companies: Vec<Company>) {
        self.directory.store(Arc::new(Directory::new(companies)));
        self.version.store(version, SeqCst);
    }
}

/// The key that a company's requests to its calendar carry: its own, or else the platform's. A company that is not
/// known has none: nobody knows whose calendar its bookings stand in, and in another's they are missing.
pub(super) fn calendar_key(company: Option<&Company>, platform: Option<&Secret>) -> Option<Secret> {
    let own = company?.keys.calcom_api_key.as_ref();
    own.filter(|key| !key.is_empty()).or(platform).cloned()
}

#[cfg(test)]
mod tests {
    use askpro_domain::tenant::{Customer, parse_import};

    use super::*;

    fn companies() -> Vec<Company> {
        let text = include_str!("../../tests/fixtures/companies.json");
        parse_import(&serde_json::from_str(text).unwrap()).unwrap().companies
    }

    /// A store of companies, some of them damaged.
    struct Rows {
        version: i64,
        rows: CompanyRows,
    }

    #[async_trait::async_trait]
    impl CompanyStore for Rows {
        async fn read_companies(&self) -> Result<CompanyRows, StoreError> {
            Ok(self.rows.clone())
        }

        async fn save_companies(
            &self,
            _: &[Company],
            _: &[(CompanyId, Customer)],
        ) -> Result<u64, StoreError> {
            unreachable!("nothing is imported here")
        }

        async fn companies_version(&self) -> Result<i64, StoreError> {
            Ok(self.version)
        }
    }

    #[tokio::test]
    async fn a_damaged_company_stays_as_it_was_and_the_others_are_as_they_are() {
        let [a, b] = companies().try_into().unwrap();
        let directory = LiveDirectory::default();
        let rows = CompanyRows { whole: vec![a.clone(), b.clone()], damaged: Vec::new() };
        directory.fill(&Rows { version: 1, rows }).await.unwrap();
        let renamed = Company { name: "B with another name".to_owned(), ..b };
        let rows = CompanyRows { whole: vec![renamed.clone()], damaged: vec![a.id] };
        assert!(directory.refresh(&Rows { version: 2, rows }).await.unwrap());
        let now = directory.current();
        assert_eq!((&**now.company(a.id).unwrap(), &**now.company(renamed.id).unwrap()), (&a, &renamed));
        assert_eq!(directory.version(), 2, "it is not read again for nothing");
    }

    #[tokio::test]
    async fn a_start_is_refused_when_none_of_several_companies_can_be_read() {
        let [a, b] = companies().try_into().unwrap();
        let start = async |whole: Vec<Company>, damaged: Vec<CompanyId>| {
            let directory = LiveDirectory::default();
            directory
                .fill(&Rows { version: 1, rows: CompanyRows { whole, damaged } })
                .await
                .map(|()| directory)
        };
        let refused = start(Vec::new(), vec![a.id, b.id]).await.map(drop).unwrap_err();
        assert!(refused.to_string().contains("older release"), "{refused}");
        let without_a = start(vec![b.clone()], vec![a.id]).await.unwrap().current();
        assert!(without_a.company(a.id).is_none() && without_a.company(b.id).is_some());
        assert!(start(Vec::new(), vec![a.id]).await.is_ok() && start(Vec::new(), Vec::new()).await.is_ok());
    }

    #[test]
    fn a_company_that_is_not_known_asks_no_calendar() {
        let [mut a, _] = companies().try_into().unwrap();
        let platform = Secret::new("cal_platform");
        let key = |company: Option<&Company>| {
            calendar_key(company, Some(&platform)).map(|key| key.expose().to_owned())
        };
        assert_eq!(key(Some(&a)).as_deref(), Some("cal_test_a"));
        a.keys.calcom_api_key = Some(Secret::new(""));
        assert_eq!(key(Some(&a)).as_deref(), Some("cal_platform"));
        assert_eq!(key(None), None);
    }
}
