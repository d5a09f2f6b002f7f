//! Why a token is not accepted: for logs and metrics only.

/// Why a token was refused.
///
/// The outside always gets [`Refusal::OUTWARD`] and status 401, whatever the cause: the difference
/// between an unknown key and a wrong signature helps only someone who should not be here. The cause
/// itself holds nothing of the token, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no token.
    #[error("no token was shown")]
    Missing,
    /// It is longer than [`super::jws::MAX_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// It is not three parts of strict base64url that hold JSON objects without repeated names.
    #[error("the token is not a strict compact JWS: {0}")]
    Malformed(&'static str),
    /// Its header asks for an extension (`crit`, `b64`), which none of our schemes uses.
    #[error("the header asks for an extension")]
    Extension,
    /// Its header's `typ` is that of another kind of token.
    #[error("the token is of another kind")]
    WrongKind,
    /// No key of this scheme signs with the header's algorithm.
    #[error("the header's algorithm is not the key's")]
    WrongAlgorithm,
    /// No key fits the header's `kid`, or none is registered.
    #[error("no registered key fits")]
    UnknownKey,
    /// The key set could not be fetched, and none is kept from before.
    #[error("the key set is not to be had")]
    KeySetUnavailable,
    /// The registered key may not be used.
    #[error("the registered key is unfit: {0}")]
    UnfitKey(KeyProblem),
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    BadSignature,
    /// A claim that the scheme requires is absent.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// A claim has a value that the scheme does not allow.
    #[error("the claim {0} is not as it must be")]
    BadClaim(&'static str),
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It has not begun (`nbf`), or was issued in the future (`iat`).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It was issued for longer than the scheme allows.
    #[error("the token lives too long")]
    LivesTooLong,
    /// It is meant for someone else.
    #[error("the audience is another")]
    WrongAudience,
    /// It is bound to another address (`qsh`).
    #[error("the token was signed for another address")]
    WrongAddress,
    /// The scheme is a weak one that the settings do not name, or that its tenant does not want.
    #[error("the scheme is weak and not allowed")]
    Weak,
    /// It comes from someone else.
    #[error("the issuer is another")]
    WrongIssuer,
    /// Its tenant claim is not the tenant of its key.
    #[error("the tenant is another")]
    WrongTenant,
    /// The tenant, or the account of the CRM, is not registered.
    #[error("the tenant or account is not registered")]
    UnknownTenant,
    /// It was shown more often than the tenant allows.
    #[error("the token was shown too often")]
    Replayed,
}

impl Refusal {
    /// What the outside is told, always.
    pub const OUTWARD: &'static str = "the token was not accepted";

    /// A stable word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::Malformed(_) => "malformed",
            Self::Extension => "extension",
            Self::WrongKind => "wrong_kind",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::KeySetUnavailable => "key_set_unavailable",
            Self::UnfitKey(_) => "unfit_key",
            Self::BadSignature => "bad_signature",
            Self::MissingClaim(_) => "missing_claim",
            Self::BadClaim(_) => "bad_claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::LivesTooLong => "lives_too_long",
            Self::WrongAudience => "wrong_audience",
            Self::WrongAddress => "wrong_address",
            Self::Weak => "weak",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongTenant => "wrong_tenant",
            Self::UnknownTenant => "unknown_tenant",
            Self::Replayed => "replayed",
        }
    }
}

/// Why a key may not be used to verify tokens. Shown to the operator who registers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyProblem {
    /// RFC 7518 section 3.2.
    #[error("a secret for HS256 must have at least 32 bytes")]
    SecretTooShort,
    /// What stands in an address by itself must at least not be guessed.
    #[error("a shared secret must have at least 16 bytes")]
    SharedSecretTooShort,
    /// An audience taken from the token would let every token pass.
    #[error("a key of this scheme needs the audience that its tokens name")]
    NoAudience,
    /// The trap of key confusion: a public key is no secret.
    #[error("a public key in PEM form cannot serve as a secret")]
    PublicKeyAsSecret,
    /// No such scheme.
    #[error("there is no scheme of this name")]
    UnknownScheme,
    /// The scheme's documents name another.
    #[error("the scheme does not sign with this algorithm")]
    WrongAlgorithm,
    /// A secret given for a signature algorithm, or a public key for HS256.
    #[error("the kind of key does not fit the algorithm")]
    WrongSource,
    /// It cannot be read.
    #[error("the key cannot be read: give a public key in PEM form, or a set of public JWKs")]
    Unreadable,
    /// RFC 7518 section 3.3, and an exponent that makes no signature.
    #[error("an RSA key must have 2048 to 8192 bits and an odd exponent above 1")]
    WeakRsa,
    /// Made by a chip whose primes can be found out from the modulus (CVE-2017-15361).
    #[error(
        "the RSA key was made by a faulty generator and can be broken (CVE-2017-15361): make a new one"
    )]
    FactorableRsa,
    /// Not on the curve that the algorithm names.
    #[error("the key is not a point on the algorithm's curve")]
    WrongCurve,
    /// `use`, `key_ops` or `alg` of the JWK say that it is for something else.
    #[error("the JWK is not meant to verify signatures with this algorithm")]
    NotForVerifying,
    /// A set that names one key twice lets no one tell which is meant.
    #[error("the set names two keys alike")]
    DuplicateKid,
    /// Nothing usable in it.
    #[error("the set holds no usable key")]
    EmptySet,
    /// Keys travel over https, and from the place that was registered.
    #[error("the address of a key set must be https")]
    UnsafeUrl,
}
