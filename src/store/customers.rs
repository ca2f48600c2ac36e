//! What the customers in memory are filled with. Reads of all companies: only for start and after imports.

use askpro_actors::ports::{
    stores::{
        CustomerPlace, CustomerStore, RowPage, StoreError, StoredBooking, StoredCustomer, UpcomingPlace,
    },
    unreadable::{Table, unless_unreadable},
};
use askpro_domain::{
    ids::{AppointmentId, CompanyId, CustomerId, StaffId},
    phone::PhoneNumber,
    time::UnixMillis,
};

use super::{Database, decode, dialect::Value, page, page_rows};

/// What stands behind a place, in three parts: a plain range of the index each, which both dialects find
/// without reading what lies before it.
const SELECT_CUSTOMERS: [&str; 3] = [
    "SELECT import_version, company_id, id, name, phone FROM customers \
     WHERE import_version = ? AND company_id = ? AND id > ? AND phone IS NOT NULL ORDER BY id LIMIT ?",
    "SELECT import_version, company_id, id, name, phone FROM customers \
     WHERE import_version = ? AND company_id > ? AND phone IS NOT NULL ORDER BY company_id, id LIMIT ?",
    "SELECT import_version, company_id, id, name, phone FROM customers \
     WHERE import_version > ? AND phone IS NOT NULL ORDER BY import_version, company_id, id LIMIT ?",
];
const SELECT_UPCOMING: &str = "SELECT ends_at, id, staff_id, state FROM appointments \
     WHERE ends_at >= ? AND (ends_at > ? OR id > ?) \
     AND status IN ('submitted', 'pending_confirmation', 'unknown', 'confirmed') \
     ORDER BY ends_at, id LIMIT ?";
/// Before every place: nothing in it is negative.
const BEFORE_ALL: CustomerPlace = CustomerPlace::after_import(-1);

/// `import_version, company_id, id, name, phone`
type CustomerRecord = (i64, i64, i64, String, String);
/// `ends_at, id, staff_id, state`
type UpcomingRecord = (i64, String, Option<i64>, Vec<u8>);

#[async_trait::async_trait]
impl CustomerStore for Database {
    async fn list_customers(
        &self,
        after: Option<CustomerPlace>,
        limit: u32,
    ) -> Result<Vec<StoredCustomer>, StoreError> {
        let CustomerPlace { import_version, company, customer } = after.unwrap_or(BEFORE_ALL);
        let place = [import_version, company.0, customer.0];
        let wanted = page_rows(limit);
        let mut rows: Vec<CustomerRecord> = Vec::new();
        for (part, sql) in SELECT_CUSTOMERS.into_iter().enumerate() {
            let left = u32::try_from(wanted - rows.len()).unwrap_or_default();
            if left == 0 {
                break;
            }
            let values = place.iter().take(place.len() - part).copied().map(Value::from);
            let values: Vec<Value<'_>> = values.chain([page(left)]).collect();
            rows.extend(self.fetch::<CustomerRecord>(sql, &values).await?);
        }
        Ok(rows.into_iter().map(stored).collect())
    }

    async fn list_upcoming(
        &self,
        from: UnixMillis,
        after: Option<&UpcomingPlace>,
        limit: u32,
    ) -> Result<RowPage<StoredBooking, UpcomingPlace>, StoreError> {
        // Without a place the first is the one that ends right after `from`.
        let (end, id) = after.map_or((from.plus_ms(1).0, ""), |(end, id)| (end.0, id.as_str()));
        let values = [end.into(), end.into(), id.into(), page(limit)];
        let rows: Vec<UpcomingRecord> = self.fetch(SELECT_UPCOMING, &values).await?;
        let place = |row: &UpcomingRecord| Some((UnixMillis(row.0), AppointmentId(row.1.clone())));
        Ok(RowPage::of(rows, page_rows(limit), place, upcoming))
    }
}

fn upcoming((_, id, staff, state): UpcomingRecord) -> Option<StoredBooking> {
    let booking = unless_unreadable(Table::Appointments, decode("appointment", &id, &state))?;
    Some(StoredBooking { booking, staff: staff.map(StaffId) })
}

fn stored((import_version, company, id, name, phone): CustomerRecord) -> StoredCustomer {
    let (company, customer) = (CompanyId(company), CustomerId(id));
    let place = CustomerPlace { import_version, company, customer };
    StoredCustomer { place, name, phone: PhoneNumber::parse_e164(&phone) }
}
