//! Good answers, and refusals of every shape.

use financial_pulse::domain::connection::ProviderKind;
use financial_pulse::domain::freshness::Dataset;
use serde_json::{Value, json};

use super::super::input;

/// The number of the question for a dataset, all of it or what changed; of the others by their place
/// behind those.
enum Ask {
    All(Dataset),
    Changed(Dataset),
    Other(u8),
}

const CHANGES: u8 = 0;
const CUSTOMER: u8 = 1;
const ORGANIZATION: u8 = 2;
const ORGANIZATIONS: u8 = 3;
const EXCHANGE: u8 = 4;
const REFRESH: u8 = 5;

fn seed(kind: ProviderKind, ask: &Ask, answers: &[String]) -> Vec<u8> {
    let datasets = kind.datasets();
    let place = |dataset: &Dataset| {
        let place = datasets.iter().position(|known| known == dataset);
        u8::try_from(place.unwrap_or_default()).expect("few")
    };
    let many = u8::try_from(datasets.len()).expect("few");
    let question = match ask {
        Ask::All(dataset) => place(dataset),
        Ask::Changed(dataset) => many + place(dataset),
        Ask::Other(place) => 2 * many + place,
    };
    let answers: Vec<&[u8]> = answers.iter().map(String::as_bytes).collect();
    input(question, &answers)
}

fn token_answers() -> Vec<String> {
    vec![
        json!({"access_token": "a", "refresh_token": "r", "expires_in": 3600,
            "x_refresh_token_expires_in": 8_726_400, "token_type": "bearer"})
        .to_string(),
        json!({"access_token": "a", "expires_in": 1800}).to_string(),
        format!("400\n{}", json!({"error": "invalid_grant"})),
        format!("401\n{}", json!({"error": "invalid_client"})),
    ]
}

/// The seeds of every provider: each good answer to each question, and refusals.
fn all(kind: ProviderKind, good: &[(Ask, Vec<Value>)], refusals: &[&str]) -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = good
        .iter()
        .map(|(ask, answers)| {
            let answers: Vec<_> = answers.iter().map(Value::to_string).collect();
            seed(kind, ask, &answers)
        })
        .collect();
    for refusal in refusals {
        for ask in [
            Ask::All(Dataset::Customers),
            Ask::Other(CHANGES),
            Ask::Other(ORGANIZATION),
        ] {
            seeds.push(seed(kind, &ask, &[(*refusal).to_owned()]));
        }
    }
    for answer in token_answers() {
        seeds.push(seed(
            kind,
            &Ask::Other(EXCHANGE),
            std::slice::from_ref(&answer),
        ));
        seeds.push(seed(kind, &Ask::Other(REFRESH), &[answer]));
    }
    seeds
}

pub(super) fn quickbooks_seeds() -> Vec<Vec<u8>> {
    let meta = |at: &str| json!({"LastUpdatedTime": format!("2026-04-{at}T03:08:49-07:00")});
    let form = |id: &str, at: &str| {
        json!({
            "Id": id, "MetaData": meta(at), "TxnDate": "2026-04-05", "DueDate": "2026-05-05",
            "CustomerRef": {"value": "7"}, "CurrencyRef": {"value": "EUR"}, "ExchangeRate": 1.5,
            "TotalAmt": 100, "Balance": 50, "DocNumber": "17", "TxnTaxDetail": {"TotalTax": 8},
            "Line": [{"Amount": 92, "DetailType": "SalesItemLineDetail", "Description": "a line",
                "SalesItemLineDetail": {"ItemRef": {"value": "3"}, "Qty": 4, "UnitPrice": 23}}]
        })
    };
    let payment = json!({
        "Id": "2", "MetaData": meta("12"), "TxnDate": "2026-04-06", "CustomerRef": {"value": "7"},
        "TotalAmt": 50, "UnappliedAmt": 0, "Line": [
            {"Amount": 50, "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]}]
    });
    let entry = json!({
        "Id": "3", "MetaData": meta("13"), "TxnDate": "2026-04-07", "Line": [{"Amount": 10,
            "JournalEntryLineDetail": {"PostingType": "Credit", "AccountRef": {"value": "84"},
                "Entity": {"Type": "Customer", "EntityRef": {"value": "7"}}}}]
    });
    let customer = json!({
        "Id": "7", "MetaData": meta("14"), "DisplayName": "Cool Cars", "Active": true, "Balance": 1.5,
        "CurrencyRef": {"value": "EUR"}, "SalesTermRef": {"value": "1"}, "ParentRef": {"value": "6"}
    });
    let term = json!({"Id": "1", "Type": "STANDARD", "DueDays": 30, "DayOfMonthDue": 15});
    let time = "2026-04-24T09:00:00.000-07:00";
    let page = |rows: Value| json!({"QueryResponse": rows, "time": time});
    let good = [
        (
            Ask::All(Dataset::Invoices),
            vec![
                page(json!({"Invoice": [form("1", "01"), form("4", "02")], "maxResults": 2})),
                page(json!({"totalCount": 3})),
                page(json!({"Invoice": [form("4", "02"), form("5", "03")]})),
                page(json!({"Invoice": [form("5", "03")]})),
                page(json!({})),
            ],
        ),
        (
            Ask::All(Dataset::Payments),
            vec![page(json!({"Payment": [payment]}))],
        ),
        (
            Ask::All(Dataset::JournalEntries),
            vec![page(json!({"JournalEntry": [entry]}))],
        ),
        (
            Ask::Changed(Dataset::Customers),
            vec![page(json!({"Customer": [customer]}))],
        ),
        (
            Ask::All(Dataset::Terms),
            vec![page(json!({"Term": [term]}))],
        ),
        (
            Ask::Other(CHANGES),
            vec![
                json!({"CDCResponse": [{"QueryResponse": [{"Invoice": [form("1", "01"),
                {"Id": "9", "status": "Deleted"}], "CreditMemo": [form("8", "01")],
                "Payment": [payment], "JournalEntry": [entry], "Term": [term],
                "Account": [{"Id": "84", "AccountType": "Accounts Receivable"}]}]}], "time": time}),
            ],
        ),
        (
            Ask::Other(CUSTOMER),
            vec![json!({"BatchItemResponse": [
                {"bId": "0", "QueryResponse": {"Customer": [customer]}},
                {"bId": "1", "QueryResponse": {"Invoice": [form("1", "01")]}},
                {"bId": "2", "QueryResponse": {}}, {"bId": "3", "QueryResponse": {}},
                {"bId": "4", "QueryResponse": {}}, {"bId": "5", "QueryResponse": {}}], "time": time})],
        ),
        (
            Ask::Other(ORGANIZATION),
            vec![
                json!({"CompanyInfo": {"CompanyName": "Books"}, "time": time}),
                json!({"Preferences": {"CurrencyPrefs": {"HomeCurrency": {"value": "USD"},
                    "MultiCurrencyEnabled": true}}, "time": time}),
            ],
        ),
    ];
    let refusals = [
        r#"{"Fault":{"Error":[{"Message":"m","Detail":"d","code":"3200"}],"type":"AUTHENTICATION"},"time":"2026-04-24T09:00:00-07:00"}"#,
        r#"400
{"Fault":{"Error":[{"Message":"message=x; errorCode=003001; statusCode=403","code":""}],"type":"SystemFault"}}"#,
        r#"401
<?xml version="1.0"?><IntuitResponse time="2026-04-24T09:00:00-07:00"><Fault type="AUTHENTICATION"><Error code="3200"><Message>m</Message><Detail>changedSince</Detail></Error></Fault></IntuitResponse>"#,
        "429;Retry-After: 12\n",
        "500\n<html>sorry</html>",
    ];
    all(ProviderKind::QuickBooks, &good, &refusals)
}

pub(super) fn xero_seeds() -> Vec<Vec<u8>> {
    let contact = json!({"ContactID": "7", "Name": "Acme"});
    let day = "/Date(1776297600000+0000)/";
    let line = json!({"Description": "a line", "ItemCode": "A", "Item": {"ItemID": "i", "Name": "Hose"},
        "Quantity": 4, "UnitAmount": 23, "LineAmount": 92, "TaxAmount": 8});
    let form = |id: &str, kind: &str| {
        json!({
            id: "x1", "Type": kind, "Status": "AUTHORISED", "InvoiceNumber": "1", "Contact": contact,
            "DateString": "2026-04-14T00:00:00", "Date": day, "DueDate": day, "Total": 92,
            "LineAmountTypes": "Inclusive", "LineItems": [line], "TotalTax": 8, "AmountDue": 1,
            "RemainingCredit": 2, "CurrencyCode": "EUR", "CurrencyRate": 1, "UpdatedDateUTC": day,
            "Allocations": [{"Amount": 5, "Date": day, "Invoice": {"InvoiceID": "i2"}}]
        })
    };
    let payment = json!({
        "PaymentID": "p1", "PaymentType": "ACCRECPAYMENT", "Status": "AUTHORISED", "Date": day,
        "Amount": 5, "CurrencyRate": 1, "UpdatedDateUTC": day,
        "Invoice": {"InvoiceID": "x1", "Contact": contact, "CurrencyCode": "EUR"}
    });
    let full_contact = json!({
        "ContactID": "7", "ContactStatus": "ACTIVE", "Name": "Acme", "EmailAddress": "a@example.com",
        "DefaultCurrency": "EUR", "UpdatedDateUTC": day,
        "PaymentTerms": {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}},
        "Balances": {"AccountsReceivable": {"Outstanding": 1.5}}
    });
    let page = |name: &str, rows: Value| {
        json!({"Status": "OK", "DateTimeUTC": "/Date(1777032244663)/", name: rows,
            "pagination": {"page": 1, "pageSize": 2, "pageCount": 2, "itemCount": 3}})
    };
    let invoice = form("InvoiceID", "ACCREC");
    let contacts = page("Contacts", json!([full_contact]));
    let good = [
        (
            Ask::All(Dataset::Invoices),
            vec![
                page(
                    "Invoices",
                    json!([invoice, form("InvoiceID", "ACCRECCREDIT")]),
                ),
                page("Invoices", json!([invoice])),
                page("Invoices", json!([])),
            ],
        ),
        (
            Ask::Changed(Dataset::Invoices),
            vec![page("Invoices", json!([invoice])), contacts.clone()],
        ),
        (Ask::All(Dataset::Customers), vec![contacts.clone()]),
        (
            Ask::All(Dataset::Payments),
            vec![page("Payments", json!([payment]))],
        ),
        (
            Ask::All(Dataset::CreditNotes),
            vec![page(
                "CreditNotes",
                json!([form("CreditNoteID", "ACCRECCREDIT")]),
            )],
        ),
        (
            Ask::All(Dataset::Items),
            vec![page(
                "Items",
                json!([{"ItemID": "i", "Code": "A", "Name": "Hose"}]),
            )],
        ),
        (
            Ask::Other(CUSTOMER),
            vec![contacts, page("Invoices", json!([invoice]))],
        ),
        (
            Ask::Other(ORGANIZATION),
            vec![page(
                "Organisations",
                json!([{"Name": "Books", "BaseCurrency": "USD",
                "ShortCode": "!23eYt", "Timezone": "UTC", "OrganisationID": "o"}]),
            )],
        ),
        (
            Ask::Other(ORGANIZATIONS),
            vec![
                json!([{"id": "c", "tenantId": "books/1", "tenantType": "ORGANISATION",
                "tenantName": "Books"}]),
            ],
        ),
    ];
    let refusals = [
        "304\n",
        r#"401
{"Type":null,"Title":"Unauthorized","Status":401,"Detail":"TokenExpired: token expired at 04/24/2026"}"#,
        r#"403
{"title":"Forbidden","status":403,"detail":"AuthenticationUnsuccessful"}"#,
        "429;Retry-After: 12;X-Rate-Limit-Problem: day\n",
        "503\nThe Organisation is offline",
    ];
    all(ProviderKind::Xero, &good, &refusals)
}

pub(super) fn sage_seeds() -> Vec<Vec<u8>> {
    let to = |id: &str| json!({"id": id, "displayed_as": "so shown", "$path": format!("/x/{id}")});
    let artefact = |id: &str| {
        json!({
            "id": id, "displayed_as": "SI-1", "invoice_number": "SI-1", "contact": to("7"),
            "date": "2026-04-01", "due_date": "2026-05-01", "status": to("UNPAID"),
            "total_amount": "120.0", "tax_amount": "20.0", "outstanding_amount": "120.0",
            "currency": to("EUR"), "exchange_rate": "1.1", "base_currency_total_amount": "132.0",
            "created_at": "2026-04-01T08:00:00Z", "updated_at": "2026-04-02T08:00:00Z",
            "invoice_lines": [{"description": "Bolts", "displayed_as": "Bolt", "product": to("p"),
                "quantity": "3.0", "unit_price": "25.0", "net_amount": "75.0"}]
        })
    };
    let page = |rows: Value, total: u32| json!({"$items": rows, "$total": total, "$page": 1, "$items_per_page": 2, "$next": null});
    let contact = json!({
        "id": "7", "displayed_as": "Acme", "name": "Acme", "reference": "A1", "balance": "1.5",
        "credit_limit": "500.0", "credit_days": 30, "contact_types": [to("CUSTOMER")],
        "currency": to("EUR"), "email": "a@example.com", "updated_at": "2026-04-02T08:00:00Z",
        "created_at": "2026-04-02T08:00:00Z", "deleted_at": null
    });
    let payment = json!({
        "id": "p", "displayed_as": "p", "contact": to("7"), "date": "2026-04-03", "total_amount": "50.0",
        "transaction_type": to("CUSTOMER_RECEIPT"), "currency": to("EUR"),
        "updated_at": "2026-04-03T08:00:00Z", "created_at": "2026-04-03T08:00:00Z",
        "allocated_artefacts": [{"id": "aa", "artefact": to("1"), "amount": "50.0", "discount": "0.0"}],
        "payment_on_account": {"id": "poa", "outstanding_amount": "1.0"}
    });
    let settings = json!({"default_settings": {}, "customer_credit_days": 30,
        "credit_days": 30, "terms_and_conditions": null});
    let good = [
        (
            Ask::All(Dataset::Invoices),
            vec![
                page(json!([artefact("1"), artefact("2")]), 3),
                page(json!([artefact("3")]), 3),
                page(json!([]), 0),
            ],
        ),
        (
            Ask::Changed(Dataset::Invoices),
            vec![page(json!([artefact("1")]), 1)],
        ),
        (
            Ask::All(Dataset::Customers),
            vec![
                settings.clone(),
                page(json!([contact]), 1),
                page(json!([contact]), 1),
            ],
        ),
        (
            Ask::Changed(Dataset::Customers),
            vec![settings.clone(), page(json!([contact]), 1), contact.clone()],
        ),
        (Ask::All(Dataset::Payments), vec![page(json!([payment]), 1)]),
        (
            Ask::All(Dataset::CreditNotes),
            vec![page(json!([artefact("9")]), 1)],
        ),
        (
            Ask::Other(CUSTOMER),
            vec![contact, settings, page(json!([artefact("1")]), 1)],
        ),
        (
            Ask::Other(ORGANIZATION),
            vec![
                json!({"id": "b", "displayed_as": "Books", "name": "Books"}),
                json!({"base_currency": to("USD"), "multi_currency_enabled": true}),
            ],
        ),
        (
            Ask::Other(ORGANIZATIONS),
            vec![page(json!([{"id": "b", "displayed_as": "Books"}]), 1)],
        ),
    ];
    let refusals = [
        r#"401
[{"$severity":"error","$dataCode":"AuthorizationFailure","$message":"m (MSE)","$source":""}]"#,
        r#"403
[{"$dataCode":"MultiUserAccessDenied","$message":"m"}]"#,
        "429;Retry-After: Mon, 24 Apr 2026 16:01:30 GMT\n[]",
        "525\n",
        "500\n",
    ];
    all(ProviderKind::Sage, &good, &refusals)
}

pub(super) fn tryton_seeds() -> Vec<Vec<u8>> {
    let decimal = |text: &str| json!({"__class__": "Decimal", "decimal": text});
    let day = json!({"__class__": "date", "year": 2026, "month": 4, "day": 1});
    let moment = json!({"__class__": "datetime", "year": 2026, "month": 4, "day": 2, "hour": 8,
        "minute": 0, "second": 0, "microsecond": 1});
    let line = |id: u32| {
        json!({
            "id": id, "debit": decimal("120.00"), "credit": decimal("0"), "date": day, "party": 7,
            "maturity_date": day, "move": 3, "move_origin": "account.invoice,1",
            "amount_second_currency": null, "second_currency.": null, "journal.": {"id": 1, "type": "revenue"},
            "account.": {"id": 1, "type.": {"id": 1, "receivable": true}},
            "reconciliation.": {"id": 1, "lines.": [{"id": 9, "debit": decimal("0"),
                "credit": decimal("120.00"), "date": day, "party": 7, "move": 4,
                "journal.": {"id": 2, "type": "cash"}}]}
        })
    };
    let undotted = |value: &Value| {
        let text = value.to_string().replace(".\":", "\":");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    let invoice = |id: u32| {
        undotted(&json!({
            "id": id, "number": "1", "reference": null, "state": "posted", "party": 7,
            "currency": {"id": 1, "code": "USD"}, "invoice_date": day, "total_amount": decimal("120.00"),
            "tax_amount": decimal("20.00"), "amount_to_pay": decimal("0.00"), "move": 3,
            "additional_moves": [], "create_date": moment, "write_date": moment,
            "lines": [{"id": 1, "type": "line", "product": {"id": 1, "name": "Hose"},
                "description": "a hose", "quantity": 4, "unit_price": decimal("25"),
                "amount": decimal("100.00")}],
            "lines_to_pay": [line(5)], "payment_lines": []
        }))
    };
    let entry = undotted(&json!({"id": 3, "number": "3", "date": day, "origin": null,
        "lines": [line(5), line(6)], "create_date": moment, "write_date": moment}));
    let party = json!({"id": 7, "name": "Acme", "code": "A", "email": null, "active": true,
        "tax_identifier": {"id": 1, "code": "DE1"}, "currency": {"id": 1, "code": "USD"},
        "receivable": decimal("1.5"), "credit_limit_amount": decimal("500"),
        "create_date": moment, "write_date": moment});
    let good = [
        (
            Ask::All(Dataset::Invoices),
            vec![
                json!([invoice(1), invoice(2)]),
                json!([invoice(3)]),
                json!([]),
            ],
        ),
        (
            Ask::Changed(Dataset::Invoices),
            vec![json!([invoice(1)]), json!([])],
        ),
        (
            Ask::All(Dataset::JournalEntries),
            vec![json!([entry]), json!([])],
        ),
        (Ask::All(Dataset::Customers), vec![json!([party])]),
        (
            Ask::Changed(Dataset::Customers),
            vec![
                json!([party]),
                json!([{"id": 5, "party": 7}]),
                json!([party]),
            ],
        ),
        (
            Ask::All(Dataset::Items),
            vec![json!([{"id": 1, "name": "Hose", "code": "A"}])],
        ),
        (
            Ask::Other(CUSTOMER),
            vec![party, json!([invoice(1)]), json!([entry]), json!([])],
        ),
        (
            Ask::Other(ORGANIZATION),
            vec![
                json!({"id": 1, "rec_name": "Books", "party": {"id": 1, "name": "Books"},
                "currency": {"id": 1, "code": "USD"}}),
            ],
        ),
        (
            Ask::Other(ORGANIZATIONS),
            vec![json!([{"id": 1, "rec_name": "Books", "currency": {"id": 1, "code": "USD"}}])],
        ),
    ];
    all(
        ProviderKind::Tryton,
        &good,
        &["401\n", "403\n", "404\n", "429\n", "500\n<html>"],
    )
}
