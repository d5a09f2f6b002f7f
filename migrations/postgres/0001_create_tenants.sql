-- Tenants, the keys that sign for them, and what is strictly used once.
-- Instants are milliseconds since 1970; *_json columns are JSON texts.

CREATE TABLE tenant (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    frame_ancestors_json TEXT NOT NULL,
    settings_json TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- `material` is public (PEM, JWKS, address), `sealed` is an encrypted shared secret: exactly one.
CREATE TABLE signing_key (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT REFERENCES tenant (id),
    preset TEXT NOT NULL,
    kid TEXT,
    algorithm TEXT NOT NULL,
    source TEXT NOT NULL,
    material TEXT,
    sealed BYTEA,
    issuer TEXT,
    audience TEXT,
    valid_until BIGINT,
    CHECK ((material IS NULL) <> (sealed IS NULL))
);
CREATE INDEX signing_key_by_preset ON signing_key (preset, tenant);

CREATE TABLE crm_account (
    preset TEXT NOT NULL,
    account TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    PRIMARY KEY (preset, account)
);

CREATE TABLE user_role (
    tenant TEXT NOT NULL REFERENCES tenant (id),
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

CREATE TABLE one_time_code (
    hash BYTEA NOT NULL PRIMARY KEY,
    payload TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_code_by_expiry ON one_time_code (expires_at);

CREATE TABLE token_use (
    hash BYTEA NOT NULL PRIMARY KEY,
    uses BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_use_by_expiry ON token_use (expires_at);
