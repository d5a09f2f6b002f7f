//! The members that Sage is known to send within what is asked for, and that are left unread. What is
//! asked for by name is read ([`super::wire`]); what comes beside it unasked is tolerated, counted and
//! named in the log.

/// Sorted, so that it can be searched.
const UNUSED: &[&str] = &[
    "$back",
    "$itemsPerPage",
    "$items_per_page",
    "$next",
    "$page",
    "$path",
    "analysis_type_categories",
    "base_currency_discount_amount",
    "base_currency_net_amount",
    "base_currency_outstanding_amount",
    "base_currency_tax_amount",
    "base_currency_tax_breakdown",
    "base_currency_total_amount",
    "base_currency_unit_price",
    "contact",
    "contact_name",
    "contact_reference",
    "created_at",
    "currency",
    "date",
    "discount_amount",
    "discount_percentage",
    "displayed_as",
    "eu_goods_services_type",
    "eu_sales_description",
    "exchange_rate",
    "gst_amount",
    "id",
    "ledger_account",
    "links",
    "net_amount",
    "pst_amount",
    "reference",
    "status",
    "tax_amount",
    "tax_breakdown",
    "tax_rate",
    "tax_recoverable",
    "total_amount",
    "trade_of_asset",
    "unit_price_includes_tax",
    "updated_at",
];

/// Whether the member is known and left unread on purpose.
pub(super) fn is_known(name: &str) -> bool {
    UNUSED.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_so_that_every_name_is_found() {
        assert!(UNUSED.is_sorted());
        assert!(UNUSED.iter().all(|name| is_known(name)));
        assert!(!is_known("on_hold"));
    }
}
