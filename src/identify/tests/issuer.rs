//! An issuer of tokens, with a key of every kind.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use ring::{hmac, signature};
use serde_json::{Value, json};

const RSA: &[u8] = include_bytes!("../../../tests/data/identity/rsa.der");

/// Keys that sign.
pub(super) struct Issuer {
    random: SystemRandom,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

pub(super) fn part(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

fn ec(alg: &'static signature::EcdsaSigningAlgorithm, random: &SystemRandom) -> EcdsaKeyPair {
    let document = EcdsaKeyPair::generate_pkcs8(alg, random).unwrap();
    EcdsaKeyPair::from_pkcs8(alg, document.as_ref(), random).unwrap()
}

impl Issuer {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            rsa: RsaKeyPair::from_der(RSA).unwrap(),
            p256: ec(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
            p384: ec(&ECDSA_P384_SHA384_FIXED_SIGNING, &random),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
            random,
        }
    }

    /// The public keys, named after their kinds.
    pub(super) fn jwks(&self) -> Value {
        let public = signature::RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        let point = |key: &EcdsaKeyPair, crv: &str, kid: &str| {
            let bytes = key.public_key().as_ref()[1..].to_vec();
            let (x, y) = bytes.split_at(bytes.len() / 2);
            json!({"kty": "EC", "crv": crv, "kid": kid,
                "x": BASE64URL.encode(x), "y": BASE64URL.encode(y)})
        };
        let ed25519 = BASE64URL.encode(self.ed25519.public_key().as_ref());
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig", "n": BASE64URL.encode(public.n),
                "e": BASE64URL.encode(public.e)},
            point(&self.p256, "P-256", "p256"),
            point(&self.p384, "P-384", "p384"),
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": ed25519},
            {"kty": "RSA", "kid": "encrypts", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "oct", "kid": "secret", "k": BASE64URL.encode([7; 32])},
            {"kty": "of another world", "kid": "x"},
        ]})
    }

    /// A token, signed as its header says, with the key that its header names.
    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let message = signed.as_bytes();
        let rsa = |how: &'static dyn RsaEncoding| {
            let mut out = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(how, &self.random, message, &mut out).unwrap();
            out
        };
        let signature = match header["alg"].as_str().unwrap() {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => self.p256.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "ES384" => self.p384.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(message).as_ref().to_vec(),
            _ => Vec::new(),
        };
        format!("{signed}.{}", BASE64URL.encode(signature))
    }
}

/// A token signed with a shared secret.
pub(super) fn shared(algorithm: &str, secret: &[u8], claims: &Value) -> String {
    let signed = format!("{}.{}", part(&json!({"alg": algorithm})), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", BASE64URL.encode(tag.as_ref()))
}
