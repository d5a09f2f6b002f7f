-- Connections, their credentials, and what the sync must remember of them.

CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    provider TEXT NOT NULL,
    account TEXT,
    organization_name TEXT,
    base_currency TEXT,
    multicurrency BOOLEAN,
    time_zone TEXT NOT NULL,
    poll_seconds BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT,
    state_since BIGINT NOT NULL,
    watermark BIGINT,
    first_load_started BIGINT,
    compared_at BIGINT,
    version BIGINT NOT NULL,
    -- For links, which may only lead to a connection of their own tenant.
    UNIQUE (id, tenant)
);
CREATE INDEX connection_by_tenant ON connection (tenant);

-- Tokens, sealed.
CREATE TABLE credential (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connection (id),
    access_token BYTEA NOT NULL,
    access_expires_at BIGINT NOT NULL,
    refresh_token BYTEA NOT NULL,
    refresh_expires_at BIGINT,
    stored_at BIGINT NOT NULL
);

CREATE TABLE oauth_state (
    hash BYTEA NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_state_by_expiry ON oauth_state (expires_at);

-- Which process works on a connection. Apart from `connection`, so that renewing a lease never waits
-- for a page that is being written.
CREATE TABLE lease (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connection (id),
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
);

CREATE TABLE dataset_state (
    connection TEXT NOT NULL REFERENCES connection (id),
    dataset TEXT NOT NULL,
    page_cursor TEXT,
    succeeded_at BIGINT,
    attempted_at BIGINT,
    loaded BIGINT NOT NULL,
    expected BIGINT,
    PRIMARY KEY (connection, dataset)
);

-- Metered calls per calendar month (`2026-11`).
CREATE TABLE read_count (
    provider TEXT NOT NULL,
    month TEXT NOT NULL,
    account TEXT NOT NULL,
    reads BIGINT NOT NULL,
    PRIMARY KEY (provider, month, account)
);
