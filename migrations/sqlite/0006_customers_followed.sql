-- The customers in memory follow what imports change: `import_version` is the count of imports after the one
-- that last changed the row, 0 when none did. What lies ahead is found by its end.
ALTER TABLE customers ADD COLUMN import_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX customers_import ON customers (import_version, company_id, id);
CREATE INDEX appointments_end ON appointments (ends_at, id);
