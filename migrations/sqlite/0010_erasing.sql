-- Whose a one-time code is, so that it goes with its tenant.
ALTER TABLE one_time_code ADD COLUMN tenant TEXT REFERENCES tenant (id);
