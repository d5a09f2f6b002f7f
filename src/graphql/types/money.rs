//! Amounts, and what stands in for them where a role may not see them.

use async_graphql::{Enum, InputObject, SimpleObject};
use rust_decimal::Decimal;

use super::scalars;
use crate::domain::money;

/// Whether the viewer may see amounts. Every conversion that yields one asks for it, so that none
/// can be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// Amounts are part of the answer.
    Shown,
    /// Amounts are absent from the answer.
    Hidden,
}

impl Amounts {
    /// An amount, where it may be seen.
    pub fn money(self, money: money::Money) -> Option<Money> {
        match self {
            Self::Shown => Some(Money::from(money)),
            Self::Hidden => None,
        }
    }

    /// An amount of a currency, where it may be seen.
    pub fn of(self, amount: Decimal, currency: money::Currency) -> Option<Money> {
        self.money(money::Money::new(amount, currency))
    }

    /// Whether amounts are part of the answer.
    pub fn shown(self) -> bool {
        self == Self::Shown
    }
}

/// An exact amount of one currency, in major units.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Money {
    /// The amount, with at least the decimal places of the currency.
    pub amount: scalars::Decimal,
    /// Its currency.
    pub currency: scalars::CurrencyCode,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self {
            amount: scalars::Decimal(money.to_wire()),
            currency: scalars::CurrencyCode(money.currency),
        }
    }
}

/// An exact amount of one currency, in major units.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct MoneyInput {
    /// The amount.
    pub amount: scalars::Decimal,
    /// Its currency.
    pub currency: scalars::CurrencyCode,
}

impl From<MoneyInput> for money::Money {
    fn from(input: MoneyInput) -> Self {
        Self::new(input.amount.0, input.currency.0)
    }
}

/// A rough size, shown also where the amount itself may not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Band {
    /// Nothing, or nothing left.
    None,
    /// Below 1,000 units of the currency (100,000 where it has no minor unit, such as JPY).
    Low,
    /// Up to ten times that.
    Medium,
    /// More.
    High,
    /// Below nothing: the customer is owed something.
    InCredit,
}

impl Band {
    /// The band of what is owed.
    pub fn of_debt(amount: Decimal, currency: money::Currency) -> Self {
        if amount.is_zero() {
            Self::None
        } else if amount.is_sign_negative() {
            Self::InCredit
        } else {
            Self::by_size(amount, currency)
        }
    }

    /// The band of what is left to use: less than nothing is nothing left.
    pub fn of_room(money: money::Money) -> Self {
        if money.amount.is_zero() || money.amount.is_sign_negative() {
            Self::None
        } else {
            Self::by_size(money.amount, money.currency)
        }
    }

    fn by_size(amount: Decimal, currency: money::Currency) -> Self {
        let thousand = if currency.minor_digits() == 0 {
            Decimal::from(100_000)
        } else {
            Decimal::from(1_000)
        };
        if amount < thousand {
            Self::Low
        } else if amount <= thousand * Decimal::TEN {
            Self::Medium
        } else {
            Self::High
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_by_size_and_sign() {
        let usd: money::Currency = "USD".parse().expect("a code");
        let jpy: money::Currency = "JPY".parse().expect("a code");
        let band = |amount: i64, currency| Band::of_debt(Decimal::from(amount), currency);
        assert_eq!(band(0, usd), Band::None);
        assert_eq!(band(-5, usd), Band::InCredit);
        assert_eq!(band(999, usd), Band::Low);
        assert_eq!(band(10_000, usd), Band::Medium);
        assert_eq!(band(10_001, usd), Band::High);
        assert_eq!(band(99_999, jpy), Band::Low);
        let room = |amount: i64| Band::of_room(money::Money::new(Decimal::from(amount), usd));
        assert_eq!(room(-1), Band::None, "over the limit there is no room");
    }
}
