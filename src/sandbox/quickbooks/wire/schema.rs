//! Which properties an entity has: anything else in a request is error 2010, in a query error 4001.
//!
//! The names are those of the vendor's published schema, less what only other regions or products
//! use.

use crate::sandbox::books::{Kind, List};

/// An entity that this server keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entity {
    /// A list of names.
    List(List),
    /// A kind of transaction.
    Kind(Kind),
}

impl Entity {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        List::ALL
            .into_iter()
            .map(Self::List)
            .chain(Kind::ALL.into_iter().map(Self::Kind))
    }

    /// By its name, in any spelling of its letters' case (paths use lower case).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::all().find(|entity| entity.name().eq_ignore_ascii_case(name))
    }

    /// Its name (`CreditMemo`).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List(list) => list.entity(),
            Self::Kind(kind) => kind.entity(),
        }
    }

    /// Whether pages of it carry `totalCount`. Recorded so, without a rule that would explain it.
    pub(crate) fn counts_pages(self) -> bool {
        matches!(
            self,
            Self::Kind(Kind::Invoice | Kind::JournalEntry | Kind::Deposit)
        )
    }

    /// Every property that it has.
    pub(crate) fn properties(self) -> Vec<&'static str> {
        let own: &[&[&'static str]] = match self {
            Self::List(List::Customer) => &[PARTY, CUSTOMER],
            Self::List(List::Vendor) => &[PARTY, VENDOR],
            Self::List(List::Item) => &[ITEM],
            Self::List(List::Term) => &[TERM],
            Self::List(List::Account) => &[ACCOUNT],
            Self::Kind(Kind::Invoice) => &[TRANSACTION, SALE, INVOICE],
            Self::Kind(Kind::CreditMemo | Kind::SalesReceipt | Kind::RefundReceipt) => {
                &[TRANSACTION, SALE, CREDIT]
            }
            Self::Kind(Kind::Payment) => &[TRANSACTION, PAYMENT],
            Self::Kind(Kind::JournalEntry) => &[TRANSACTION, JOURNAL_ENTRY],
            Self::Kind(Kind::Deposit) => &[TRANSACTION, DEPOSIT],
            Self::Kind(Kind::Purchase) => &[TRANSACTION, PURCHASE],
        };
        let mut properties = COMMON.to_vec();
        for list in own {
            properties.extend_from_slice(list);
        }
        properties
    }
}

/// Entities of the API that this server knows to exist, and of which its companies have none.
pub(crate) const EMPTY: &[&str] = &[
    "Attachable",
    "Bill",
    "BillPayment",
    "Budget",
    "Class",
    "CompanyCurrency",
    "CustomerType",
    "Department",
    "Employee",
    "Estimate",
    "ExchangeRate",
    "PaymentMethod",
    "PurchaseOrder",
    "TaxAgency",
    "TaxCode",
    "TaxRate",
    "TimeActivity",
    "Transfer",
    "VendorCredit",
];

/// Entities that change data capture does not cover.
pub(crate) const NOT_CAPTURED: &[&str] = &[
    "JournalCode",
    "TaxAgency",
    "TaxCode",
    "TaxRate",
    "TimeActivity",
];

#[rustfmt::skip]
const COMMON: &[&str] = &[
    "Id", "SyncToken", "MetaData", "CustomField", "AttachableRef", "domain", "status", "sparse",
];

#[rustfmt::skip]
const PARTY: &[&str] = &[
    "IntuitId", "Organization", "Title", "GivenName", "MiddleName", "FamilyName", "Suffix",
    "FullyQualifiedName", "CompanyName", "DisplayName", "PrintOnCheckName", "UserId", "Active",
    "V4IDPseudonym", "PrimaryPhone", "AlternatePhone", "Mobile", "Fax", "PrimaryEmailAddr",
    "WebAddr", "OtherContactInfo", "DefaultTaxCodeRef", "BillAddr", "ShipAddr", "OtherAddr",
    "ContactName", "AltContactName", "Notes", "ParentRef", "Balance", "OpenBalanceDate",
    "CreditLimit", "AcctNum", "CurrencyRef", "TDSEnabled", "BusinessNumber", "GSTIN",
    "GSTRegistrationType", "Source",
];

#[rustfmt::skip]
const CUSTOMER: &[&str] = &[
    "Taxable", "Job", "BillWithParent", "RootCustomerRef", "Level", "CustomerTypeRef",
    "SalesTermRef", "SalesRepRef", "TaxGroupCodeRef", "TaxRateRef", "PaymentMethodRef", "CCDetail",
    "PriceLevelRef", "BalanceWithJobs", "OverDueBalance", "TotalRevenue", "TotalExpense",
    "PreferredDeliveryMethod", "ResaleNum", "JobInfo", "CustomerEx", "SecondaryTaxIdentifier",
    "ARAccountRef", "PrimaryTaxIdentifier", "TaxExemptionReasonId", "IsProject", "IsCISContractor",
    "ClientCompanyId", "ClientEntityId", "TaxRegime",
];

#[rustfmt::skip]
const VENDOR: &[&str] = &[
    "TaxCountry", "TaxIdentifier", "TaxIdEffectiveDate", "VendorTypeRef", "TermRef",
    "PrefillAccountRef", "BillRate", "Vendor1099", "T4AEligible", "T5018Eligible", "APAccountRef",
    "VendorEx", "HasTPAR", "VendorPaymentBankDetail", "CostRate", "CompanyRegistrationNumber",
];

#[rustfmt::skip]
const ITEM: &[&str] = &[
    "Name", "Sku", "Description", "Active", "SubItem", "ParentRef", "Level", "FullyQualifiedName",
    "Taxable", "SalesTaxIncluded", "PercentBased", "UnitPrice", "RatePercent", "Type",
    "PaymentMethodRef", "UOMSetRef", "IncomeAccountRef", "PurchaseDesc", "PurchaseTaxIncluded",
    "PurchaseCost", "ExpenseAccountRef", "COGSAccountRef", "AssetAccountRef", "PrefVendorRef",
    "AvgCost", "TrackQtyOnHand", "QtyOnHand", "ReorderPoint", "ManPartNum", "DepositToAccountRef",
    "SalesTaxCodeRef", "PurchaseTaxCodeRef", "InvStartDate", "PrintGroupedItems", "SpecialItem",
    "SpecialItemType", "ItemGroupDetail", "ItemAssemblyDetail", "AbatementRate",
    "ReverseChargeRate", "ServiceType", "ItemCategoryType", "ItemEx", "TaxClassificationRef",
    "ClassRef", "Source", "DeferredRevenue", "CustomExtensions",
];

#[rustfmt::skip]
const TERM: &[&str] = &[
    "Name", "Active", "Type", "DiscountPercent", "DueDays", "DiscountDays", "DayOfMonthDue",
    "DueNextMonthDays", "DiscountDayOfMonth", "SalesTermEx",
];

#[rustfmt::skip]
const ACCOUNT: &[&str] = &[
    "Name", "SubAccount", "ParentRef", "Description", "FullyQualifiedName", "AccountAlias",
    "TxnLocationType", "Active", "Classification", "AccountType", "AccountSubType", "AcctNum",
    "AcctNumExtn", "BankNum", "OpeningBalance", "OpeningBalanceDate", "CurrentBalance",
    "CurrentBalanceWithSubAccounts", "CurrencyRef", "TaxAccount", "TaxCodeRef",
    "OnlineBankingEnabled", "FIName", "JournalCodeRef", "AccountEx",
];

#[rustfmt::skip]
const TRANSACTION: &[&str] = &[
    "DocNumber", "TxnDate", "TxnSubType", "DepartmentRef", "CurrencyRef", "ExchangeRate",
    "PrivateNote", "TxnStatus", "LinkedTxn", "Line", "TxnTaxDetail", "TxnSource", "TaxFormType",
    "TaxFormNum", "TransactionLocationType", "Tag", "TxnApprovalInfo", "RecurDataRef",
    "RecurringInfo", "ProjectRef", "TotalCostAmount", "HomeTotalCostAmount", "TotalAmt",
    "HomeTotalAmt", "GlobalTaxCalculation",
];

#[rustfmt::skip]
const SALE: &[&str] = &[
    "AutoDocNumber", "CustomerRef", "CustomerMemo", "BillAddr", "ShipAddr", "FreeFormAddress",
    "ShipFromAddr", "RemitToRef", "ClassRef", "SalesTermRef", "DueDate", "SalesRepRef", "PONumber",
    "FOB", "ShipMethodRef", "ShipDate", "TrackingNum", "ApplyTaxAfterDiscount",
    "ShippingTaxIncludedInTotalTax", "TemplateRef", "PrintStatus", "EmailStatus", "BillEmail",
    "BillEmailCc", "BillEmailBcc", "ARAccountRef", "Balance", "HomeBalance", "FinanceCharge",
    "PaymentMethodRef", "PaymentRefNum", "PaymentType", "CheckPayment", "CreditCardPayment",
    "DepositToAccountRef", "DeliveryInfo", "DiscountRate", "DiscountAmt", "GovtTxnRefIdentifier",
    "TaxExemptionRef", "LessCIS",
];

#[rustfmt::skip]
const INVOICE: &[&str] = &[
    "Deposit", "AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment",
    "AllowOnlineACHPayment", "AllowOnlinePayPalPayment", "AllowOnlineAffirmPayment",
    "EInvoiceStatus", "ECloudStatusTimeStamp", "CfdiUse", "Exportation", "GlobalInfo",
    "invoiceStatus", "callToAction", "invoiceStatusLog", "InvoiceEx", "InvoiceLink",
    "PaymentDetailsMessage", "ConvenienceFeeDetail",
];

#[rustfmt::skip]
const CREDIT: &[&str] = &[
    "RemainingCredit", "InvoiceRef", "CreditMemoEx", "RefundReceiptEx", "SalesReceiptEx",
];

#[rustfmt::skip]
const PAYMENT: &[&str] = &[
    "CustomerRef", "RemitToRef", "ARAccountRef", "DepositToAccountRef", "PaymentMethodRef",
    "PaymentRefNum", "PaymentType", "CheckPayment", "CreditCardPayment", "UnappliedAmt",
    "ProcessPayment", "PaymentExtendedType", "PaymentEx",
];

#[rustfmt::skip]
const JOURNAL_ENTRY: &[&str] = &[
    "Adjustment", "HomeCurrencyAdjustment", "EnteredInHomeCurrency", "JournalEntryEx",
];

#[rustfmt::skip]
const DEPOSIT: &[&str] = &[
    "DepositToAccountRef", "CashBack", "DepositEx",
];

#[rustfmt::skip]
const PURCHASE: &[&str] = &[
    "AccountRef", "PaymentMethodRef", "PaymentRefNum", "PaymentType", "CheckPayment",
    "CreditCardPayment", "EntityRef", "Credit", "RemitToAddr", "Memo", "PrintStatus", "PurchaseEx",
    "LessCIS",
];
