-- Which process owns this database, and how far each journal is in it.
CREATE TABLE lease (
    id INTEGER NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT;

INSERT INTO lease (id, owner, epoch, until_ms) VALUES (1, '', 0, 0);

CREATE TABLE journal_marks (
    journal_id TEXT NOT NULL PRIMARY KEY,
    mark INTEGER NOT NULL
) STRICT;
