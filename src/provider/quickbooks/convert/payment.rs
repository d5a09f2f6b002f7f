//! Payments, and what each one settles.
//!
//! A payment's lines are a bag of amounts, each linked to a document: to an invoice that is paid, or
//! to a credit that helps paying. Which credit paid which invoice is not said, so it is decided here
//! by one fixed rule: the credits are used up first, in the order of the lines, against what is
//! settled, in the order of the lines; the rest comes from the payment itself, and a credit that is
//! left over goes to the payment.
//!
//! With T the payment's total, C the credits and S what is settled, the payment so keeps exactly
//! `T + ΣC - ΣS`, whatever its sign. Nothing is clamped and QuickBooks' own `UnappliedAmt` is not
//! used as a figure: were T wrong by a cent, what the customer owes would be too, and the tie-out
//! would show it.

use rust_decimal::Decimal;

use super::{Context, Place, count_unknown, empty_record, shared_id, sided, state};
use crate::domain::document::{Application, Document, DocumentId, DocumentKind, Side};
use crate::domain::freshness::Dataset;
use crate::domain::ids::CustomerId;
use crate::domain::records::DocumentRecord;
use crate::provider::ProviderResult;
use crate::provider::quickbooks::scalar::same_word;
use crate::provider::quickbooks::wire::{LinkedTransaction, Payment, Reference};

/// More links of unclear side in one payment than this are all taken as settled documents: telling
/// them apart takes time that doubles with each.
const UNCLEAR_AT_MOST: usize = 12;

/// The document of a payment with its applications.
pub(super) fn document(context: &Context<'_>, row: &Payment) -> ProviderResult<DocumentRecord> {
    let place = Place {
        entity: "Payment",
        id: &row.id,
    };
    let changed_at = context.changed_at(place, row)?;
    let mut record = empty_record(Dataset::Payments, row, changed_at);
    let Some(customer) = Reference::id(row.customer_ref.as_ref()).map(CustomerId::from) else {
        return Ok(record);
    };
    let issued_on = place.required("TxnDate", row.txn_date)?;
    let stated_total = place.required("TotalAmt", row.total_amt)?;
    let (total, side) = sided(stated_total, Side::Credit);
    let currency = context.currency(place, row.currency_ref.as_ref())?;
    let number = [&row.reference_number, &row.doc_number];
    let id = DocumentId::new(DocumentKind::Payment, row.id.as_str());

    let links = links(place, row, &customer)?;
    let (credits, settled) = sides(links, stated_total, row.unapplied_amt);
    record.applications = pair(&id, credits, settled)
        .into_iter()
        .map(|(from, to, amount)| Application {
            carrier: id.clone(),
            from,
            to,
            amount,
            applied_on: issued_on,
        })
        .collect();
    record.documents.push(Document {
        id,
        customer,
        number: number
            .into_iter()
            .flatten()
            .next()
            .map(|n| n.as_str().into()),
        issued_on,
        due_on: None,
        currency,
        exchange_rate: context.exchange_rate(currency, row.exchange_rate),
        total,
        tax: Decimal::ZERO,
        side,
        state: state(stated_total, row.private_note.as_deref()),
        lines: Vec::new(),
        ledger_open: row.unapplied_amt,
        changed_at,
    });
    Ok(record)
}

/// Which side of the payment a linked document stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It helps paying.
    Credit,
    /// It is paid.
    Settled,
    /// The link alone does not tell.
    Unclear,
}

struct Link {
    role: Role,
    kind: LinkKind,
    amount: Decimal,
}

/// What a link points at. A document of a kind that cannot be read still takes or gives money, so it
/// keeps a place: its id names the kind, and no document will ever answer to it.
enum LinkKind {
    Document(DocumentId),
    Unreadable(String),
}

impl Link {
    fn target(self, role: Role) -> (DocumentId, Decimal) {
        let id = match (self.kind, role) {
            (LinkKind::Document(id), _) => id,
            (LinkKind::Unreadable(id), Role::Credit) => {
                DocumentId::new(DocumentKind::CreditNote, id)
            }
            (LinkKind::Unreadable(id), _) => DocumentId::new(DocumentKind::Invoice, id),
        };
        (id, self.amount)
    }
}

fn links(place: Place<'_>, row: &Payment, customer: &CustomerId) -> ProviderResult<Vec<Link>> {
    let mut links = Vec::with_capacity(row.line.len());
    for (index, line) in row.line.iter().enumerate() {
        // A line has one link. Were there more, the amount could not be told apart.
        let Some(linked) = line.linked_txn.first() else {
            continue;
        };
        let amount = place.required(&format!("Line[{index}].Amount"), line.amount)?;
        let (role, kind) = target(place, index, linked, customer)?;
        if !amount.is_zero() {
            let amount = if role == Role::Credit {
                amount.abs()
            } else {
                amount
            };
            links.push(Link { role, kind, amount });
        }
    }
    Ok(links)
}

fn target(
    place: Place<'_>,
    index: usize,
    linked: &LinkedTransaction,
    customer: &CustomerId,
) -> ProviderResult<(Role, LinkKind)> {
    let field = |name: &str| format!("Line[{index}].LinkedTxn[0].{name}");
    let id = place.required(&field("TxnId"), linked.txn_id.as_deref())?;
    let word = place.required(&field("TxnType"), linked.txn_type.as_deref())?;
    let shared = |kind| LinkKind::Document(shared_id(kind, id, customer));
    let own = |kind| LinkKind::Document(DocumentId::new(kind, id));
    let is = |name| same_word(word, name);
    Ok(if is("Invoice") {
        (Role::Settled, own(DocumentKind::Invoice))
    } else if is("CreditMemo") {
        (Role::Credit, own(DocumentKind::CreditNote))
    } else if is("JournalEntry") {
        (Role::Unclear, shared(DocumentKind::JournalEntry))
    } else if is("Deposit") {
        (Role::Credit, shared(DocumentKind::Deposit))
    } else if is("CreditCardCredit") {
        (Role::Credit, shared(DocumentKind::Expense))
    } else if is("Expense") || is("Check") || is("Purchase") {
        (Role::Settled, shared(DocumentKind::Expense))
    } else {
        let role = if is("StatementCharge") {
            Role::Settled
        } else if is("ChargeCredit") {
            Role::Credit
        } else {
            count_unknown("LinkedTxn.TxnType", word);
            Role::Unclear
        };
        (role, LinkKind::Unreadable(format!("{word}#{id}")))
    })
}

type Share = (DocumentId, Decimal);

/// Parts the links into credits and settled documents. A journal entry may be either; the sides are
/// then those that agree with QuickBooks' own unapplied amount, with as few credits as possible, and
/// settled where none agree.
fn sides(links: Vec<Link>, total: Decimal, unapplied: Option<Decimal>) -> (Vec<Share>, Vec<Share>) {
    let unclear: Vec<Decimal> = links
        .iter()
        .filter(|link| link.role == Role::Unclear)
        .map(|link| link.amount)
        .collect();
    let kept_if_all_settled = links.iter().fold(total, |kept, link| match link.role {
        Role::Credit => kept + link.amount,
        Role::Settled | Role::Unclear => kept - link.amount,
    });
    // A link that turns from settled to credit moves what is kept by twice its amount.
    let chosen = match unapplied {
        Some(unapplied) if unclear.len() <= UNCLEAR_AT_MOST => {
            choose(&unclear, (unapplied - kept_if_all_settled) / Decimal::TWO)
        }
        _ => Vec::new(),
    };

    let (mut credits, mut settled) = (Vec::new(), Vec::new());
    let mut nth_unclear = 0;
    for link in links {
        let role = match link.role {
            Role::Unclear => {
                let is_credit = chosen.contains(&nth_unclear);
                nth_unclear += 1;
                if is_credit {
                    Role::Credit
                } else {
                    Role::Settled
                }
            }
            role => role,
        };
        let side = if role == Role::Credit {
            &mut credits
        } else {
            &mut settled
        };
        side.push(link.target(role));
    }
    (credits, settled)
}

/// The places of the fewest amounts that sum up to the target; none if no amounts do.
fn choose(amounts: &[Decimal], target: Decimal) -> Vec<usize> {
    (0..1_u32 << amounts.len())
        .map(|set| -> Vec<usize> {
            let places = 0..amounts.len();
            places.filter(|place| set >> place & 1 == 1).collect()
        })
        .filter(|places| places.iter().map(|&place| amounts[place]).sum::<Decimal>() == target)
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

/// Pairs credits with what they settle, by the rule at the head of this file.
fn pair(
    payment: &DocumentId,
    credits: Vec<Share>,
    settled: Vec<Share>,
) -> Vec<(DocumentId, DocumentId, Decimal)> {
    let mut pairs: Vec<(DocumentId, DocumentId, Decimal)> = Vec::new();
    let mut add = |from: &DocumentId, to: &DocumentId, amount: Decimal| {
        if amount.is_zero() {
            return;
        }
        match pairs.iter_mut().find(|(f, t, _)| f == from && t == to) {
            Some((_, _, sum)) => *sum += amount,
            None => pairs.push((from.clone(), to.clone(), amount)),
        }
    };
    let mut credits = credits.into_iter().peekable();
    for (to, mut open) in settled {
        while open > Decimal::ZERO
            && let Some((from, left)) = credits.peek_mut()
        {
            let used = open.min(*left);
            add(from, &to, used);
            open -= used;
            *left -= used;
            if left.is_zero() {
                credits.next();
            }
        }
        add(payment, &to, open);
    }
    for (from, left) in credits {
        add(&from, payment, left);
    }
    pairs
}
