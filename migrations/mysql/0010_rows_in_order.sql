-- Rows lie in the order in which they came. Ids of calls are random: where they were the primary key, each row lay
-- between rows of other times, and in tables larger than the buffer pool each insert read and wrote a page of its own,
-- with the bodies of others in it. Now only entries of indexes are put between others. The table is written anew once:
-- it needs as much room again, and nobody else writes to it meanwhile. One statement, so that all of it is done or none.
-- Live calls are read by the place of their rows; a company's calls are listed by their ids.
ALTER TABLE calls
    DROP PRIMARY KEY,
    ADD COLUMN rowid BIGINT NOT NULL AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (rowid),
    DROP KEY calls_status,
    DROP KEY calls_company_status,
    ADD KEY calls_live (status, rowid),
    ADD KEY calls_company (company_id, call_id);
