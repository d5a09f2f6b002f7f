//! The lines of invoices and credit notes, and their tax.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::{Teller, base, decimal};
use crate::sandbox::books::{Detail, Document, Id, List};
use crate::sandbox::sage::key::{Key, Tag};

/// The percentage of the one sales tax that there is.
pub(super) const SALES_TAX: Decimal = Decimal::from_parts(8, 0, 0, false, 0);

/// What was sold by a line.
#[derive(Clone, Debug)]
pub(super) struct Sold {
    /// Its place among all lines of the document.
    line: usize,
    item: Id,
    words: String,
    quantity: Decimal,
    price: Decimal,
    discount: Decimal,
    net: Decimal,
    tax: Decimal,
    taxable: bool,
}

/// Shares an amount out in proportion to weights, in cents; the last share takes what is left.
fn share(amount: Decimal, weights: &[Decimal]) -> Vec<Decimal> {
    let all: Decimal = weights.iter().sum();
    let mut left = amount;
    let last = weights.len().saturating_sub(1);
    weights
        .iter()
        .enumerate()
        .map(|(index, weight)| {
            let part = if index == last {
                left
            } else if all.is_zero() {
                Decimal::ZERO
            } else {
                (amount * *weight / all)
                    .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
            };
            left -= part;
            part
        })
        .collect()
}

/// What a document sells. Sage has discounts on lines only, so that of a whole document is shared out;
/// and so is the tax, over the lines that are taxed. Lines of words only have no place.
pub(super) fn sold(document: &Document) -> Vec<Sold> {
    let mut lines: Vec<Sold> = Vec::new();
    for (line, sale) in document.lines.iter().enumerate() {
        let Detail::Sale {
            item,
            quantity,
            price,
            taxable,
        } = sale.detail
        else {
            continue;
        };
        let quantity = quantity.unwrap_or(Decimal::ONE);
        lines.push(Sold {
            line,
            item,
            words: sale.description.as_deref().unwrap_or_default().to_owned(),
            quantity,
            price: price.unwrap_or(sale.amount),
            discount: Decimal::ZERO,
            net: sale.amount,
            tax: Decimal::ZERO,
            taxable,
        });
    }
    let weights: Vec<Decimal> = lines.iter().map(|line| line.net).collect();
    for (line, discount) in lines.iter_mut().zip(share(document.discount(), &weights)) {
        line.discount = discount;
        line.net -= discount;
    }
    if !document.tax.is_zero() && lines.iter().all(|line| !line.taxable) {
        for line in &mut lines {
            line.taxable = true;
        }
    }
    let with_tax = || lines.iter().filter(|line| line.taxable);
    let weights: Vec<Decimal> = with_tax().map(|line| line.net).collect();
    let mut taxes = share(document.tax, &weights).into_iter();
    for line in lines.iter_mut().filter(|line| line.taxable) {
        line.tax = taxes.next().unwrap_or_default();
    }
    lines
}

impl Teller<'_> {
    pub(super) fn lines(&self, document: &Document, sold: &[Sold]) -> Value {
        sold.iter()
            .map(|line| self.line(document, line))
            .collect::<Vec<Value>>()
            .into()
    }

    fn line(&self, document: &Document, sold: &Sold) -> Value {
        let rate = document.rate;
        let item = self.books().name(List::Item, sold.item);
        let name = item.map(|item| &*item.name).unwrap_or_default();
        let words = if sold.words.is_empty() {
            name
        } else {
            &sold.words
        };
        let is_service = item
            .is_none_or(|item| !matches!(item.text("Type"), Some("Inventory" | "NonInventory")));
        let item = item.map(|item| {
            let list = if is_service { "services" } else { "products" };
            self.reference(list, Key::of(Tag::Item, item.id), name)
        });
        let (product, service) = if is_service {
            (None, item)
        } else {
            (item, None)
        };
        let full = sold.net + sold.discount;
        let percent = if full.is_zero() {
            Decimal::ZERO
        } else {
            (sold.discount * Decimal::ONE_HUNDRED / full).round_dp(2)
        };
        let tax_rate = self.tax_rate(sold.taxable);
        let breakdown = |tax: Decimal| {
            let percentage = if sold.taxable {
                SALES_TAX
            } else {
                Decimal::ZERO
            };
            json!([{
                "tax_rate": tax_rate, "percentage": decimal(percentage), "amount": decimal(tax),
            }])
        };
        json!({
            "id": self.id(Key::line(Tag::Line, document.id, sold.line)),
            "displayed_as": words,
            "description": words,
            "product": product,
            "service": service,
            "ledger_account": self.sales_account(),
            "trade_of_asset": false,
            "quantity": decimal(sold.quantity),
            "unit_price": decimal(sold.price),
            "net_amount": decimal(sold.net),
            "tax_rate": tax_rate,
            "tax_amount": decimal(sold.tax),
            "tax_breakdown": breakdown(sold.tax),
            "total_amount": decimal(sold.net + sold.tax),
            "base_currency_unit_price": decimal(base(sold.price, rate)),
            "unit_price_includes_tax": false,
            "base_currency_net_amount": decimal(base(sold.net, rate)),
            "base_currency_tax_amount": decimal(base(sold.tax, rate)),
            "base_currency_tax_breakdown": breakdown(base(sold.tax, rate)),
            "base_currency_total_amount": decimal(base(sold.net + sold.tax, rate)),
            "eu_goods_services_type": null,
            "discount_amount": decimal(sold.discount),
            "base_currency_discount_amount": decimal(base(sold.discount, rate)),
            "discount_percentage": decimal(percent),
            "eu_sales_description": null,
        })
    }

    /// The sums for each tax rate.
    pub(super) fn tax_analysis(&self, sold: &[Sold]) -> Value {
        let mut analysis = Vec::new();
        for taxable in [true, false] {
            let lines = || sold.iter().filter(|line| line.taxable == taxable);
            if lines().next().is_none() {
                continue;
            }
            let net: Decimal = lines().map(|line| line.net).sum();
            let tax: Decimal = lines().map(|line| line.tax).sum();
            analysis.push(json!({
                "tax_rate": self.tax_rate(taxable),
                "net_amount": decimal(net),
                "tax_amount": decimal(tax),
                "total_amount": decimal(net + tax),
                // Recorded: zero, whatever was sold.
                "goods_amount": "0.0",
                "service_amount": "0.0",
            }));
        }
        analysis.into()
    }
}

/// How many pieces in all.
pub(super) fn quantity(sold: &[Sold]) -> Decimal {
    sold.iter().map(|line| line.quantity).sum()
}
