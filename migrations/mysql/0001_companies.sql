-- Companies and what places a call in one of them. Text is utf8mb4_bin: ids compare by their bytes.
-- `settings` is the whole company as JSON, the keys of its accounts included: guard dumps accordingly.
CREATE TABLE companies (
    id BIGINT NOT NULL,
    slug VARCHAR(128) NOT NULL,
    name VARCHAR(255) NOT NULL,
    settings LONGBLOB NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY companies_slug (slug)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A number belongs to one company.
CREATE TABLE company_numbers (
    phone VARCHAR(16) NOT NULL,
    company_id BIGINT NOT NULL,
    branch_id BIGINT NOT NULL,
    PRIMARY KEY (phone),
    KEY company_numbers_company (company_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- An agent belongs to one company.
CREATE TABLE company_agents (
    agent_id VARCHAR(128) NOT NULL,
    company_id BIGINT NOT NULL,
    branch_id BIGINT NOT NULL,
    PRIMARY KEY (agent_id),
    KEY company_agents_company (company_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row that counts imports; also what imports lock, so that they run one after the other.
CREATE TABLE directory_version (
    id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO directory_version (id, version) VALUES (1, 0);

CREATE TABLE customers (
    company_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    phone VARCHAR(16) NULL,
    email VARCHAR(320) NULL,
    PRIMARY KEY (company_id, id),
    KEY customers_phone (company_id, phone)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
