-- Tenants, the keys that sign for them, and what is strictly used once.
-- Instants are milliseconds since 1970; *_json columns are JSON texts.

CREATE TABLE tenant (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    frame_ancestors_json TEXT NOT NULL,
    settings_json TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- `material` is public (PEM, JWKS, address), `sealed` is an encrypted shared secret: exactly one.
CREATE TABLE signing_key (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT REFERENCES tenant (id),
    preset TEXT NOT NULL,
    kid TEXT,
    algorithm TEXT NOT NULL,
    source TEXT NOT NULL,
    material TEXT,
    sealed BLOB,
    issuer TEXT,
    audience TEXT,
    valid_until INTEGER,
    CHECK ((material IS NULL) <> (sealed IS NULL))
) STRICT;
CREATE INDEX signing_key_by_preset ON signing_key (preset, tenant);

CREATE TABLE crm_account (
    preset TEXT NOT NULL,
    account TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    PRIMARY KEY (preset, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_role (
    tenant TEXT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE one_time_code (
    hash BLOB NOT NULL PRIMARY KEY,
    payload TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_code_by_expiry ON one_time_code (expires_at);

CREATE TABLE token_use (
    hash BLOB NOT NULL PRIMARY KEY,
    uses INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_use_by_expiry ON token_use (expires_at);
