//! What a payment of the books comes to: there its lines name debts and credits side by side, here money
//! is a receipt, and a credit set against a debt is an allocation or a refund.

use rust_decimal::Decimal;

use super::key::{Key, Tag};
use crate::sandbox::books::{Books, Detail, Document, Id, Kind, OnAccount, Side};

/// What an opening balance is called in the books, which have no other sign of one.
const OPENING: &str = "opening balance";

/// One debt settled by one credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) debt: Key,
    pub(super) credit: Key,
    pub(super) amount: Decimal,
}

/// What a payment comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// What its money settles at once.
    pub(super) settled: Vec<(Key, Decimal)>,
    /// What credits settle, its own money on account among them. A debt may be a refund.
    pub(super) pairs: Vec<Pair>,
    /// What of its money went on account; some of it may have been used since.
    pub(super) on_account: Decimal,
}

impl Split {
    /// The lines of the allocation: debts with their amounts, then credits with theirs negated. The sum
    /// is zero.
    pub(super) fn allocated(&self) -> Vec<(Key, Decimal)> {
        let pairs = || self.pairs.iter().filter(|pair| !is_refund(pair.debt));
        let mut lines: Vec<(Key, Decimal)> = Vec::new();
        let debts = pairs().map(|pair| (pair.debt, pair.amount));
        let credits = pairs().map(|pair| (pair.credit, -pair.amount));
        for (key, amount) in debts.chain(credits) {
            match lines.iter_mut().find(|(known, _)| *known == key) {
                Some((_, sum)) => *sum += amount,
                None => lines.push((key, amount)),
            }
        }
        lines
    }

    /// Whether there is an allocation.
    pub(super) fn allocates(&self) -> bool {
        self.pairs.iter().any(|pair| !is_refund(pair.debt))
    }
}

/// Only a refund can be a payment that is owed for.
fn is_refund(debt: Key) -> bool {
    debt.tag == Tag::Payment
}

/// What a line of a journal entry, deposit or expense stands for, if it is on receivables: a quick entry
/// or opening balance, or money that came in or went out without a document.
pub(super) fn posting(books: &Books, document: &Document, line: usize) -> Option<(Key, Side)> {
    let posted = document.lines.get(line)?;
    let Detail::Posting {
        account,
        side,
        customer: Some(_),
        ..
    } = posted.detail
    else {
        return None;
    };
    let tag = match document.kind {
        Kind::JournalEntry => {
            let words = [posted.description.as_deref(), document.note.as_deref()];
            let is_opening = |words: &&str| {
                words
                    .get(..OPENING.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(OPENING))
            };
            if words.iter().flatten().any(is_opening) {
                Tag::OpeningBalance
            } else {
                Tag::QuickEntry
            }
        }
        Kind::Deposit | Kind::Purchase => Tag::Payment,
        _ => return None,
    };
    books
        .is_receivable(account)
        .then(|| (Key::line(tag, document.id, line), side))
}

/// What a payment's line is about, and whether that is a debt or a credit.
fn target(books: &Books, kind: Kind, to: Id, line: Option<usize>) -> Option<(Key, Side)> {
    match kind {
        Kind::Invoice => Some((Key::of(Tag::Invoice, to), Side::Debit)),
        Kind::CreditMemo => Some((Key::of(Tag::CreditNote, to), Side::Credit)),
        _ => {
            let document = books.document(kind, to).or_else(|| {
                let mut gone = books.tombstones().iter();
                gone.find(|gone| gone.kind == kind && gone.id == to)
                    .map(|gone| &*gone.document)
            })?;
            let (key, side) = posting(books, document, line?)?;
            // Not the money itself is set against debts, but what of it is on account.
            Some(match (key.tag, side) {
                (Tag::Payment, Side::Credit) => (key.tagged(Tag::OnAccount), side),
                _ => (key, side),
            })
        }
    }
}

/// What a payment comes to. Refunds take the credits first, then the other debts in their order; what
/// is left of these the money settles.
pub(super) fn split(books: &Books, payment: &Document) -> Split {
    let mut split = Split::default();
    let mut credits: Vec<(Key, Decimal)> = Vec::new();
    let mut debts: Vec<(Key, Decimal)> = Vec::new();
    for line in &payment.lines {
        let Detail::Applied { kind, to, line: at } = line.detail else {
            continue;
        };
        match target(books, kind, to, at) {
            Some((key, Side::Debit)) => debts.push((key, line.amount)),
            Some((key, Side::Credit)) => credits.push((key, line.amount)),
            None => {}
        }
    }
    debts.sort_by_key(|(key, _)| !is_refund(*key));
    let mut credits = credits.into_iter();
    let mut credit = credits.next();
    let own = Key::of(Tag::OnAccount, payment.id);
    for (debt, mut owed) in debts {
        while let Some((with, left)) = &mut credit
            && !owed.is_zero()
        {
            let amount = owed.min(*left);
            split.pairs.push(Pair {
                debt,
                credit: *with,
                amount,
            });
            owed -= amount;
            *left -= amount;
            if left.is_zero() {
                credit = credits.next();
            }
        }
        if owed.is_zero() {
            continue;
        }
        // Money that came ahead was on account before it settled anything, and so is money paid back.
        if is_refund(debt) || payment.on_account == OnAccount::Ahead {
            split.pairs.push(Pair {
                debt,
                credit: own,
                amount: owed,
            });
        } else {
            split.settled.push((debt, owed));
        }
    }
    split.pairs.retain(|pair| !pair.amount.is_zero());
    let settled: Decimal = split.settled.iter().map(|(_, amount)| *amount).sum();
    split.on_account = payment.total - settled;
    split
}

/// The payments whose lines are about a document, each once.
pub(super) fn payments_on(document: &Document) -> Vec<Id> {
    let mut payments: Vec<Id> = document
        .links
        .iter()
        .filter(|(kind, _)| *kind == Kind::Payment)
        .map(|(_, id)| *id)
        .collect();
    payments.sort_unstable();
    payments.dedup();
    payments
}
