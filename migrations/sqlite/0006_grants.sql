-- Tokens belong to a grant, which may reach several organizations and so serve several connections.
-- A grant that was made for one connection keeps that connection's id: its tokens are sealed for it.

CREATE TABLE credential_of_grant (
    grant_id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    access_token BLOB NOT NULL,
    access_expires_at INTEGER NOT NULL,
    refresh_token BLOB NOT NULL,
    refresh_expires_at INTEGER,
    stored_at INTEGER NOT NULL,
    -- Which process renews the tokens, and until when it is left to it.
    lease_holder TEXT,
    leased_until INTEGER
) STRICT;
INSERT INTO credential_of_grant (grant_id, tenant, access_token, access_expires_at, refresh_token,
    refresh_expires_at, stored_at)
SELECT credential.connection, connection.tenant, access_token, access_expires_at, refresh_token,
    refresh_expires_at, stored_at
FROM credential JOIN connection ON connection.id = credential.connection;
DROP TABLE credential;
ALTER TABLE credential_of_grant RENAME TO credential;

-- The grant under which the connection is read; none before consent and after it was given up.
ALTER TABLE connection ADD COLUMN grant_id TEXT;
UPDATE connection SET grant_id = id WHERE id IN (SELECT grant_id FROM credential);
CREATE INDEX connection_by_grant ON connection (grant_id);
