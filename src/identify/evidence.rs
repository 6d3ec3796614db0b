//! What is known beyond the request itself, and what would have to be found out.

use std::sync::Arc;

use serde_json::Value;

use super::actors::{Actors, Identified};
use super::certificate::ClientCertificate;
use super::jws::KeySet;
use crate::capture::Request;
use crate::redact::{FingerprintKey, Redacted};

/// What is known beyond the request itself. Nothing of it: [`Evidence::default`].
#[derive(Debug, Default)]
pub struct Evidence<'a> {
    /// Seconds since 1970.
    pub now: i64,
    /// The certificate that the client showed, and that was verified.
    pub certificate: Option<&'a ClientCertificate>,
    /// The keys of each source, in the order of the sources.
    pub keys: Vec<Fetched>,
    /// What was answered to the introspection of a rule.
    pub introspected: Vec<(usize, Introspected)>,
}

/// The keys of a source.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// The keys; none if there never were any.
    pub keys: Option<Arc<KeySet>>,
    /// They were asked for on account of this request: not again.
    pub asked: bool,
}

/// What came of asking whose a credential is.
#[derive(Debug, Clone)]
pub enum Introspected {
    /// It is this one's.
    Known(Arc<Value>),
    /// It is nobody's.
    Refused,
    /// There was no usable answer: a note for the record.
    Failed(&'static str),
}

/// What has to be found out before it can be said who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The keys of a source, by its position.
    Keys(usize),
    /// Whose the credential is, by the rule with this position.
    Introspection(usize),
}

impl Evidence<'_> {
    /// Answers a need with nothing, so that it is not asked again.
    pub fn decline(&mut self, need: Need, note: &'static str) {
        match need {
            Need::Keys(source) => {
                if self.keys.len() <= source {
                    self.keys.resize(source + 1, Fetched::default());
                }
                if let Some(fetched) = self.keys.get_mut(source) {
                    fetched.asked = true;
                }
            }
            Need::Introspection(rule) => {
                self.introspected.push((rule, Introspected::Failed(note)));
            }
        }
    }
}

impl Actors {
    /// Says who acts by what is known; what would have to be found out is declined with `note`.
    pub fn identify_without_asking(
        &self,
        request: &Request,
        mut evidence: Evidence<'_>,
        key: &FingerprintKey,
        note: &'static str,
    ) -> Redacted<Identified> {
        loop {
            match self.identify(request, &evidence, key) {
                Ok(who) => return who,
                Err(need) => evidence.decline(need, note),
            }
        }
    }
}
