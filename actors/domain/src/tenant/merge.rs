//! What an import means for a company that is there already: entries of the file replace theirs by slug,
//! entries that the file does not name stay. Pure.

use super::Company;
use crate::secret::Secret;

impl Company {
    /// This company as imported, laid over what is there. Keys that the import does not give stay.
    #[must_use]
    pub fn over(mut self, existing: &Self) -> Self {
        keep_absent(&mut self.branches, &existing.branches, |b| b.slug.as_str());
        keep_absent(&mut self.staff, &existing.staff, |s| s.slug.as_str());
        keep_absent(&mut self.services, &existing.services, |s| s.slug.as_str());
        keep_key(&mut self.keys.calcom_api_key, &existing.keys.calcom_api_key);
        keep_key(&mut self.keys.calcom_webhook_secret, &existing.keys.calcom_webhook_secret);
        keep_key(&mut self.keys.retell_api_key, &existing.keys.retell_api_key);
        if !self.has_own_key() {
            self.keys.retell_webhook_keys.clone_from(&existing.keys.retell_webhook_keys);
        }
        self
    }
}

fn keep_absent<T: Clone>(imported: &mut Vec<T>, existing: &[T], slug: impl Fn(&T) -> &str) {
    let absent: Vec<T> =
        existing.iter().filter(|old| imported.iter().all(|new| slug(new) != slug(old))).cloned().collect();
    imported.extend(absent);
}

fn keep_key(imported: &mut Option<Secret>, existing: &Option<Secret>) {
    if imported.is_none() {
        imported.clone_from(existing);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tenant::{Company, parse_import};

    fn company(value: serde_json::Value) -> Company {
        parse_import(&json!({ "companies": [value] })).unwrap().companies.remove(0)
    }

    #[test]
    fn entries_that_the_file_does_not_name_stay_and_the_same_file_changes_nothing() {
        let first = company(json!({
            "slug": "a", "name": "A", "time_zone": "Europe/Berlin", "calcom_api_key": "cal_x",
            "branches": [{"slug": "one", "name": "One"}, {"slug": "two", "name": "Two"}],
            "staff": [{"slug": "udo", "name": "Udo"}],
        }));
        let second = company(json!({
            "slug": "a", "name": "A again", "time_zone": "Europe/Berlin",
            "branches": [{"slug": "two", "name": "Two again"}],
        }));
        let merged = second.clone().over(&first);
        let names: Vec<_> = merged.branches.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["Two again", "One"]);
        assert_eq!((merged.name.as_str(), merged.staff.len()), ("A again", 1));
        assert_eq!(merged.keys.calcom_api_key.as_ref().unwrap().expose(), "cal_x");
        assert_eq!(second.over(&merged), merged);
        assert_eq!(first.clone().over(&first), first);
    }
}
