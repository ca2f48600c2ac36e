-- Rows lie in the order in which they came: here they always did, the primary keys are indexes beside them. Rows of one
-- status are read in this order after a restart; an index here ends with the row's place.
CREATE INDEX calls_live ON calls (status);
