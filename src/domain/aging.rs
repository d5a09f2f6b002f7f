//! How long what is owed has been due.

use rust_decimal::Decimal;

/// An aging bucket by days past due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgingBucket {
    /// Not yet due, or due today.
    Current,
    /// 1 to 30 days past due.
    Days1To30,
    /// 31 to 60 days past due.
    Days31To60,
    /// 61 to 90 days past due.
    Days61To90,
    /// More than 90 days past due.
    Over90,
}

impl AgingBucket {
    /// Every bucket, youngest first.
    pub const ALL: [Self; 5] = [
        Self::Current,
        Self::Days1To30,
        Self::Days31To60,
        Self::Days61To90,
        Self::Over90,
    ];

    /// The bucket of a document that is so many days past due (0 or less is current).
    pub fn of(days_past_due: i32) -> Self {
        match days_past_due {
            ..=0 => Self::Current,
            1..=30 => Self::Days1To30,
            31..=60 => Self::Days31To60,
            61..=90 => Self::Days61To90,
            91.. => Self::Over90,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Current => 0,
            Self::Days1To30 => 1,
            Self::Days31To60 => 2,
            Self::Days61To90 => 3,
            Self::Over90 => 4,
        }
    }
}

/// Open amounts by bucket, in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aging([Decimal; 5]);

impl Aging {
    /// Adds an open amount to a bucket.
    pub fn add(&mut self, bucket: AgingBucket, open: Decimal) {
        self.0[bucket.index()] += open;
    }

    /// The amount in a bucket.
    pub fn get(&self, bucket: AgingBucket) -> Decimal {
        self.0[bucket.index()]
    }

    /// The sum of the buckets: the gross receivable.
    pub fn sum(&self) -> Decimal {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::AgingBucket::{Current, Days1To30, Days31To60, Days61To90, Over90};
    use super::*;

    #[test]
    fn buckets_begin_and_end_where_they_say() {
        let expected = [
            (i32::MIN, Current),
            (0, Current),
            (1, Days1To30),
            (30, Days1To30),
            (31, Days31To60),
            (60, Days31To60),
            (61, Days61To90),
            (90, Days61To90),
            (91, Over90),
            (i32::MAX, Over90),
        ];
        for (days, bucket) in expected {
            assert_eq!(AgingBucket::of(days), bucket, "{days} days past due");
        }
    }
}
