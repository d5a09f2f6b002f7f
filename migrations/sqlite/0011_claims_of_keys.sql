-- Where a key's tokens have their claims, where that is elsewhere than the scheme says.
ALTER TABLE signing_key ADD COLUMN claims_json TEXT NOT NULL DEFAULT '{}';
