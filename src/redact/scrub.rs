//! The second pass: everything that is to be recorded is searched for the secrets that were seen.

use serde_json::{Map, Value};

use super::inner::find_encoded;
use super::marker::is_marker;
use super::policy::Policy;
use super::receipts::Receipts;
use super::seen::{MASK, Search};
use super::walk::push_name;

/// A pass over what is to be recorded.
pub(super) struct Scrub<'s> {
    pub(super) search: &'s Search<'s>,
    pub(super) policy: &'s Policy,
    pub(super) receipts: &'s mut Receipts,
}

impl Scrub<'_> {
    /// Removes what was seen from a text.
    pub(super) fn text(&mut self, text: &mut String, location: &str) {
        if let Some(scrubbed) = self.search.scrub(text) {
            self.receipts.add(location, scrubbed.rule);
            *text = scrubbed.text;
        } else if let Some(rule) = find_encoded(text, self.search) {
            self.receipts.add(location, rule);
            MASK.clone_into(text);
        }
    }

    /// Removes what was seen from values and names. The depth is that of the decoded tree.
    pub(super) fn value(&mut self, value: &mut Value, location: &mut String) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                if let Some(scrubbed) = self.search.scrub(&text) {
                    self.receipts.add(location, scrubbed.rule);
                    *value = Value::String(scrubbed.text);
                }
            }
            Value::String(text) => self.text(text, location),
            Value::Array(items) => {
                let length = location.len();
                location.push_str("[*]");
                items.iter_mut().for_each(|item| self.value(item, location));
                location.truncate(length);
            }
            Value::Object(object) if is_marker(object, self.policy) => {}
            Value::Object(object) => self.object(object, location),
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, location: &mut String) {
        let mut renamed = Vec::new();
        for (name, value) in object.iter_mut() {
            let length = location.len();
            push_name(location, name);
            self.value(value, location);
            location.truncate(length);
            if let Some(scrubbed) = self.search.scrub(name) {
                self.receipts.add(location, scrubbed.rule);
                renamed.push((name.clone(), scrubbed.text));
            }
        }
        for (name, mut new) in renamed {
            let Some(value) = object.remove(&name) else { continue };
            while object.contains_key(&new) {
                new.push('*');
            }
            object.insert(new, value);
        }
    }
}
