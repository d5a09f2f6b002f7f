//! A credential in the making: what is signed, by whom, and how it is sent. Hostile ones change a
//! right one at one of these places.

use std::rc::Rc;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use financial_pulse::auth::preset::{KeyScope, Scheme};
use financial_pulse::auth::{Preset, ShownRequest, qsh};
use financial_pulse::domain::signing_key::Algorithm;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use sha2::Sha256;
use url::form_urlencoded::byte_serialize;

use super::super::forge;

/// The address that HubSpot calls.
pub(super) const PUBLIC_URL: &str = "https://pulse.example";

/// How a credential is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// `/embed/…`, in the query.
    Get,
    /// `/embed/…`, in a form.
    Form,
    /// `/exchange/…`, in JSON.
    Json,
    /// `/exchange/…`, as a bearer.
    Bearer,
    /// `/exchange/…`, in HubSpot's headers.
    Signed,
}

/// What signs.
#[derive(Clone)]
pub(super) enum Signer {
    /// HMAC-SHA256 under a secret, or the secret itself.
    Secret(Vec<u8>),
    /// A private key.
    Private(EncodingKey, Algorithm),
}

impl Signer {
    pub(super) fn secret(text: impl AsRef<[u8]>) -> Self {
        Self::Secret(text.as_ref().to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Secret(bytes) => bytes,
            Self::Private(..) => panic!("a private key is no secret"),
        }
    }
}

type TextHook = Rc<dyn Fn(&str) -> String>;
type SentHook = Rc<dyn Fn(&mut Sent)>;

/// A credential, not signed yet.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) preset: &'static Preset,
    pub(super) at: At,
    /// The tenant in the address, where the scheme's addresses have one.
    pub(super) tenant: String,
    /// The header of a JWS.
    pub(super) header: Value,
    /// The same as text that no [`Value`] can be.
    pub(super) raw_header: Option<String>,
    /// The claims, envelope or context.
    pub(super) claims: Value,
    /// The same as text that no [`Value`] can be.
    pub(super) raw: Option<String>,
    pub(super) signer: Signer,
    /// The query beside the credential, as it is sent.
    pub(super) query: String,
    /// The body of a request that is signed as a whole.
    pub(super) body: String,
    /// The time of signing in a header.
    pub(super) timestamp: String,
    /// Whether the token is bound to its address.
    pub(super) bind: bool,
    /// Changes the base64 text that is signed.
    pub(super) on_encoded: Option<TextHook>,
    /// Changes the credential after it was signed.
    pub(super) on_credential: Option<TextHook>,
    /// Changes the signature that stands apart.
    pub(super) on_signature: Option<TextHook>,
    /// Changes the request after everything.
    pub(super) on_sent: Option<SentHook>,
}

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// What must stand in no log line.
    pub(super) secrets: Vec<String>,
}

impl Sent {
    pub(super) fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(super) fn without_header(&mut self, name: &str) {
        self.headers.retain(|(other, _)| other != name);
    }

    pub(super) fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.without_header(name);
        self.header(name, value);
    }

    pub(super) fn header_value(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.expect("the header").1.clone()
    }

    /// Adds to the query.
    pub(super) fn ask(&mut self, pair: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(pair);
    }

    pub(super) fn request(&self) -> Request<Body> {
        let uri = match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let mut request = Request::builder().method(self.method.clone()).uri(uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body.clone()));
        request.expect("a request that HTTP can carry")
    }
}

impl Attempt {
    /// A right claim changed; `null` takes it away.
    pub(super) fn set(&mut self, path: &str, value: Value) {
        let (parent, name) = match path.rsplit_once('.') {
            Some((parent, name)) => (format!("/{}", parent.replace('.', "/")), name),
            None => (String::new(), path),
        };
        let parent = self.claims.pointer_mut(&parent).expect("a parent");
        let members = parent.as_object_mut().expect("an object");
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.to_owned(), value),
        };
    }

    pub(super) fn payload(&self) -> String {
        self.raw.clone().unwrap_or_else(|| self.claims.to_string())
    }

    pub(super) fn path(&self) -> String {
        let way = match self.at {
            At::Get | At::Form => "embed",
            At::Json | At::Bearer | At::Signed => "exchange",
        };
        match self.preset.key_scope {
            KeyScope::Installation => format!("/{way}/{}/{}", self.tenant, self.preset.name),
            KeyScope::App => format!("/{way}/{}", self.preset.name),
        }
    }

    /// Signs what there is, and writes the request.
    pub(super) fn send(mut self) -> Sent {
        let mut sent = Sent {
            method: match self.at {
                At::Get => Method::GET,
                _ => Method::POST,
            },
            path: self.path(),
            query: self.query.clone(),
            headers: Vec::new(),
            body: String::new(),
            secrets: Vec::new(),
        };
        if self.bind {
            let request = ShownRequest {
                method: sent.method.as_str(),
                path: &sent.path,
                query: Some(&sent.query),
                body: &[],
            };
            self.set("qsh", qsh::of(request, self.preset.parameter).into());
        }
        let (credential, signature) = self.credential(&sent);
        let apply = |hook: &Option<TextHook>, text: String| match hook {
            Some(hook) => hook(&text),
            None => text,
        };
        let credential = apply(&self.on_credential, credential);
        let signature = signature.map(|text| apply(&self.on_signature, text));
        self.place(&mut sent, &credential, signature.as_deref());
        sent.secrets.push(credential);
        sent.secrets.extend(signature);
        if let Some(hook) = &self.on_sent {
            hook(&mut sent);
        }
        sent
    }

    fn credential(&self, sent: &Sent) -> (String, Option<String>) {
        let encoded = |text: String| match &self.on_encoded {
            Some(hook) => hook(&text),
            None => text,
        };
        match self.preset.scheme {
            Scheme::Jwt => (self.token(), None),
            Scheme::SignedRequest => {
                let envelope = encoded(STANDARD.encode(self.payload()));
                let mac = STANDARD.encode(mac(self.signer.bytes(), envelope.as_bytes()));
                (format!("{mac}.{envelope}"), None)
            }
            Scheme::SignedContext => {
                let context = encoded(URL_SAFE_NO_PAD.encode(self.payload()));
                let signature = hex(&mac(self.signer.bytes(), context.as_bytes()));
                (context, Some(signature))
            }
            Scheme::RequestSignature => {
                let message = self.signed_request("POST", PUBLIC_URL, &sent.path, &sent.query);
                let mac = mac(self.signer.bytes(), message.as_bytes());
                (STANDARD.encode(mac), None)
            }
            Scheme::SharedSecret => {
                let secret = String::from_utf8(self.signer.bytes().to_vec());
                (secret.expect("text"), None)
            }
        }
    }

    /// HubSpot's words: what is signed of a request.
    pub(super) fn signed_request(
        &self,
        method: &str,
        host: &str,
        path: &str,
        query: &str,
    ) -> String {
        let query = query.replace("%40", "@").replace("%2C", ",");
        format!(
            "{method}{host}{path}?{query}{}{}",
            self.body, self.timestamp
        )
    }

    fn token(&self) -> String {
        let header = self.raw_header.clone();
        let header = header.unwrap_or_else(|| self.header.to_string());
        let payload = self.payload();
        match &self.signer {
            Signer::Secret(secret) => {
                let key = EncodingKey::from_secret(secret);
                forge(&header, &payload, &key, Algorithm::Hs256)
            }
            Signer::Private(key, algorithm) => forge(&header, &payload, key, *algorithm),
        }
    }

    fn place(&self, sent: &mut Sent, credential: &str, signature: Option<&str>) {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let mut parameters = format!("{}={}", self.preset.parameter, encoded(credential));
        if let (Some(name), Some(signature)) = (self.preset.signature_parameter, signature) {
            parameters = format!("{parameters}&{name}={}", encoded(signature));
        }
        match self.at {
            At::Get => sent.ask(&parameters),
            At::Form => {
                sent.header("content-type", "application/x-www-form-urlencoded");
                sent.body = parameters;
            }
            At::Json => {
                sent.header("content-type", "application/json");
                sent.body = json!({ "token": credential }).to_string();
            }
            At::Bearer => sent.header("authorization", format!("Bearer {credential}")),
            At::Signed => {
                sent.header("content-type", "application/json");
                sent.header("x-hubspot-signature-v3", credential);
                sent.header("x-hubspot-request-timestamp", self.timestamp.as_str());
                sent.body.clone_from(&self.body);
            }
        }
    }
}

/// HMAC-SHA256.
pub(super) fn mac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("written");
        text
    })
}
