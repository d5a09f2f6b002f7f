//! What is owed, for how long, and whether it agrees with the ledger's own figure.

use async_graphql::{Enum, ID, SimpleObject};
use rust_decimal::Decimal as Number;

use super::money::{Amounts, Band, Money};
use super::scalars::{CurrencyCode, Date, Decimal};
use crate::domain::aging as domain_aging;
use crate::domain::balance as domain;
use crate::domain::books;
use crate::domain::tie_out as domain_tie_out;

/// By how many days something is past due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain_aging::AgingBucket")]
pub enum AgingBucket {
    /// Not yet due, or due today.
    Current,
    /// 1 to 30 days past due.
    #[graphql(name = "DAYS_1_30")]
    Days1To30,
    /// 31 to 60 days past due.
    #[graphql(name = "DAYS_31_60")]
    Days31To60,
    /// 61 to 90 days past due.
    #[graphql(name = "DAYS_61_90")]
    Days61To90,
    /// More than 90 days past due.
    #[graphql(name = "OVER_90")]
    Over90,
}

/// The open documents of one age.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct AgingEntry {
    /// The age.
    pub bucket: AgingBucket,
    /// The sum of their open amounts.
    pub amount: Option<Money>,
    /// Their share of the gross receivable, as a fraction; null when nothing is open.
    pub share: Option<Decimal>,
}

/// What is owed in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct CurrencyBalance {
    /// The currency of every amount here.
    pub currency: CurrencyCode,
    /// Gross receivable less unapplied credit; negative when the customer is in credit.
    pub outstanding: Option<Money>,
    /// The rough size of what is outstanding.
    pub outstanding_band: Band,
    /// The sum of what is open on issued documents.
    pub gross_receivable: Option<Money>,
    /// The sum of credits and payments that are not applied yet; positive.
    pub unapplied_credit: Option<Money>,
    /// The sum of what is open and 1 or more days past due.
    pub overdue: Option<Money>,
    /// The rough size of what is overdue.
    pub overdue_band: Band,
    /// How many documents are overdue.
    pub overdue_count: u32,
    /// Days past due of the oldest overdue document; null when nothing is overdue.
    pub oldest_overdue_days: Option<u32>,
    /// What is open by age, youngest first; the amounts add up to the gross receivable.
    pub aging: Vec<AgingEntry>,
}

impl CurrencyBalance {
    fn new(balance: &domain::CurrencyBalance, amounts: Amounts) -> Self {
        let money = |amount| amounts.of(amount, balance.currency);
        Self {
            currency: CurrencyCode(balance.currency),
            outstanding: money(balance.outstanding()),
            outstanding_band: Band::of_debt(balance.outstanding(), balance.currency),
            gross_receivable: money(balance.gross_receivable),
            unapplied_credit: money(balance.unapplied_credit),
            overdue: money(balance.overdue),
            overdue_band: Band::of_debt(balance.overdue, balance.currency),
            overdue_count: balance.overdue_count,
            oldest_overdue_days: balance.oldest_overdue_days,
            aging: domain_aging::AgingBucket::ALL
                .into_iter()
                .map(|bucket| {
                    let open = balance.aging.get(bucket);
                    AgingEntry {
                        bucket: bucket.into(),
                        amount: money(open),
                        share: share(open, balance.gross_receivable),
                    }
                })
                .collect(),
        }
    }
}

fn share(part: Number, whole: Number) -> Option<Decimal> {
    part.checked_div(whole)
        .map(|share| Decimal(share.round_dp(4).normalize()))
}

/// How many units of one currency another was worth on a day, by the books themselves.
#[derive(Clone, Debug, SimpleObject)]
pub struct ExchangeRate {
    /// The foreign currency.
    pub from: CurrencyCode,
    /// The organization's base currency.
    pub to: CurrencyCode,
    /// Units of `to` for one unit of `from`.
    pub rate: Decimal,
    /// The rate's date.
    pub dated: Date,
    /// Where it was taken from.
    pub source: String,
}

impl From<&books::ExchangeRate> for ExchangeRate {
    fn from(rate: &books::ExchangeRate) -> Self {
        Self {
            from: CurrencyCode(rate.from),
            to: CurrencyCode(rate.to),
            rate: Decimal(rate.rate),
            dated: Date(rate.dated),
            source: rate.source.to_string(),
        }
    }
}

/// What is owed over all currencies, in one of them.
#[derive(Clone, Debug, SimpleObject)]
pub struct TotalBalance {
    /// Gross receivable less unapplied credit.
    pub outstanding: Option<Money>,
    /// What is overdue.
    pub overdue: Option<Money>,
    /// The rates used, one for each foreign currency; empty where all is in one currency.
    pub rates: Vec<ExchangeRate>,
}

/// The outcome of comparing our figure with the ledger's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TieOutStatus {
    /// Equal to the cent.
    Ties,
    /// Not equal.
    Differs,
    /// The ledger gives no figure to compare with, or none in the currency of what is open.
    NotCheckable,
}

/// Our outstanding against the ledger's own figure, without any date cut.
#[derive(Clone, Debug, SimpleObject)]
pub struct TieOut {
    /// The outcome; with several customers the worst.
    pub status: TieOutStatus,
    /// Our outstanding by all documents, whatever their date.
    pub ours: Option<Money>,
    /// The ledger's own figure.
    pub ledger: Option<Money>,
    /// Ours less the ledger's; null when they are equal or cannot be compared.
    pub difference: Option<Money>,
    /// The documents most likely behind a difference, likeliest first, written `kind:id`.
    pub suspects: Vec<ID>,
    /// Whether documents dated after the day exist: the two figures may then differ rightly.
    pub future_dated: bool,
}

impl TieOut {
    fn new(tie_out: &domain_tie_out::TieOut, amounts: Amounts) -> Self {
        let (status, difference, suspects) = match &tie_out.status {
            domain_tie_out::TieOutStatus::Ties => (TieOutStatus::Ties, None, Vec::new()),
            domain_tie_out::TieOutStatus::NotCheckable => {
                (TieOutStatus::NotCheckable, None, Vec::new())
            }
            domain_tie_out::TieOutStatus::Differs {
                difference,
                suspects,
            } => (
                TieOutStatus::Differs,
                amounts.money(*difference),
                suspects.iter().map(|id| ID(id.to_string())).collect(),
            ),
        };
        Self {
            status,
            ours: tie_out.ours.and_then(|ours| amounts.money(ours)),
            ledger: tie_out.ledger.and_then(|ledger| amounts.money(ledger)),
            difference,
            suspects,
            future_dated: tie_out.future_dated,
        }
    }
}

/// What is owed, per currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct Balance {
    /// Over all currencies, in the organization's base currency; null with a missing rate, never a
    /// wrong one. With one currency only: that.
    pub total: Option<TotalBalance>,
    /// One entry for each currency, ordered by code.
    pub by_currency: Vec<CurrencyBalance>,
    /// Whether our figure agrees with the ledger's own.
    pub tie_out: TieOut,
    /// How many documents had neither a due date nor terms, so that their issue date stands in.
    pub assumed_due_dates: u32,
}

impl Balance {
    /// A balance as the viewer may see it.
    pub fn new(balance: &domain::Balance, amounts: Amounts) -> Self {
        Self {
            total: balance.total.as_ref().map(|total| TotalBalance {
                outstanding: amounts.money(total.outstanding),
                overdue: amounts.money(total.overdue),
                rates: total.rates.iter().map(Into::into).collect(),
            }),
            by_currency: balance
                .by_currency
                .iter()
                .map(|currency| CurrencyBalance::new(currency, amounts))
                .collect(),
            tie_out: TieOut::new(&balance.tie_out, amounts),
            assumed_due_dates: balance.assumed_due_dates,
        }
    }
}
