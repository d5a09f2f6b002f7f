//! Exact amounts with their currency.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

/// An ISO 4217 currency (`USD`). The set of codes is that of the `iso_currency` crate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// The text is no ISO 4217 currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ISO 4217 currency code such as USD or EUR")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// No currency at all, by ISO 4217: of books whose currency is not read yet.
    pub const NONE: Self = Self(*b"XXX");

    /// The three-letter code.
    pub fn code(&self) -> &str {
        // The bytes are ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of the currency's minor unit (2 for USD, 0 for JPY, 3 for KWD), by ISO 4217.
    pub fn minor_digits(&self) -> u32 {
        iso_currency::Currency::from_code(self.code())
            .and_then(iso_currency::Currency::exponent)
            .map_or(2, u32::from)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = iso_currency::Currency::from_code(text);
        match (known, <[u8; 3]>::try_from(text.as_bytes())) {
            (Some(_), Ok(bytes)) => Ok(Self(bytes)),
            _ => Err(UnknownCurrency(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The bound of every amount in the books, in major units: a quadrillion. A provider refuses a
/// document beyond it, so that no sum or weighted mean over documents can leave the range of a
/// decimal.
pub const MAX_AMOUNT: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

/// Whether an amount is one that books may hold.
pub fn within_bounds(amount: Decimal) -> bool {
    amount.abs() <= MAX_AMOUNT
}

/// An exact amount of one currency, in major units (`12.50` dollars). May be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Major units, exact.
    pub amount: Decimal,
    /// The currency of `amount`.
    pub currency: Currency,
}

/// Two amounts of different currencies were to be added or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amounts in {0} and {1} cannot be combined")]
pub struct CurrencyMismatch(pub Currency, pub Currency);

impl Money {
    /// An amount of a currency.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency: a known zero, never a stand-in for an unknown amount.
    pub fn zero(currency: Currency) -> Self {
        Self::new(Decimal::ZERO, currency)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`CurrencyMismatch`] unless both are of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, CurrencyMismatch> {
        if self.currency == other.currency {
            Ok(Self::new(self.amount + other.amount, self.currency))
        } else {
            Err(CurrencyMismatch(self.currency, other.currency))
        }
    }

    /// The amount rounded to the currency's minor unit, halves to the even neighbor. For amounts
    /// that come from a multiplication (tax, conversion); amounts of documents are never rounded.
    #[must_use]
    pub fn rounded(self) -> Self {
        let digits = self.currency.minor_digits();
        let amount = self
            .amount
            .round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven);
        Self::new(amount, self.currency)
    }

    /// The amount with at least as many decimal places as the currency's minor unit has
    /// (`5` dollars become `5.00`); further places are kept, nothing is rounded.
    pub fn to_wire(self) -> Decimal {
        let mut amount = self.amount.normalize();
        let digits = self.currency.minor_digits();
        if amount.scale() < digits {
            amount.rescale(digits);
        }
        amount
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_wire(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{currency, dec, usd};
    use super::*;

    #[test]
    fn tax_is_rounded_to_the_minor_unit() {
        let tax = dec("4495.16") * dec("9.975") / Decimal::ONE_HUNDRED;
        assert_eq!(
            Money::new(tax, currency("CAD")).rounded().amount,
            dec("448.39")
        );
    }

    #[test]
    fn halves_round_to_even_by_the_currency() {
        let rounded =
            |amount: &str, code: &str| Money::new(dec(amount), currency(code)).rounded().amount;
        assert_eq!(rounded("0.125", "USD"), dec("0.12"));
        assert_eq!(rounded("0.135", "USD"), dec("0.14"));
        assert_eq!(rounded("-0.125", "USD"), dec("-0.12"));
        assert_eq!(rounded("12.5", "JPY"), dec("12"));
        assert_eq!(rounded("1.2345", "KWD"), dec("1.234"));
    }

    #[test]
    fn the_wire_has_the_minor_units_places_and_loses_none() {
        assert_eq!(usd("5").to_wire().to_string(), "5.00");
        assert_eq!(usd("5.1250").to_wire().to_string(), "5.125");
        assert_eq!(
            Money::new(dec("5.0"), currency("JPY"))
                .to_wire()
                .to_string(),
            "5"
        );
    }

    #[test]
    fn a_million_documents_at_the_bound_can_be_summed_and_weighted() {
        assert_eq!(MAX_AMOUNT, dec("1000000000000000"));
        let with_cents = MAX_AMOUNT - dec("0.0001");
        let sum = with_cents.checked_mul(dec("1000000"));
        let weighted = sum.and_then(|sum| sum.checked_mul(dec("36500")));
        assert!(weighted.is_some());
    }

    #[test]
    fn currencies_do_not_mix() {
        let euro = Money::new(dec("1"), currency("EUR"));
        assert_eq!(usd("1").checked_add(usd("2")), Ok(usd("3")));
        assert!(usd("1").checked_add(euro).is_err());
    }

    #[test]
    fn only_known_codes_are_currencies() {
        assert!("usd".parse::<Currency>().is_err());
        assert!("ZZZ".parse::<Currency>().is_err());
        assert!("".parse::<Currency>().is_err());
    }
}
