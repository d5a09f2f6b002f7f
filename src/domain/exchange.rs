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

    /// Amounts of any currencies in one, each converted by itself. `None` where a rate is missing, or
    /// one is so far out that the sum is beyond a decimal.
    pub fn sum(&self, amounts: impl IntoIterator<Item = Money>, to: Currency) -> Option<Money> {
        amounts.into_iter().try_fold(Money::zero(to), |sum, next| {
            let amount = sum.amount.checked_add(self.convert(next, to)?.amount)?;
            Some(Money::new(amount, to))
        })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::document::Document;
    use super::super::sample::{books, currency, day, dec, eur, in_currency, invoice, rate, usd};
    use super::*;

    fn rates(known: &[ExchangeRate], as_of: &str) -> Rates {
        Rates::on(day(as_of), currency("USD"), known, &[])
    }

    #[test]
    fn the_latest_rate_on_or_before_the_day_converts() {
        let known = [
            rate("EUR", "1.10", "2026-01-01"),
            rate("EUR", "1.20", "2026-02-01"),
            rate("EUR", "1.30", "2026-03-01"),
        ];
        let converted = |as_of| rates(&known, as_of).convert(eur("100"), currency("USD"));
        assert_eq!(converted("2026-01-31"), Some(usd("110")));
        assert_eq!(converted("2026-02-01"), Some(usd("120")));
        assert_eq!(converted("2025-12-31"), None, "a later rate is no rate");
    }

    #[test]
    fn two_foreign_currencies_meet_in_the_base_currency() {
        let known = [
            rate("EUR", "1.2", "2026-01-01"),
            rate("GBP", "1.6", "2026-01-01"),
        ];
        let rates = rates(&known, "2026-01-01");
        let pounds = |amount| Money::new(dec(amount), currency("GBP"));
        assert_eq!(
            rates.convert(eur("100"), currency("GBP")),
            Some(pounds("75.00"))
        );
        assert_eq!(
            rates.convert(pounds("1"), currency("EUR")),
            Some(eur("1.33"))
        );
    }

    #[test]
    fn zero_and_the_same_currency_need_no_rate() {
        let rates = rates(&[], "2026-01-01");
        assert_eq!(rates.convert(eur("0"), currency("USD")), Some(usd("0")));
        assert_eq!(
            rates.convert(eur("1.005"), currency("EUR")),
            Some(eur("1.005"))
        );
        assert_eq!(rates.convert(eur("1"), currency("USD")), None);
    }

    #[test]
    fn a_rate_that_is_not_positive_is_none() {
        let rates = rates(&[rate("EUR", "0", "2026-01-01")], "2026-01-01");
        assert_eq!(rates.convert(eur("1"), currency("USD")), None);
        assert_eq!(rates.convert(usd("1"), currency("EUR")), None);
    }

    #[test]
    fn a_look_into_the_past_uses_the_rates_of_the_documents_then() {
        let document = Document {
            exchange_rate: Some(dec("1.15")),
            number: Some("1037".into()),
            ..in_currency("EUR", invoice("7", "2026-01-10", "2026-02-10", "50"))
        };
        let members = [Arc::new(books(&[document], &[]))];
        let known = [rate("EUR", "1.30", "2026-03-01")];
        let rates = Rates::on(day("2026-01-20"), currency("USD"), &known, &members);
        let used = rates.of(currency("EUR")).unwrap();
        assert_eq!((used.rate, used.dated), (dec("1.15"), day("2026-01-10")));
        assert_eq!(&*used.source, "invoice 1037");
        let used_beside = |dated| {
            let known = [rate("EUR", "1.10", dated)];
            let rates = Rates::on(day("2026-01-20"), currency("USD"), &known, &members);
            rates.of(currency("EUR")).map(|used| used.rate)
        };
        assert_eq!(used_beside("2026-01-09"), Some(dec("1.15")));
        assert_eq!(used_beside("2026-01-11"), Some(dec("1.10")));
    }

    #[test]
    fn organizations_share_rates_only_in_one_base_currency() {
        let one = rates(&[rate("EUR", "1.1", "2026-01-01")], "2026-05-01");
        let newer = rates(&[rate("EUR", "1.2", "2026-02-01")], "2026-05-01");
        let euro_books = Rates::on(day("2026-05-01"), currency("EUR"), &[], &[]);
        let common = Rates::common([&one, &newer]).unwrap();
        assert_eq!(common.convert(eur("10"), currency("USD")), Some(usd("12")));
        assert_eq!(Rates::common([&one, &euro_books]), None);
        assert_eq!(Rates::common([]), None);
    }
}
