-- Metered calls per period: a calendar month, or an hour of a budget that counts by the day.
ALTER TABLE read_count RENAME TO call_count;
ALTER TABLE call_count RENAME COLUMN month TO period;
ALTER TABLE call_count RENAME COLUMN reads TO calls;

-- The full comparison under way: since when, how far it has come in each dataset, and which records it
-- has seen (the number of the comparison that saw them last).
ALTER TABLE connection ADD COLUMN comparing_since INTEGER;
ALTER TABLE dataset_state ADD COLUMN compare_cursor TEXT;
ALTER TABLE dataset_state ADD COLUMN compare_begun INTEGER;
ALTER TABLE dataset_state ADD COLUMN compared_at INTEGER;
ALTER TABLE account ADD COLUMN seen INTEGER;
ALTER TABLE terms ADD COLUMN seen INTEGER;
ALTER TABLE item ADD COLUMN seen INTEGER;
ALTER TABLE customer ADD COLUMN seen INTEGER;
ALTER TABLE record ADD COLUMN seen INTEGER;

-- What the last comparison had to mend.
ALTER TABLE connection ADD COLUMN drift_mended INTEGER;
ALTER TABLE connection ADD COLUMN drift_gone INTEGER;
