//! Reading the scalars that ledgers send: amounts exactly, whether they come as a number or as a
//! string, and dates.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::domain::money::within_bounds;

/// An amount, from the text of a JSON number or from a string, without any rounding; absent and
/// `null` are `None`, never zero. Trailing zeros are dropped, so that `100.00` equals `100` in every
/// respect. An amount that no books hold is refused here, so that no sum on the way can overflow.
pub(crate) fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    let text = match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Error::custom("an amount is a number")),
    };
    decimal(text.trim())
        .filter(|amount| within_bounds(*amount))
        .map(Some)
        .ok_or_else(|| Error::custom("the amount has no exact value of at most 28 digits"))
}

fn decimal(text: &str) -> Option<Decimal> {
    let value = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    value.ok().map(|value| value.normalize())
}

/// A plain date; absent, `null` and empty are `None`.
pub(crate) fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    match Option::<String>::deserialize(from)? {
        Some(text) if !text.trim().is_empty() => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| Error::custom("this is no date")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "amount")]
        amount: Option<Decimal>,
    }

    fn read(json: &str) -> Result<Option<Decimal>, serde_json::Error> {
        serde_json::from_str::<Probe>(json).map(|probe| probe.amount)
    }

    #[test]
    fn reads_every_spelling_exactly() {
        let cases = [
            (r#"{"amount":100.00}"#, Some("100")),
            (r#"{"amount":0}"#, Some("0")),
            (r#"{"amount":-15}"#, Some("-15")),
            (r#"{"amount":1.310264}"#, Some("1.310264")),
            (r#"{"amount":0.1}"#, Some("0.1")),
            (
                r#"{"amount":123456789012345.6789}"#,
                Some("123456789012345.6789"),
            ),
            (r#"{"amount":1.5E2}"#, Some("150")),
            (r#"{"amount":"85.10"}"#, Some("85.1")),
            (r#"{"amount":""}"#, None),
            (r#"{"amount":null}"#, None),
            ("{}", None),
        ];
        for (json, expected) in cases {
            let expected = expected.map(|text| text.parse::<Decimal>().expect("a decimal"));
            let found = read(json).expect("it reads");
            assert_eq!(found, expected, "{json}");
            assert_eq!(
                found.map(|a| a.to_string()),
                expected.map(|a| a.to_string())
            );
        }
    }

    #[test]
    fn refuses_what_it_could_only_round() {
        for json in [
            r#"{"amount":0.12345678901234567890123456789012345}"#,
            r#"{"amount":"twelve"}"#,
            r#"{"amount":true}"#,
            r#"{"amount":1e40}"#,
            r#"{"amount":-1000000000000001}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_amount_survives(cents in any::<i64>(), scale in 4_u32..10) {
            let amount = Decimal::new(cents, scale);
            let json = format!(r#"{{"amount":{amount}}}"#);
            prop_assert_eq!(read(&json).expect("it reads"), Some(amount));
        }
    }
}
