//! How an input becomes another: bytes, words and numbers at random, and, where it is JSON, values.

use serde_json::Value;

use crate::support::hostile::{bad, places};

/// Numbers in a row that a seed repeats (SplitMix64): a failure can be run again.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 where there is none.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        let place = self.below(all.len());
        all.get(place)
    }
}

/// Numbers at which readers change their mind.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "-1",
    "127",
    "256",
    "65536",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e309",
    "0.1",
    "79228162514264337593543950336",
];

pub(super) struct Mutator {
    random: Random,
    words: &'static [&'static str],
    longest: usize,
    bad: Vec<Value>,
}

impl Mutator {
    pub(super) fn new(random: Random, words: &'static [&'static str], longest: usize) -> Self {
        Self {
            random,
            words,
            longest,
            bad: bad(),
        }
    }

    /// An input made from those known.
    pub(super) fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.random.of(corpus).cloned().unwrap_or_default();
        if self.random.below(8) == 0 {
            self.value(&mut input);
        }
        // Mostly few changes: what is wrong in one place is read further than what is wrong in many.
        let changes = 1 + self.random.below(4).pow(2);
        for _ in 0..changes {
            self.change(&mut input, corpus);
        }
        input.truncate(self.longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.random.below(input.len() + 1);
        let end = (at + 1 + self.random.below(16)).min(input.len());
        match self.random.below(10) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (self.random.next() % 8);
                }
            }
            1 => {
                let new = self.random.byte();
                if let Some(byte) = input.get_mut(at) {
                    *byte = new;
                }
            }
            2 => {
                let byte = self.random.byte();
                input.insert(at, byte);
            }
            3 if at < end => drop(input.drain(at..end)),
            4 if at < end => {
                let again = input[at..end].to_vec();
                input.splice(end..end, again);
            }
            5 => input.truncate(at),
            6 => {
                // The end of another one.
                let other = self.random.of(corpus).cloned().unwrap_or_default();
                let from = self.random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            7 => self.number(input),
            _ => {
                if let Some(word) = self.random.of(self.words) {
                    let over = at..(at + self.random.below(2) * word.len()).min(input.len());
                    input.splice(over, word.bytes());
                }
            }
        }
    }

    /// Another number where one stands.
    fn number(&mut self, input: &mut Vec<u8>) {
        let from = self.random.below(input.len());
        let digits = |byte: &u8| byte.is_ascii_digit();
        let Some(start) = input[from.min(input.len())..].iter().position(digits) else {
            return;
        };
        let start = from + start;
        let length = input[start..]
            .iter()
            .take_while(|byte| digits(byte))
            .count();
        if let Some(number) = self.random.of(&NUMBERS) {
            input.splice(start..start + length, number.bytes());
        }
    }

    /// Another value at a place of the JSON that an input holds behind its mode, if it holds some.
    fn value(&mut self, input: &mut Vec<u8>) {
        let Some(start) = input.iter().position(|byte| b"{[".contains(byte)) else {
            return;
        };
        let end = input[start..].iter().position(|byte| *byte == 0xFF);
        let end = end.map_or(input.len(), |end| start + end);
        let Ok(mut json) = serde_json::from_slice::<Value>(&input[start..end]) else {
            return;
        };
        let mut everywhere = Vec::new();
        places(&json, "", &mut everywhere);
        let value = self.random.of(&self.bad).cloned();
        let place = self
            .random
            .of(&everywhere)
            .and_then(|place| json.pointer_mut(place));
        if let (Some(place), Some(value)) = (place, value) {
            *place = value;
            input.splice(start..end, json.to_string().into_bytes());
        }
    }
}
