-- The customers in memory follow what imports change: `import_version` is the count of imports after the one
-- that last changed the row, 0 when none did. What lies ahead is found by its end.
ALTER TABLE customers
    ADD COLUMN import_version BIGINT NOT NULL DEFAULT 0,
    ADD KEY customers_import (import_version, company_id, id);

ALTER TABLE appointments ADD KEY appointments_end (ends_at, id);
