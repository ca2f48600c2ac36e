-- As `calls` before, for the same reason: the bodies are here. One statement, so that all of it is done or none.
ALTER TABLE call_events
    DROP PRIMARY KEY,
    ADD COLUMN rowid BIGINT NOT NULL AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (rowid),
    ADD UNIQUE KEY call_events_key (company_id, call_id, dedup_key);
