-- Companies and what places a call in one of them.
-- `settings` is the whole company as JSON, the keys of its accounts included: guard copies accordingly.
CREATE TABLE companies (
    id INTEGER NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    settings BLOB NOT NULL
) STRICT;

-- A number belongs to one company.
CREATE TABLE company_numbers (
    phone TEXT NOT NULL PRIMARY KEY,
    company_id INTEGER NOT NULL,
    branch_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX company_numbers_company ON company_numbers (company_id);

-- An agent belongs to one company.
CREATE TABLE company_agents (
    agent_id TEXT NOT NULL PRIMARY KEY,
    company_id INTEGER NOT NULL,
    branch_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX company_agents_company ON company_agents (company_id);

-- One row that counts imports.
CREATE TABLE directory_version (
    id INTEGER NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT;

INSERT INTO directory_version (id, version) VALUES (1, 0);

CREATE TABLE customers (
    company_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NULL,
    email TEXT NULL,
    PRIMARY KEY (company_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX customers_phone ON customers (company_id, phone);
