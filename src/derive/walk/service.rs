//! Paths that name what is called, in the way of a protocol: methods of services (gRPC, Connect, Twirp),
//! files of a file system over HTTP, and parameters that frameworks write into the path.

use super::super::call::noun_and_verb;
use super::super::path::Segment;
use super::super::rpc::of_odoo;
use super::super::text::bounded;
use super::super::verbs::{canonical, is_verb};
use super::super::words::{singular, snake};
use super::{Node, Walk};

/// Names of parameters in a path, besides those that end in `_id`.
const PARAMETERS: [&str; 6] = ["active_tab", "back", "id", "key", "store", "website"];

impl Walk<'_> {
    /// `/acme.users.v1.UserService/DeleteUser`: a service with its package, and its method.
    ///
    ///   <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests>
    pub(super) fn method_of_service(&mut self, segment: &Segment) -> bool {
        let at = self.next.checked_sub(1);
        let Some(before) = at.and_then(|at| self.path.segments.get(at)) else { return false };
        // `/api/VmService/DeleteVm`: without its package, by what it is called alone.
        let is_plain = before.text.strip_suffix("Service").is_some_and(is_camel)
            && noun_and_verb(&segment.text).is_some();
        let (package, service) = match before.text.rsplit_once('.') {
            Some(named) => named,
            None if is_plain => ("a", before.text.as_str()),
            None => return false,
        };
        let is_package = package.split('.').all(|name| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        if self.method != "POST" || !is_package || !is_camel(service) || !is_camel(&segment.text) {
            return false;
        }
        let bare = service.strip_suffix("Service").filter(|bare| !bare.is_empty());
        let own = singular(&snake(bare.unwrap_or(service)));
        let name = snake(&segment.text);
        let (noun, verb) = match noun_and_verb(&name) {
            Some((noun, verb)) if noun.is_empty() => (own, verb),
            Some((noun, verb)) => (noun, verb),
            None => (own, name),
        };
        self.out.nodes.retain(|node| {
            node.is_item && node.at != at && !at.is_some_and(|at| node.slots.contains(&at))
        });
        self.out.nodes.push(Node { noun, at: Some(self.next), ..Node::default() });
        (self.out.verb, self.out.verb_at) = (Some(canonical(&verb).to_owned()), Some(self.next));
        true
    }

    /// `chat.postMessage`.
    pub(super) fn dotted(&mut self, segment: &Segment) -> bool {
        let Some((left, right)) = segment.text.rsplit_once('.') else { return false };
        let (noun, verb) = (snake(left), snake(right));
        let first = verb.split('_').next().unwrap_or_default();
        let fits = self.out.nodes.is_empty() && !noun.is_empty() && is_verb(first);
        if fits {
            self.node(&noun);
            self.out.verb = Some(canonical(&verb).to_owned());
            self.out.verb_at = Some(self.next);
        }
        fits
    }

    /// `/webhdfs/v1/tmp/a`: what is done is in the query.
    ///
    ///   <https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html>
    pub(super) fn file_system(&mut self) {
        let text = |at: usize| self.path.segments.get(at).map(|segment| segment.text.as_str());
        if text(self.next) != Some("webhdfs") || text(self.next + 1) != Some("v1") {
            return;
        }
        self.out.nodes.push(Node {
            noun: "file".to_owned(),
            plural: true,
            at: Some(self.next + 1),
            ..Node::default()
        });
        self.next += 2;
        let is_root = self.next == self.path.segments.len();
        self.rest();
        if let Some(node) = self.out.nodes.last_mut() {
            let below = node.id.take().filter(|_| !is_root).unwrap_or_default();
            (node.id, node.is_item) = (bounded(&format!("/{below}")), true);
        }
    }

    /// `/json/2/res.partner/unlink`: a model of Odoo, and its method.
    ///
    ///   <https://www.odoo.com/documentation/19.0/developer/reference/external_api.html>
    pub(super) fn model(&mut self) {
        let [json, version, model, method] = self.path.segments.as_slice() else { return };
        let is_odoo = json.text == "json" && version.text == "2" && model.text.contains('.');
        if !is_odoo || self.method != "POST" {
            return;
        }
        let (noun, verb) = of_odoo(&model.text, &method.text);
        self.out.nodes.push(Node { noun, plural: true, at: Some(2), ..Node::default() });
        (self.out.verb, self.out.verb_at) = (Some(verb), Some(3));
        self.next = self.path.segments.len();
    }

    /// `/catalog/product/delete/id/5/key/…`: a verb, and parameters in pairs, of which only the id says
    /// anything.
    pub(super) fn parameters(&mut self, word: &str) -> bool {
        let rest = self.path.segments.get(self.next + 1..).unwrap_or_default();
        let pairs: Vec<&[Segment]> = rest.chunks(2).collect();
        let name = |pair: &[Segment]| pair.first().and_then(|name| name.word.clone());
        let is_pair = |pair: &&[Segment]| {
            pair.len() == 2
                && name(pair)
                    .is_some_and(|it| PARAMETERS.contains(&it.as_str()) || it.ends_with("_id"))
        };
        let is_id = |pair: &&[Segment]| name(pair).is_some_and(|it| it.ends_with("id"));
        let Some(at) = pairs.iter().position(is_id) else { return false };
        let Some(id) = pairs.get(at).and_then(|pair| pair.get(1)) else { return false };
        let is_bare = self.out.nodes.last().is_some_and(|node| !node.is_item);
        if pairs.len() < 2 || !is_verb(word) || !is_bare || !pairs.iter().all(is_pair) {
            return false;
        }
        let (verb, first) = (canonical(word).to_owned(), self.next + 1);
        if self.out.nodes.len() > 1 {
            // The controller that is there if none is named.
            self.out.nodes.pop_if(|node| node.noun == "index");
        }
        (self.out.verb, self.out.verb_at) = (Some(verb), Some(self.next));
        if let Some(node) = self.out.nodes.last_mut() {
            (node.id, node.is_item) = (bounded(&id.text), true);
            // All of their values are the client's, and some of them secret.
            node.slots.extend((0..pairs.len()).map(|pair| first + 2 * pair + 1));
        }
        self.next = self.path.segments.len();
        true
    }
}

/// `UserService`, `DeleteUser`
fn is_camel(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
