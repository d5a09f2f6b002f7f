-- What more ledgers say: terms that count from the month's end, a credit limit of their own, and the
-- name of the organization in their web addresses.

-- With `months`: `days` after the end of that month, or `day_of_month` in it.
ALTER TABLE terms ADD COLUMN months BIGINT;
ALTER TABLE customer ADD COLUMN credit_limit NUMERIC;
ALTER TABLE connection ADD COLUMN page_code TEXT;
