-- Rows lie in the order in which they came. Ids of calls are random: where they were the primary key, each row lay
-- between rows of other times, and in tables larger than the buffer pool each insert read and wrote a page of its own,
-- with the bodies of others in it. Now only entries of indexes are put between others. Tables are written anew once.
ALTER TABLE calls
    DROP PRIMARY KEY,
    ADD COLUMN rowid BIGINT NOT NULL AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (rowid),
    ADD KEY calls_live (status, rowid);
ALTER TABLE call_events
    DROP PRIMARY KEY,
    ADD COLUMN rowid BIGINT NOT NULL AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (rowid),
    ADD UNIQUE KEY call_events_key (company_id, call_id, dedup_key);
