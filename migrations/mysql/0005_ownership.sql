-- Which process owns this database, and how far each journal is in it.
CREATE TABLE lease (
    id BIGINT NOT NULL,
    owner VARCHAR(255) NOT NULL,
    epoch BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO lease (id, owner, epoch, until_ms) VALUES (1, '', 0, 0);

CREATE TABLE journal_marks (
    journal_id VARCHAR(128) NOT NULL,
    mark BIGINT NOT NULL,
    PRIMARY KEY (journal_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
