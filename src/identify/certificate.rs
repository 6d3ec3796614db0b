//! What a TLS client certificate says of its holder. That it is genuine was checked in the
//! handshake, before anything here is asked.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

/// Names of one kind that are looked at.
const NAMES_MAX: usize = 64;

/// What is known of a holder and an issuer, and what else a certificate may name.
const NAMES: [(&str, &[&str]); 3] = [
    ("subject", &["cn", "o", "ou", "email"]),
    ("issuer", &["cn", "o", "ou", "email"]),
    ("san", &["dns", "email", "uri", "ip"]),
];

/// A verified client certificate.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// `subject.cn`, `san.dns` and so on, as templates find them.
    pub(super) names: Value,
    /// SHA-256 over the certificate.
    pub(super) digest: [u8; 32],
}

impl ClientCertificate {
    /// The roots of what a certificate says, each with the names of all that it may hold.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        NAMES.into_iter()
    }

    /// Reads a certificate. One that cannot be read names nobody.
    pub fn of(der: &[u8]) -> Self {
        let names = X509Certificate::from_der(der)
            .map_or_else(|_| json!({}), |(_, certificate)| names(&certificate));
        Self { names, digest: Sha256::digest(der).into() }
    }
}

fn names(certificate: &X509Certificate<'_>) -> Value {
    let mut lists: Map<String, Value> = Map::new();
    let alternative = certificate.subject_alternative_name().ok().flatten();
    for name in alternative.iter().flat_map(|it| &it.value.general_names).take(NAMES_MAX) {
        let (kind, text) = match name {
            GeneralName::DNSName(name) => ("dns", (*name).to_owned()),
            GeneralName::RFC822Name(name) => ("email", (*name).to_owned()),
            GeneralName::URI(name) => ("uri", (*name).to_owned()),
            GeneralName::IPAddress(bytes) => match address(bytes) {
                Some(address) => ("ip", address.to_string()),
                None => continue,
            },
            _ => continue,
        };
        if let Value::Array(list) = lists.entry(kind).or_insert_with(|| json!([])) {
            list.push(text.into());
        }
    }
    json!({
        "subject": subject(certificate.subject()),
        "issuer": subject(certificate.issuer()),
        "san": lists,
        "serial": certificate.raw_serial_as_string(),
    })
}

fn subject(name: &X509Name<'_>) -> Value {
    let mut parts = Map::new();
    let mut part = |key: &str, text: Option<&str>| {
        if let Some(text) = text {
            parts.insert(key.to_owned(), text.into());
        }
    };
    part("cn", name.iter_common_name().next().and_then(|it| it.as_str().ok()));
    part("o", name.iter_organization().next().and_then(|it| it.as_str().ok()));
    part("ou", name.iter_organizational_unit().next().and_then(|it| it.as_str().ok()));
    part("email", name.iter_email().next().and_then(|it| it.as_str().ok()));
    Value::Object(parts)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
