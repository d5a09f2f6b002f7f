//! Conversion between currencies by one dated rate each.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::books::{CustomerBooks, ExchangeRate};
use super::money::{Currency, Money};

/// The rates in force on a day for one organization's books: for each foreign currency the latest
/// one dated on or before that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    base: Currency,
    latest: Vec<ExchangeRate>,
}

impl Rates {
    /// Chooses the rates of a day from those that the books hold.
    ///
    /// `known` has the latest rate of each currency over the whole organization. Where that is dated
    /// after the day (a look into the past), the latest one that the members' own documents carry
    /// stands in; a rate from after the day is never used.
    pub fn on(
        as_of: Date,
        base: Currency,
        known: &[ExchangeRate],
        members: &[std::sync::Arc<CustomerBooks>],
    ) -> Self {
        let mut latest: Vec<ExchangeRate> = Vec::new();
        for rate in known {
            if rate.to == base && rate.dated <= as_of {
                keep_latest(&mut latest, rate.clone());
            }
        }
        let by_documents = members.iter().flat_map(|books| &books.documents);
        for document in by_documents {
            let Some(rate) = document.exchange_rate else {
                continue;
            };
            if document.currency == base || document.issued_on > as_of {
                continue;
            }
            let newer = latest
                .iter()
                .find(|rate| rate.from == document.currency)
                .is_none_or(|known| known.dated < document.issued_on);
            if newer {
                keep_latest(
                    &mut latest,
                    ExchangeRate {
                        from: document.currency,
                        to: base,
                        rate,
                        dated: document.issued_on,
                        source: document.described().into(),
                    },
                );
            }
        }
        latest.sort_by_key(|rate| rate.from);
        Self { base, latest }
    }

    /// The rates of several organizations that keep their books in one currency, the latest of each;
    /// `None` where the base currencies differ, and over nothing.
    pub fn common<'a>(organizations: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut organizations = organizations.into_iter();
        let mut common = organizations.next()?.clone();
        for other in organizations {
            if other.base != common.base {
                return None;
            }
            for rate in &other.latest {
                keep_latest(&mut common.latest, rate.clone());
            }
        }
        common.latest.sort_by_key(|rate| rate.from);
        Some(common)
    }

    /// The currency that the books are kept in.
    pub fn base(&self) -> Currency {
        self.base
    }

    /// The rate of a foreign currency; `None` when there is none, and for the base currency itself.
    pub fn of(&self, currency: Currency) -> Option<&ExchangeRate> {
        self.latest.iter().find(|rate| rate.from == currency)
    }

    /// An amount in another currency, by way of the base currency, rounded to the minor unit.
    /// `None` where a rate is missing. Nothing is nothing in every currency, so zero needs no rate.
    pub fn convert(&self, money: Money, to: Currency) -> Option<Money> {
        if money.currency == to {
            return Some(money);
        }
        if money.amount.is_zero() {
            return Some(Money::zero(to));
        }
        let in_base = money.amount.checked_mul(self.units(money.currency)?)?;
        let amount = in_base.checked_div(self.units(to)?)?;
        Some(Money::new(amount, to).rounded())
    }

    /// Base units for one unit of a currency; never zero.
    fn units(&self, currency: Currency) -> Option<Decimal> {
        if currency == self.base {
            return Some(Decimal::ONE);
        }
        self.of(currency).map(|rate| rate.rate)
    }
}

/// Keeps the later of two rates of one currency; a rate that is not positive is no rate.
fn keep_latest(latest: &mut Vec<ExchangeRate>, rate: ExchangeRate) {
    if rate.rate <= Decimal::ZERO {
        return;
    }
    match latest.iter_mut().find(|known| known.from == rate.from) {
        // On one day the source decides, so that the outcome does not hang on the order.
        Some(known) if (known.dated, &known.source) < (rate.dated, &rate.source) => *known = rate,
        Some(_) => {}
        None => latest.push(rate),
    }
}
