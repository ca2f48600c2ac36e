//! Where a course keeps its rows: a schema of its own in a server, or a file.

/// The databases that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    MariaDb,
    MySql,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::MariaDb, Self::MySql, Self::Sqlite];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// Names the tests' server of this kind.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MariaDb => "ASKPRO_TEST_MARIADB_URL",
            Self::MySql => "ASKPRO_TEST_MYSQL_URL",
        }
    }

    /// The tests' server, where there is one.
    pub fn server(self) -> Option<String> {
        std::env::var(self.variable()).ok()
    }
}
