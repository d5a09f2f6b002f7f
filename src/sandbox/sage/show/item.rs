//! Products, services and stock items.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{Teller, decimal, instant, members, reference};
use crate::sandbox::books::Entry;
use crate::sandbox::sage::key::{Key, Tag};
use crate::sandbox::sage::record::{Collection, Record};

/// The one list of prices.
const PRICES: &str = "Sales Price";

/// A number among an item's properties.
fn number(item: &Entry, property: &str) -> Decimal {
    item.properties
        .get(property)
        .and_then(|number| number.to_string().parse().ok())
        .unwrap_or_default()
}

/// An item's code: its SKU, or its name where it has none, since Sage's always have one.
fn code_of(item: &Entry) -> &str {
    item.text("Sku").unwrap_or(&item.name)
}

/// What a search for items looks at: their description and code.
pub(in crate::sandbox::sage) fn item_words(item: &Entry) -> String {
    format!("{} {}", item.name, code_of(item)).to_lowercase()
}

impl Teller<'_> {
    /// Items have a description and no name: the books' name is the description here.
    pub(super) fn item(&self, list: Collection, record: &Record<'_>) -> Map<String, Value> {
        let Some(item) = record.name() else {
            return Map::new();
        };
        let mut told = members(self.reference(list.path(), record.key, &item.name));
        let price = number(item, "UnitPrice");
        told.extend(members(json!({
            "deletable": false,
            "deactivatable": true,
            "used_on_recurring_invoice": false,
            "item_code": code_of(item),
            "description": item.name,
            "notes": "",
            "sales_ledger_account": self.sales_account(),
            "sales_tax_rate": self.tax_rate(item.properties.get("Taxable") == Some(&json!(true))),
            "purchase_ledger_account": null,
            "usual_supplier": null,
            "purchase_tax_rate": null,
            "cost_price": decimal(number(item, "PurchaseCost")),
            "source_guid": null,
            "purchase_description": "",
            "active": item.active,
        })));
        let key = Key::of(Tag::Price, item.id);
        let mut shown = members(json!({
            "id": self.id(key),
            "displayed_as": PRICES,
            "created_at": instant(item.stamp.created),
            "updated_at": instant(item.stamp.written),
        }));
        let is_service = list == Collection::Services;
        let (name, amount) = if is_service {
            ("rate_name", "rate")
        } else {
            ("price_name", "price")
        };
        shown.insert(name.to_owned(), json!(PRICES));
        shown.insert(amount.to_owned(), decimal(price));
        if is_service {
            shown.insert("rate_includes_tax".to_owned(), json!(false));
            let kind = self.reference(
                "service_rate_types",
                Key::part(Tag::PriceType, 0, 1),
                PRICES,
            );
            shown.insert("service_rate_type".to_owned(), kind);
            told.insert("sales_rates".to_owned(), json!([shown]));
            told.insert("oss_service".to_owned(), json!(false));
            return told;
        }
        shown.insert("price_includes_tax".to_owned(), json!(false));
        shown.insert("product_sales_price_type".to_owned(), self.price_type());
        told.insert("sales_prices".to_owned(), json!([shown]));
        if list == Collection::StockItems {
            let quantity = number(item, "QtyOnHand");
            let cost = number(item, "PurchaseCost");
            told.extend(members(json!({
                "reorder_level": "0.0",
                "reorder_quantity": "0.0",
                "location": "",
                "barcode": "",
                "supplier_part_number": "",
                // Recorded: a number, unlike all the others.
                "weight": 0,
                "measurement_unit": "kg",
                "weight_converted": "0.0",
                "quantity_in_stock": decimal(quantity),
                "last_cost_price": decimal(cost),
                "last_cost_price_stock_value": decimal(cost * quantity),
                "average_cost_price": decimal(cost),
                "average_cost_price_stock_value": decimal(cost * quantity),
                "cost_price_last_updated": instant(item.stamp.written),
            })));
        } else {
            let stock = item.text("Type") == Some("Inventory");
            let (kind, words) = if stock {
                ("STOCK", "Stock")
            } else {
                ("PRODUCT", "Non-stock")
            };
            told.extend(members(json!({
                "catalog_item_type": reference("catalog_item_types", kind, words),
            })));
        }
        told
    }

    /// The one kind of price.
    pub(super) fn price_type(&self) -> Value {
        let key = Key::of(Tag::PriceType, 0);
        self.reference("product_sales_price_types", key, PRICES)
    }
}
