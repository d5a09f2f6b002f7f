//! Which record of the books an id of 32 hexadecimal digits stands for.

use crate::sandbox::books::Id;
use crate::sandbox::guid::Guid;

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum Tag {
    Business,
    Contact,
    /// A contact's address: 0 the main one, 1 the one for deliveries.
    Address,
    Person,
    /// A product, service or stock item.
    Item,
    Price,
    PriceType,
    Invoice,
    CreditNote,
    /// A line of an invoice or credit note.
    Line,
    QuickEntry,
    OpeningBalance,
    /// A receipt or refund.
    Payment,
    /// What a receipt or refund has left.
    OnAccount,
    /// A payment's line about a document.
    Allocated,
    Allocation,
    Transaction,
    BankAccount,
    LedgerAccount,
    TaxRate,
}

impl Tag {
    const ALL: [Self; 20] = [
        Self::Business,
        Self::Contact,
        Self::Address,
        Self::Person,
        Self::Item,
        Self::Price,
        Self::PriceType,
        Self::Invoice,
        Self::CreditNote,
        Self::Line,
        Self::QuickEntry,
        Self::OpeningBalance,
        Self::Payment,
        Self::OnAccount,
        Self::Allocated,
        Self::Allocation,
        Self::Transaction,
        Self::BankAccount,
        Self::LedgerAccount,
        Self::TaxRate,
    ];
}

/// A record's place in the books, or in what is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) tag: Tag,
    pub(super) id: Id,
    /// The line of a posting, from 1 on; 0 for a whole document.
    pub(super) part: u64,
}

impl Key {
    /// Of a whole record.
    pub(super) fn of(tag: Tag, id: Id) -> Self {
        Self { tag, id, part: 0 }
    }

    /// Of something inside a record.
    pub(super) fn part(tag: Tag, id: Id, part: usize) -> Self {
        Self {
            tag,
            id,
            part: u64::try_from(part).unwrap_or_default(),
        }
    }

    /// Of what a line, counted from 0, stands for.
    pub(super) fn line(tag: Tag, id: Id, line: usize) -> Self {
        Self::part(tag, id, line + 1)
    }

    /// The line that it stands for, counted from 0.
    pub(super) fn at(self) -> Option<usize> {
        usize::try_from(self.part.checked_sub(1)?).ok()
    }

    /// The same place under another tag.
    pub(super) fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// As 32 digits, in a company.
    pub(super) fn text(self, realm: &str) -> String {
        let guid = Guid {
            kind: self.tag as u8,
            id: self.id,
            part: self.part,
            turn: 0,
        };
        format!("{:032x}", guid.bits(realm))
    }

    /// Read back, if it is of this company.
    pub(super) fn parse(text: &str, realm: &str) -> Option<Self> {
        let guid = Guid::parse(text, realm)?;
        let tag = *Tag::ALL.get(usize::from(guid.kind))?;
        (guid.turn == 0).then_some(Self {
            tag,
            id: guid.id,
            part: guid.part,
        })
    }
}

/// A company's id.
pub(crate) fn business_id(realm: &str) -> String {
    Key::of(Tag::Business, 0).text(realm)
}

/// A customer's id.
pub(crate) fn contact_id(realm: &str, customer: Id) -> String {
    Key::of(Tag::Contact, customer).text(realm)
}
