//! The names, addresses and numbers by which customers are found, in the one spelling that the mirror
//! keeps.

use std::sync::Arc;

/// The first text that is not empty, without the space around it.
pub(crate) fn first_filled<const N: usize>(texts: [&Option<String>; N]) -> Option<&str> {
    texts
        .into_iter()
        .flatten()
        .map(|text| text.trim())
        .find(|text| !text.is_empty())
}

/// An address in lower case. Some ledgers let several stand in the field, separated by commas: those
/// match nobody.
pub(crate) fn normalized_email(text: &str) -> Option<Arc<str>> {
    let email = text.trim().to_lowercase();
    let one = email.matches('@').count() == 1 && !email.contains([',', ';', ' ']);
    one.then(|| email.into())
}

/// Letters and digits in upper case. A number that the ledger masked (`XXXXX1234`) is none: it would
/// match every customer with the same last digits.
pub(crate) fn normalized_tax_number(text: &str) -> Option<Arc<str>> {
    let number: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let masked = text.contains('*') || number.starts_with("XXX");
    (!number.is_empty() && !masked).then(|| number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_compared_in_lower_case_and_must_be_one_address() {
        assert_eq!(
            normalized_email(" Surf@Intuit.com ").as_deref(),
            Some("surf@intuit.com")
        );
        assert_eq!(normalized_email("a@example.com, b@example.com"), None);
        assert_eq!(normalized_email("none"), None);
    }

    #[test]
    fn a_tax_number_is_letters_and_digits_and_never_a_masked_one() {
        assert_eq!(
            normalized_tax_number("gb 123.456-78").as_deref(),
            Some("GB12345678")
        );
        assert_eq!(normalized_tax_number("XXXXXX1111"), None);
        assert_eq!(normalized_tax_number("*****1111"), None);
        assert_eq!(normalized_tax_number(" - "), None);
    }
}
