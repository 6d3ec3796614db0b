//! An issuer of tokens that publishes its keys.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use countersign::clock::{Clock as _, SystemClock};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{Reply, Upstream};

/// An issuer with one key at a time.
pub(crate) struct Issuer {
    random: SystemRandom,
    key: EcdsaKeyPair,
    id: String,
    reply: Arc<Mutex<Reply>>,
    server: Upstream,
}

fn new_key(random: &SystemRandom) -> EcdsaKeyPair {
    let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(how, random).unwrap();
    EcdsaKeyPair::from_pkcs8(how, document.as_ref(), random).unwrap()
}

impl Issuer {
    /// An issuer whose key is published.
    pub(crate) fn start() -> Self {
        let random = SystemRandom::new();
        let reply = Arc::new(Mutex::new(Reply::ok()));
        let answer = Arc::clone(&reply);
        let server = Upstream::start(move |_| answer.lock().unwrap().clone());
        let issuer = Self { key: new_key(&random), random, id: "first".to_owned(), reply, server };
        issuer.publish();
        issuer
    }

    /// Where the keys are.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/keys", self.server.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// How often the keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.server.seen().len()
    }

    /// Takes a new key, and publishes it alone.
    pub(crate) fn rotate(&mut self, id: &str) {
        self.key = new_key(&self.random);
        id.clone_into(&mut self.id);
        self.publish();
    }

    /// Answers in this way from now on.
    pub(crate) fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// The public key.
    pub(crate) fn jwks(&self) -> Value {
        let point = &self.key.public_key().as_ref()[1..];
        let (x, y) = point.split_at(32);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": self.id,
            "x": BASE64URL.encode(x), "y": BASE64URL.encode(y)}]})
    }

    fn publish(&self) {
        let keys = self.jwks().to_string();
        self.answer(Reply::response("200 OK", "application/json", &keys));
    }

    /// A token that ends in so many seconds.
    pub(crate) fn token(&self, subject: &str, seconds: i64) -> String {
        let ends = SystemClock.now().timestamp() + seconds;
        self.sign(&json!({"sub": subject, "email": format!("{subject}@example.com"),
            "iss": "https://issuer.example", "aud": "admin", "exp": ends}))
    }

    /// A token that claims this.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let header = part(&json!({"alg": "ES256", "kid": self.id}));
        let signed = format!("{header}.{}", part(claims));
        let signature = self.key.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL.encode(signature))
    }
}
