//! Who asks: CRM tokens, the schemes that sign them, and our own sessions.
//!
//! A CRM loads the page with a token that it signed. [`Verifier::verify`] checks it under the keys
//! registered for its scheme ([`Preset`]) and says who it proves; [`Sessions`] turns that into one
//! short token of ours, the only kind that the rest of the program knows; [`VerifiedTokens`] spares
//! the hot path from verifying it twice.
//!
//! The rules, and nothing is lenient about them:
//!
//! * compact form only, strictly read ([`jws`]); nothing in a token chooses how it is verified: the
//!   algorithm is the key record's, and keys never come from the token;
//! * the tenant comes from the key that verified, or from a signed account that is registered;
//! * `exp` always, and a bound on the whole life; `iss`, `aud` and `iat` where the scheme has them;
//! * whatever the cause, the outside gets one answer ([`Refusal::OUTWARD`]).
//!
//! This layer does no storage. Whoever calls it loads the [keys](crate::domain::signing_key), counts how
//! often a token is shown (under [`VerifiedClaims::use_key`]) and looks up accounts and roles.

mod claims;
mod fetch;
mod install;
mod jwks;
pub mod jws;
mod key;
mod mac;
mod mint;
mod object;
pub mod preset;
pub mod qsh;
mod refusal;
mod roca;
mod session;
mod shown;
mod verified;
mod verifier;
mod viewer;

pub use install::InstallVerifier;
pub use key::{VerifyingKey, check_key};
pub use mint::{MintError, TestToken};
pub use preset::Preset;
pub use refusal::{KeyProblem, Refusal};
pub use session::{Session, SessionError, Sessions};
pub use shown::{Shown, ShownRequest};
pub use verified::VerifiedTokens;
pub use verifier::{Owner, TokenKind, VerifiedClaims, Verifier, pipedrive_keys};
pub use viewer::{Identity, Role, Standing, Trust, Viewer};
