//! Reading the scalars that only QuickBooks spells so: its own instants, and words whatever their case.

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

/// An instant with its offset, or milliseconds since 1970; anything else is `None`, since the only
/// instant read so is the answer's own, which some answers lack.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number
            .as_i64()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        _ => None,
    })
}

/// Whether two enumeration words are the same: QuickBooks spells one and the same value
/// `SalesItemLineDetail` and `SALES_ITEM_LINE_DETAIL`, or `Accounts Receivable`.
pub(super) fn same_word(left: &str, right: &str) -> bool {
    letters(left).eq(letters(right))
}

fn letters(word: &str) -> impl Iterator<Item = char> + '_ {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_words_whatever_their_spelling() {
        assert!(same_word("SALES_ITEM_LINE_DETAIL", "SalesItemLineDetail"));
        assert!(same_word("Accounts Receivable", "AccountsReceivable"));
        assert!(!same_word("Debit", "Credit"));
    }
}
