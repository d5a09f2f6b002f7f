-- What ledgers said by themselves, until it is looked at; then for some days, so that an event which is
-- delivered again is known.

CREATE TABLE webhook_event (
    connection TEXT NOT NULL REFERENCES connection (id),
    event_key TEXT NOT NULL,
    dataset TEXT NOT NULL,
    ledger_id TEXT NOT NULL,
    merged BOOLEAN NOT NULL,
    happened_at BIGINT,
    received_at BIGINT NOT NULL,
    -- The run that is at it. A later run takes it over from one that never ended.
    taken_by TEXT,
    done_at BIGINT,
    PRIMARY KEY (connection, event_key)
);
CREATE INDEX webhook_event_waiting ON webhook_event (connection) WHERE done_at IS NULL;
CREATE INDEX webhook_event_by_age ON webhook_event (received_at);
