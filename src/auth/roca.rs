//! RSA keys of a faulty generator (ROCA, CVE-2017-15361). Its primes are powers of 65537 modulo a product
//! of small primes, so the modulus is one too, modulo each of them; of other keys one in some hundred
//! million is.

/// The small primes of which the powers of 65537 do not reach every remainder.
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

const GENERATOR: u32 = 65_537;

/// Whether a modulus (big-endian) bears the generator's mark.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let remainder = modulus
            .iter()
            .fold(0, |rest: u32, byte| (rest * 256 + u32::from(*byte)) % prime);
        is_power(remainder, *prime)
    })
}

/// Whether a remainder is one of a power of the generator. A group has fewer elements than its prime.
fn is_power(remainder: u32, prime: u32) -> bool {
    let mut power = 1;
    (1..prime).any(|_| {
        power = power * (GENERATOR % prime) % prime;
        power == remainder
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product of the primes far up, and a power of the generator below it.
    fn marked() -> Vec<u8> {
        let product: u128 = PRIMES.iter().map(|prime| u128::from(*prime)).product();
        let mut modulus = product.to_be_bytes().to_vec();
        modulus.resize(256, 0);
        modulus.splice(253.., [1, 0, 1]);
        modulus
    }

    #[test]
    fn a_power_of_the_generator_is_marked_and_its_neighbor_is_not() {
        let mut modulus = marked();
        assert!(is_marked(&modulus));
        modulus[255] = 3;
        assert!(!is_marked(&modulus));
    }

    #[test]
    fn odd_numbers_are_hardly_ever_marked() {
        let numbers = (1_u32..100_000).step_by(2);
        let found = numbers
            .filter(|number| is_marked(&number.to_be_bytes()))
            .count();
        // 1 and 65537 themselves, with room for chance.
        assert!((2..5).contains(&found), "{found}");
    }
}
