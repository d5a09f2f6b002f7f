//! Identifiers of 128 bits, as ledgers other than QuickBooks give them, made of a record's place in the
//! books so that they can be read back, and mixed so that they are in no order.

/// The bits of each of the two numbers.
const BITS: u32 = 36;
const MASK: u64 = (1 << BITS) - 1;

/// What an identifier stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Guid {
    /// What it is of; each wire format has its own numbers.
    pub(crate) kind: u8,
    /// The record's id in the books.
    pub(crate) id: u64,
    /// Tells things of one record apart, such as an invoice that a payment settles.
    pub(crate) part: u64,
    /// Tells things apart that followed each other.
    pub(crate) turn: u8,
}

impl Guid {
    /// Of a record itself.
    pub(crate) fn of(kind: u8, id: u64) -> Self {
        Self {
            kind,
            id,
            part: 0,
            turn: 0,
        }
    }

    /// The 128 bits, in a company; the version and variant are those of a random one (RFC 9562).
    pub(crate) fn bits(self, realm: &str) -> u128 {
        let company = company(realm);
        let (left, right) = mix(self.id & MASK, self.part & MASK, company);
        let payload = (u128::from(left) << BITS) | u128::from(right);
        let (high, low) = (payload >> 60, payload & ((1 << 60) - 1));
        (u128::from(company) << 96)
            | (u128::from(self.kind) << 88)
            | (u128::from(self.turn) << 80)
            | (0x4 << 76)
            | (high << 64)
            | (0b10 << 62)
            | low
    }

    /// Read back, if it is of this company.
    pub(crate) fn read(bits: u128, realm: &str) -> Option<Self> {
        let company = company(realm);
        let byte = |shift: u32| u8::try_from((bits >> shift) & 0xff).unwrap_or_default();
        let high = (bits >> 64) & 0xfff;
        let low = bits & ((1 << 60) - 1);
        let payload = (high << 60) | low;
        let left = u64::try_from(payload >> BITS).ok()?;
        let right = u64::try_from(payload & u128::from(MASK)).ok()?;
        let (id, part) = unmix(left, right, company);
        let read = Self {
            kind: byte(88),
            id,
            part,
            turn: byte(80),
        };
        (read.bits(realm) == bits).then_some(read)
    }

    /// With hyphens: `xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx`.
    pub(crate) fn hyphenated(self, realm: &str) -> String {
        uuid::Uuid::from_u128(self.bits(realm)).to_string()
    }

    /// Read back from 32 hexadecimal digits, with hyphens or without.
    pub(crate) fn parse(text: &str, realm: &str) -> Option<Self> {
        Self::read(uuid::Uuid::try_parse(text).ok()?.as_u128(), realm)
    }
}

/// Which company, in 32 bits (FNV-1a).
fn company(realm: &str) -> u32 {
    realm.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// How one half is mixed into the other in a round of a Feistel network.
fn round(half: u64, key: u32, turn: u64) -> u64 {
    let mixed = (half ^ (u64::from(key) << 3) ^ (turn << 33)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 21) & MASK
}

fn mix(mut left: u64, mut right: u64, key: u32) -> (u64, u64) {
    for turn in 0..4 {
        (left, right) = (right, left ^ round(right, key, turn));
    }
    (left, right)
}

fn unmix(mut left: u64, mut right: u64, key: u32) -> (u64, u64) {
    for turn in (0..4).rev() {
        (left, right) = (right ^ round(left, key, turn), left);
    }
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_back_in_their_company_only() {
        for (id, part, turn) in [
            (1, 0, 0),
            (7, 3, 2),
            (1_000_000, 999_999, 255),
            (MASK, MASK, 9),
        ] {
            let guid = Guid {
                kind: 4,
                id,
                part,
                turn,
            };
            let text = guid.hyphenated("1000000000000001");
            assert_eq!(text.as_bytes()[14], b'4', "{text}");
            assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
            assert_eq!(Guid::parse(&text, "1000000000000001"), Some(guid), "{text}");
            assert_eq!(
                Guid::parse(&text.replace('-', ""), "1000000000000001"),
                Some(guid)
            );
            assert_eq!(Guid::parse(&text, "1000000000000002"), None);
        }
    }

    #[test]
    fn they_are_in_no_order() {
        let texts: Vec<String> = (1..100).map(|id| Guid::of(1, id).hyphenated("1")).collect();
        assert!(!texts.is_sorted());
    }
}
