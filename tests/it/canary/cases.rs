//! The table of cases: every carrier with every kind of secret that it can hold, and every format
//! of bodies in every encoding.

use super::bodies::{Format, JSON, OTHERS, Shown};
use super::message::{Charset, ENCODINGS, Encoding, Message};
use super::odd::{PROSE, STRUCTURED};
use super::secrets::{KINDS, Kind, Random, Secret};

/// One exchange.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Carrier, kind of secret, encoding.
    pub(super) name: String,
    /// What must be found nowhere.
    pub(super) secret: Secret,
    /// What must be on record, since it is no secret.
    pub(super) harmless: Option<String>,
    /// The target of the request.
    pub(super) target: String,
    /// The request.
    pub(super) request: Message,
    /// The status of the response.
    pub(super) status: u16,
    /// The response.
    pub(super) response: Message,
}

/// Makes cases.
pub(super) struct Cases<'r> {
    random: &'r mut Random,
    all: Vec<Case>,
}

/// All formats of bodies.
const FORMATS: [&[Format]; 4] = [JSON, OTHERS, STRUCTURED, PROSE];

/// All cases.
pub(super) fn all(random: &mut Random) -> Vec<Case> {
    let mut cases = Cases { random, all: Vec::new() };
    for (carrier, fits, make) in super::heads::HEADS {
        for kind in KINDS.into_iter().filter(|kind| fits(*kind)) {
            let case = cases.add(carrier, kind, "");
            make(case);
        }
    }
    for (position, format) in FORMATS.into_iter().flatten().enumerate() {
        for side in [Side::Request, Side::Response] {
            cases.bodies(format, side, position);
        }
    }
    super::echoes::add(&mut cases);
    cases.all
}

/// A case whose secret stands nowhere yet.
pub(super) fn bare(name: String, secret: Secret) -> Case {
    Case {
        name,
        secret,
        harmless: None,
        target: "/users/7/notes".to_owned(),
        request: Message::text("application/json", r#"{"label":"blue"}"#),
        status: 200,
        response: Message::text("application/json", r#"{"ok":true}"#),
    }
}

/// Where a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Response,
}

impl Cases<'_> {
    /// A new case whose secret stands nowhere yet.
    pub(super) fn add(&mut self, carrier: &str, kind: Kind, encoding: &str) -> &mut Case {
        let secret = kind.make(self.random);
        self.all.push(bare(format!("{carrier} | {kind:?} | {encoding}"), secret));
        self.all.last_mut().unwrap()
    }

    /// Every kind as it is; every encoding and charset with some kind.
    fn bodies(&mut self, format: &Format, side: Side, position: usize) {
        let kinds: Vec<Kind> = KINDS.into_iter().filter(|kind| (format.fits)(*kind)).collect();
        for kind in &kinds {
            self.body(format, side, *kind, Encoding::Identity, Charset::Utf8);
        }
        for (shift, encoding) in ENCODINGS.into_iter().enumerate() {
            let kind = kinds[(position + shift) % kinds.len()];
            self.body(format, side, kind, encoding, Charset::Utf8);
        }
        if format.shown != Shown::Metadata {
            let kind = kinds[position % kinds.len()];
            self.body(format, side, kind, Encoding::Identity, Charset::Utf16);
            let latin = kinds.iter().find(|kind| **kind == Kind::Latin).unwrap_or(&kind);
            self.body(format, side, *latin, Encoding::Gzip, Charset::Latin1);
        }
    }

    fn body(&mut self, format: &Format, side: Side, kind: Kind, encoding: Encoding, set: Charset) {
        let chunked = self.all.len().is_multiple_of(2);
        let harmless = format!("harmless-{}x", self.all.len());
        let (name, shown) = (format.name, format.shown);
        let label = format!("{} {set:?}{}", encoding.name(), if chunked { " chunks" } else { "" });
        let case = self.add(&format!("{side:?} {name}"), kind, &label);
        let text = (format.make)(&case.secret, &harmless);
        let Some(mut message) = Message::encoded(&text.kind, &text.text, encoding, set) else {
            self.all.pop();
            return;
        };
        message.chunked = chunked;
        match side {
            Side::Request => case.request = message,
            Side::Response => case.response = message,
        }
        let shown = match shown {
            Shown::Harmless => true,
            Shown::InRequests => side == Side::Request,
            Shown::Metadata => false,
        };
        // Parts of a multipart body have charsets of their own.
        let is_read = shown
            && match set {
                Charset::Utf8 => true,
                Charset::Latin1 | Charset::Utf16 => !text.kind.starts_with("multipart"),
            };
        case.harmless = (is_read && text.text.contains(&harmless)).then_some(harmless);
    }
}
