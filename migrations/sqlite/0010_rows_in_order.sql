-- Rows lie in the order in which they came: here they always did, the primary keys are indexes beside them. Live calls
-- are read in this order after a restart: an index here ends with the row's place.
DROP INDEX calls_status;
DROP INDEX calls_company_status;
CREATE INDEX calls_live ON calls (status);
