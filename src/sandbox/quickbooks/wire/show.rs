//! Names, and the company itself, as the API shows them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{amount, instant, reference};
use crate::sandbox::books::{Books, Entry, List, Stamp, zone};

/// The properties that every record has.
pub(super) fn common(shown: &mut Map<String, Value>, id: u64, stamp: &Stamp) {
    shown.insert("domain".to_owned(), json!("QBO"));
    shown.insert("sparse".to_owned(), json!(false));
    shown.insert("Id".to_owned(), json!(id.to_string()));
    shown.insert("SyncToken".to_owned(), json!(stamp.sync_token.to_string()));
    shown.insert(
        "MetaData".to_owned(),
        json!({
            "CreateTime": instant(stamp.created),
            "LastUpdatedTime": instant(stamp.updated),
        }),
    );
}

/// A name as the API shows it.
pub(crate) fn name(books: &Books, list: List, name: &Entry) -> Value {
    let mut shown = name.properties.clone();
    common(&mut shown, name.id, &name.stamp);
    shown.insert(list.name_property().to_owned(), json!(name.name.as_ref()));
    shown.insert("Active".to_owned(), json!(name.active));
    match list {
        List::Customer => {
            shown.insert(
                "FullyQualifiedName".to_owned(),
                json!(books.full_name(list, name)),
            );
            shown.insert("Job".to_owned(), json!(name.parent.is_some()));
            if let Some(parent) = name.parent {
                shown.insert("ParentRef".to_owned(), reference(&parent, None));
                shown.insert("Level".to_owned(), json!(books.level(name)));
            }
            shown.insert("Balance".to_owned(), amount(name.balance));
            shown.insert(
                "BalanceWithJobs".to_owned(),
                amount(books.balance_with_jobs(name)),
            );
            shown.insert(
                "CurrencyRef".to_owned(),
                reference(name.currency.code(), Some(name.currency.name())),
            );
        }
        List::Vendor => {
            shown.insert("Balance".to_owned(), amount(name.balance));
            shown.insert(
                "CurrencyRef".to_owned(),
                reference(name.currency.code(), Some(name.currency.name())),
            );
        }
        List::Account => {
            shown.insert("FullyQualifiedName".to_owned(), json!(name.name.as_ref()));
            shown.insert(
                "CurrencyRef".to_owned(),
                reference(name.currency.code(), Some(name.currency.name())),
            );
        }
        List::Item => {
            shown.insert(
                "FullyQualifiedName".to_owned(),
                json!(books.full_name(list, name)),
            );
        }
        List::Term => {}
    }
    Value::Object(shown)
}

/// What the API tells of a company.
pub(crate) fn company_info(name: &str, started: Timestamp) -> Value {
    let address = json!({
        "Id": "1", "Line1": "123 Sierra Way", "City": "San Pablo", "Country": "USA",
        "CountrySubDivisionCode": "CA", "PostalCode": "87999",
    });
    json!({
        "CompanyName": name,
        "LegalName": name,
        "CompanyAddr": address,
        "CustomerCommunicationAddr": address,
        "LegalAddr": address,
        "CompanyStartDate": started.to_zoned(zone()).date().to_string(),
        "FiscalYearStartMonth": "January",
        "Country": "US",
        "Email": {"Address": "books@example.com"},
        "WebAddr": {},
        "PrimaryPhone": {"FreeFormNumber": "(650) 555-0100"},
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "NeoEnabled", "Value": "true"},
            {"Name": "SubscriptionStatus", "Value": "PAID"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
        ],
        "domain": "QBO",
        "sparse": false,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": {
            "CreateTime": instant(started),
            "LastUpdatedTime": instant(started),
        },
    })
}

/// The preferences that a reader of receivables looks at, and some more.
pub(crate) fn preferences(books: &Books, started: Timestamp) -> Value {
    let default_term = books.default_term.map(|term| reference(&term, None));
    json!({
        "AccountingInfoPrefs": {
            "TrackDepartments": false, "ClassTrackingPerTxn": false,
            "ClassTrackingPerTxnLine": false, "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": true, "ForPurchase": true,
            "QuantityWithPriceAndRate": true, "QuantityOnHand": true,
        },
        "SalesFormsPrefs": {
            "CustomTxnNumbers": false, "AllowDeposit": false, "AllowDiscount": true,
            "AllowEstimates": true, "AllowServiceDate": false, "AllowShipping": false,
            "UsingPriceLevels": false, "DefaultTerms": default_term,
        },
        "TaxPrefs": {
            "UsingSalesTax": true, "PartnerTaxEnabled": false, "TaxGroupCodeRef": {"value": "2"},
        },
        "CurrencyPrefs": {
            "MultiCurrencyEnabled": books.multicurrency,
            "HomeCurrency": {"value": books.home.code()},
        },
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": false},
        "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultItem", "Value": "1"}]},
        "domain": "QBO",
        "sparse": false,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": {
            "CreateTime": instant(started),
            "LastUpdatedTime": instant(started),
        },
    })
}
