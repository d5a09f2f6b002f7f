//! What a forger may change about a right credential: the form of the lists.

use std::rc::Rc;

use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::{KeyScope, Scheme};
use serde_json::Value;

use super::attempt::{Attempt, Sent};
use super::place::{Place, is_rsa};

/// What is done to a credential.
pub(super) type Change = Box<dyn Fn(&Place, &mut Attempt)>;

/// A change of a right credential, and the reason for which the result is refused.
pub(super) struct Mutation {
    pub(super) rule: u8,
    pub(super) name: String,
    pub(super) reason: &'static str,
    pub(super) applies: fn(&Preset) -> bool,
    pub(super) change: Change,
}

/// The mutations of a rule.
pub(super) struct List {
    rule: u8,
    pub(super) all: Vec<Mutation>,
}

impl List {
    pub(super) fn new() -> Self {
        Self {
            rule: 0,
            all: Vec::new(),
        }
    }

    pub(super) fn rule(&mut self, rule: u8) {
        self.rule = rule;
    }

    pub(super) fn add(
        &mut self,
        applies: fn(&Preset) -> bool,
        name: impl Into<String>,
        reason: &'static str,
        change: impl Fn(&Place, &mut Attempt) + 'static,
    ) {
        self.all.push(Mutation {
            rule: self.rule,
            name: name.into(),
            reason,
            applies,
            change: Box::new(change),
        });
    }

    /// The signed token changed as text.
    pub(super) fn text(
        &mut self,
        applies: fn(&Preset) -> bool,
        name: &str,
        reason: &'static str,
        change: impl Fn(&str) -> String + 'static,
    ) {
        let change = Rc::new(change);
        self.add(applies, name, reason, move |_, attempt| {
            let change = Rc::clone(&change);
            attempt.on_credential = Some(Rc::new(move |text| change(text)));
        });
    }

    /// The request changed after everything was signed.
    pub(super) fn sent(
        &mut self,
        applies: fn(&Preset) -> bool,
        name: &str,
        reason: &'static str,
        change: impl Fn(&mut Sent) + 'static,
    ) {
        let change = Rc::new(change);
        self.add(applies, name, reason, move |_, attempt| {
            let change = Rc::clone(&change);
            attempt.on_sent = Some(Rc::new(move |sent| change(sent)));
        });
    }

    /// A claim changed, and signed rightly.
    pub(super) fn claim(
        &mut self,
        applies: fn(&Preset) -> bool,
        path: &'static str,
        value: Value,
        reason: &'static str,
    ) {
        let shown: String = value.to_string().chars().take(40).collect();
        self.add(
            applies,
            format!("{path} = {shown}"),
            reason,
            move |_, attempt| attempt.set(path, value.clone()),
        );
    }

    /// A JWS header changed, and signed rightly.
    pub(super) fn header(&mut self, name: &'static str, value: Value, reason: &'static str) {
        let shown: String = value.to_string().chars().take(40).collect();
        self.add(
            is_token,
            format!("header {name} = {shown}"),
            reason,
            move |_, attempt| attempt.header[name] = value.clone(),
        );
    }
}

pub(super) fn is_token(preset: &Preset) -> bool {
    preset.scheme == Scheme::Jwt
}

pub(super) fn is_rsa_token(preset: &Preset) -> bool {
    is_token(preset) && is_rsa(preset)
}

pub(super) fn is_hmac_token(preset: &Preset) -> bool {
    is_token(preset) && !is_rsa(preset)
}

/// Whether tokens of the scheme name their key here.
pub(super) fn is_named(preset: &Preset) -> bool {
    is_rsa_token(preset) && preset.name != "zendesk"
}

pub(super) fn is_installation(preset: &Preset) -> bool {
    preset.key_scope == KeyScope::Installation
}
