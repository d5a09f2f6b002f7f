//! Who asks, and what they may do.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::ids::{ContactId, SigningKeyId, TenantId, UserId};

/// What a person may do in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sells: sees the decision and, where the tenant lets them, the amounts.
    Rep,
    /// Looks after customers: sees everything.
    AccountManager,
    /// Owns the limits: sees everything, links customers, sets limits.
    Finance,
    /// May do everything that [`Self::Finance`] may.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 4] = [Self::Rep, Self::AccountManager, Self::Finance, Self::Admin];

    /// The word in tokens, in the store and on the command line (`account_manager`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::AccountManager => "account_manager",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }

    /// The role of a word made by [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// How sure it is that the CRM shows this record to this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The CRM signed it.
    Signed,
    /// The page asked for it; no one vouches.
    Requested,
}

impl Trust {
    /// A stable, lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Requested => "requested",
        }
    }
}

/// The person who asks, as the CRM vouched for them and as the tenant ranks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The tenant whose data they may see, and no other's.
    pub tenant: TenantId,
    /// The CRM scheme they came by (`native`, `pipedrive`).
    pub preset: Arc<str>,
    /// Their id in the CRM: the actor of what they write.
    pub user: UserId,
    /// Their name, where the CRM tells it.
    pub name: Option<Arc<str>>,
    /// What they may do.
    pub role: Role,
    /// The contact that the page shows.
    pub contact: Option<(ContactId, Trust)>,
    /// The contact's company.
    pub company: Option<(ContactId, Trust)>,
    /// The language of their page (BCP 47).
    pub locale: Option<Arc<str>>,
    /// When the token that they showed ends.
    pub session_expires_at: Timestamp,
    /// Until when they may go on without a fresh token of the CRM.
    pub session_hard_cap: Timestamp,
    /// Whether they may see amounts, and not only the decision and bands.
    pub sees_amounts: bool,
}

impl Viewer {
    /// Whether they may ask for a contact: where the CRM signed which one it shows, only for that
    /// one and for the company signed with it, else for any of their tenant's.
    pub fn may_ask_for(&self, contact: &ContactId) -> bool {
        let signed = |named: &Option<(ContactId, Trust)>| match named {
            Some((id, Trust::Signed)) => Some(id == contact),
            _ => None,
        };
        match signed(&self.contact) {
            Some(same) => same || signed(&self.company) == Some(true),
            None => true,
        }
    }

    /// Whether they may link contacts to customers.
    pub fn can_link(&self) -> bool {
        self.role >= Role::Finance
    }

    /// Whether they may see and do what another proof let them, whenever each of the two ends.
    pub fn is_still(&self, before: &Self) -> bool {
        let as_before = Self {
            session_expires_at: before.session_expires_at,
            ..self.clone()
        };
        as_before == *before
    }

    /// Whether they may set credit limits.
    pub fn can_set_limits(&self) -> bool {
        self.role >= Role::Finance
    }
}

/// Who a token proved, before the tenant had its say: what a session token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The tenant: of the key that verified, or of the signed account.
    pub tenant: TenantId,
    /// The scheme of the CRM.
    pub preset: Arc<str>,
    /// The signed account, where one key signs for all: by it the tenant was found, and is looked for
    /// again, since accounts move.
    pub account: Option<Arc<str>>,
    /// The person's id in the CRM.
    pub user: UserId,
    /// Their name.
    pub name: Option<Arc<str>>,
    /// Their role, where the CRM signed one.
    pub signed_role: Option<Role>,
    /// The contact that the page shows.
    pub contact: Option<(ContactId, Trust)>,
    /// The contact's company.
    pub company: Option<(ContactId, Trust)>,
    /// The language of their page (BCP 47).
    pub locale: Option<Arc<str>>,
    /// The record of the key that verified: when that ends, so does all that came of it.
    pub key: SigningKeyId,
    /// Until when the token is accepted.
    pub expires_at: Timestamp,
    /// Until when sessions that descend from it are accepted.
    pub hard_cap: Timestamp,
}

/// What a tenant says about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The role in the tenant's own map of users, if they are in it.
    pub mapped_role: Option<Role>,
    /// Whether the tenant lets its reps see amounts.
    pub reps_see_amounts: bool,
}

impl Identity {
    /// The viewer: the signed role counts first, then the tenant's map, and who has neither is a
    /// rep.
    pub fn viewer(&self, standing: Standing) -> Viewer {
        let role = self
            .signed_role
            .or(standing.mapped_role)
            .unwrap_or(Role::Rep);
        Viewer {
            tenant: self.tenant.clone(),
            preset: Arc::clone(&self.preset),
            user: self.user.clone(),
            name: self.name.clone(),
            role,
            contact: self.contact.clone(),
            company: self.company.clone(),
            locale: self.locale.clone(),
            session_expires_at: self.expires_at,
            session_hard_cap: self.hard_cap,
            sees_amounts: role > Role::Rep || standing.reps_see_amounts,
        }
    }

    /// Takes in the contact and company that a signed address names.
    #[must_use]
    pub fn with_signed(self, contact: Option<ContactId>, company: Option<ContactId>) -> Self {
        let signed = |id| (id, Trust::Signed);
        Self {
            contact: contact.map(signed).or(self.contact),
            company: company.map(signed).or(self.company),
            ..self
        }
    }

    /// Takes in what the page asks for: a contact and its company that the CRM did not sign.
    ///
    /// Where the CRM signed a contact, the page's wishes are not heard: it could otherwise name
    /// any company as this contact's and see that one's figures.
    #[must_use]
    pub fn with_requested(
        mut self,
        contact: Option<ContactId>,
        company: Option<ContactId>,
    ) -> Self {
        if matches!(self.contact, Some((_, Trust::Signed))) {
            return self;
        }
        if let Some(contact) = contact {
            self.contact = Some((contact, Trust::Requested));
        }
        if let (Some(company), None) = (company, &self.company) {
            self.company = Some((company, Trust::Requested));
        }
        self
    }
}
