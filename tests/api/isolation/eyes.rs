//! Looks at everything that is kept and shown, at the end of a run.

use std::collections::BTreeMap;

use askpro::compress::{DECOMPRESSED_BYTES_MAX, decompress};

use super::{
    companies::{COMPANIES, Owner},
    run::Rig,
};
use crate::support::database::Tables;

/// What a frame of zstd begins with.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Looks for what is at the wrong place.
pub struct Eyes<'a> {
    rig: &'a mut Rig,
}

impl<'a> Eyes<'a> {
    pub fn of(rig: &'a mut Rig) -> Self {
        Self { rig }
    }

    pub async fn look_at_everything(&mut self) {
        self.rig.settle().await;
        let owners = self.owners().await;
        self.rows(&owners).await;
        self.appointments(&owners).await;
        self.admin().await;
        self.metrics().await;
        self.calendar();
    }

    async fn owners(&self) -> BTreeMap<String, Owner> {
        let rows = self.rig.tables.rows("id, slug", "FROM companies").await;
        let owner = |slug: &str| Owner::all().find(|owner| owner.slug() == slug).unwrap();
        let owners: BTreeMap<_, _> = rows
            .into_iter()
            .map(|row| (row[0].clone().unwrap(), owner(row[1].as_deref().unwrap())))
            .collect();
        assert_eq!(owners.len(), COMPANIES);
        owners
    }

    /// Every column of every table with a company: the bodies unpacked.
    async fn rows(&mut self, owners: &BTreeMap<String, Owner>) {
        let tables = self.rig.tables.clone();
        let tenants = tenant_tables(&tables).await;
        assert!(tenants.len() >= 9, "tables with a company: {:?}", tenants.keys());
        for (table, columns) in &tenants {
            let hex: Vec<String> = columns.iter().map(|column| format!("HEX({column})")).collect();
            let rows =
                tables.rows(&format!("company_id, {}", hex.join(", ")), &format!("FROM {table}")).await;
            for row in rows {
                let owner = owners[row[0].as_deref().unwrap()];
                for (column, value) in columns.iter().zip(&row[1..]) {
                    let Some(value) = value else { continue };
                    self.rig.belongs(Some(owner), &unpacked(value), format!("{table}.{column}"));
                }
            }
        }
        // What a company's own key claims of a call stays with that company; an event is the call's own.
        let other = "call_events t JOIN calls c ON c.call_id = t.call_id WHERE c.company_id <> t.company_id";
        self.none(other, "events of one company at a call of another").await;
        self.none("dead_letters", "dead letters").await;
    }

    async fn none(&mut self, from: &str, what: &str) {
        let count = self.rig.tables.count(from).await;
        if count > 0 {
            self.rig.crossed.push(format!("{count} {what}: {from}"));
        }
    }

    /// Nobody announced anything of their own: whatever was announced came from strangers.
    async fn appointments(&mut self, owners: &BTreeMap<String, Owner>) {
        let bookings = self.rig.calcom.bookings();
        let rows =
            self.rig.tables.rows("company_id, status, calcom_uid, starts_at", "FROM appointments").await;
        for row in rows {
            let (owner, status) = (owners[row[0].as_deref().unwrap()], row[1].as_deref().unwrap());
            if ["cancelled", "rescheduled", "conflict"].contains(&status) {
                self.rig.crossed.push(format!("an appointment of {owner:?} is {status} by a stranger"));
            }
            let Some(uid) = &row[2] else { continue };
            let stands = bookings.iter().any(|booking| {
                booking.uid == *uid
                    && booking.company == owner.slug()
                    && Some(booking.start_ms.to_string()) == row[3]
            });
            if !stands {
                self.rig
                    .crossed
                    .push(format!("an appointment of {owner:?} follows another's booking: {row:?}"));
            }
        }
    }

    async fn admin(&mut self) {
        for owner in Owner::all() {
            self.rig.look(owner).await;
            let path = format!("/admin/calls?state=all&company={}&limit=1000", owner.slug());
            let (_, list) = self.rig.retell.admin(&path).await;
            for item in list["items"].as_array().unwrap() {
                assert_eq!(item["company"], owner.slug(), "{item}");
                let id = item["id"].as_str().unwrap();
                for path in [format!("/admin/calls/{id}"), format!("/admin/calls/{id}/timeline")] {
                    let answer = self.rig.retell.admin_answer("GET", &path).await;
                    self.rig.belongs(Some(owner), &answer.body, &path);
                }
            }
        }
        let (_, schedulers) = self.rig.retell.admin("/admin/schedulers").await;
        for item in schedulers["items"].as_array().unwrap() {
            let owner = Owner::all().find(|owner| item["company"] == owner.slug());
            self.rig.belongs(owner, item.to_string().as_bytes(), "/admin/schedulers");
        }
    }

    /// No company at all, and no id.
    async fn metrics(&mut self) {
        let page = self.rig.retell.get("/metrics").await.body;
        let lines = page.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
        for line in lines.map(<[u8]>::to_vec).collect::<Vec<_>>() {
            self.rig.belongs(None, &line, "/metrics");
            let text = String::from_utf8_lossy(&line).to_lowercase();
            let named =
                ["call_0_", "call_1_", "call_2_", "call_s_", "4915112345678", "anna", "agent_", "salon"];
            let named = named.iter().find(|word| text.contains(**word));
            assert!(named.is_none(), "{named:?} in {text}");
        }
    }

    fn calendar(&mut self) {
        for booking in self.rig.calcom.bookings() {
            let owner = Owner::all().find(|owner| owner.slug() == booking.company);
            let text = serde_json::to_string(&booking).unwrap();
            self.rig.belongs(owner, text.as_bytes(), "Cal.com");
        }
    }
}

/// Tables that have a company, with their columns, as the schema has them: a new one is looked at too.
async fn tenant_tables(tables: &Tables) -> BTreeMap<String, Vec<String>> {
    let from = match tables {
        Tables::Sqlite(_) => {
            "FROM sqlite_master m JOIN pragma_table_info(m.name) c ON 1 WHERE m.type = 'table'"
        }
        Tables::MySql(_) => "FROM information_schema.columns c WHERE c.table_schema = DATABASE()",
    };
    let columns = match tables {
        Tables::Sqlite(_) => "m.name, c.name",
        Tables::MySql(_) => "c.table_name, c.column_name",
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in tables.rows(columns, from).await {
        found.entry(row[0].clone().unwrap()).or_default().push(row[1].clone().unwrap());
    }
    found.retain(|_, columns| columns.iter().any(|column| column == "company_id"));
    found
}

fn unpacked(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let bytes: Vec<u8> =
        hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect();
    if bytes.starts_with(&ZSTD) { decompress(&bytes, DECOMPRESSED_BYTES_MAX).unwrap() } else { bytes }
}
