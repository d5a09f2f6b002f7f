-- Connections, their credentials, and what the sync must remember of them.

CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    provider TEXT NOT NULL,
    account TEXT,
    organization_name TEXT,
    base_currency TEXT,
    multicurrency INTEGER,
    time_zone TEXT NOT NULL,
    poll_seconds INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT,
    state_since INTEGER NOT NULL,
    watermark INTEGER,
    first_load_started INTEGER,
    compared_at INTEGER,
    version INTEGER NOT NULL,
    -- For links, which may only lead to a connection of their own tenant.
    UNIQUE (id, tenant)
) STRICT;
CREATE INDEX connection_by_tenant ON connection (tenant);

-- Tokens, sealed.
CREATE TABLE credential (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connection (id),
    access_token BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token BLOB NOT NULL,
    refresh_expires_at INTEGER,
    stored_at INTEGER NOT NULL
) STRICT;

CREATE TABLE oauth_state (
    hash BLOB NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_state_by_expiry ON oauth_state (expires_at);

-- Which process works on a connection. Apart from `connection`, so that renewing a lease never waits
-- for a page that is being written.
CREATE TABLE lease (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connection (id),
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;

CREATE TABLE dataset_state (
    connection TEXT NOT NULL REFERENCES connection (id),
    dataset TEXT NOT NULL,
    page_cursor TEXT,
    succeeded_at INTEGER,
    attempted_at INTEGER,
    loaded INTEGER NOT NULL,
    expected INTEGER,
    PRIMARY KEY (connection, dataset)
) STRICT, WITHOUT ROWID;

-- Metered calls per calendar month (`2026-11`).
CREATE TABLE read_count (
    provider TEXT NOT NULL,
    month TEXT NOT NULL,
    account TEXT NOT NULL,
    reads INTEGER NOT NULL,
    PRIMARY KEY (provider, month, account)
) STRICT, WITHOUT ROWID;
