//! Names where others have ids and verbs: documents of an index, what is starred and followed, actions
//! that are named below the thing on which they act.

use super::super::nouns::is_part;
use super::super::path::{Segment, keyed};
use super::super::text::bounded;
use super::super::verbs::{canonical, is_verb};
use super::super::words::{is_plural, snake};
use super::{Node, Walk, compound_tail};

/// Between an index and its document, as Elasticsearch and OpenSearch have them.
const DOCUMENTS: [&str; 3] = ["_create", "_doc", "_update"];

/// What is done to an index as a whole.
const INDEX_ACTIONS: [&str; 6] =
    ["_close", "_flush", "_forcemerge", "_open", "_refresh", "_rollover"];

/// Words for what somebody has done to others, which are named behind them: of what, what a PUT does,
/// and what a DELETE.
const DONE_TO: [(&str, &str, &str, &str); 2] =
    [("following", "user", "follow", "unfollow"), ("starred", "repository", "star", "unstar")];

impl Walk<'_> {
    /// `/users/_doc/1`, `/logs/_doc`: a document of an index, whatever the two are called.
    pub(super) fn document(&mut self, segment: &Segment) -> bool {
        let Some(kind) = self.path.segments.get(self.next + 1) else { return false };
        if self.out.nodes.is_empty() && segment.text == "_snapshot" {
            self.snapshots();
            return true;
        }
        let is_done = INDEX_ACTIONS.contains(&kind.text.as_str()) && self.method == "POST";
        let is_done = is_done && self.next + 2 == self.path.segments.len();
        if !self.out.nodes.is_empty() || !is_done && !DOCUMENTS.contains(&kind.text.as_str()) {
            return false;
        }
        self.out.nodes.push(Node {
            noun: "index".to_owned(),
            id: bounded(&segment.text),
            is_item: true,
            plural: true,
            slots: vec![self.next],
            ..Node::default()
        });
        if is_done {
            return true;
        }
        self.next += 1;
        let at = Some(self.next);
        let document = Node { noun: "document".to_owned(), plural: true, at, ..Node::default() };
        self.out.nodes.push(document);
        if kind.text == "_create" {
            (self.out.verb, self.out.verb_at) = (Some("create".to_owned()), at);
        }
        if let Some(own) = self.path.segments.get(self.next + 1) {
            self.next += 1;
            self.id(own);
        }
        true
    }

    /// `/_snapshot/backups/daily-1`: a repository, and a snapshot in it, whatever the two are called.
    ///
    ///   <https://www.elastic.co/guide/en/elasticsearch/reference/current/snapshot-restore-apis.html>
    fn snapshots(&mut self) {
        for noun in ["repository", "snapshot"] {
            let own = self.path.segments.get(self.next + 1);
            let Some(own) = own.filter(|own| !own.text.starts_with('_')) else { break };
            let at = Some(self.next);
            self.next += 1;
            self.out.nodes.push(Node { plural: true, at, ..Node::named(noun) });
            self.id(own);
        }
        if self.out.nodes.is_empty() {
            self.node("snapshot");
        }
    }

    /// `/user/starred/acme/web`, `/user/following/ann`.
    pub(super) fn done_to(&mut self, word: &str) -> bool {
        let Some((_, noun, on, off)) = DONE_TO.iter().find(|(known, ..)| *known == word) else {
            return false;
        };
        let is_own = self.out.nodes.last().is_some_and(|node| node.noun == "user");
        let verb = match self.method {
            "PUT" => on,
            "DELETE" => off,
            _ => return false,
        };
        if !is_own || self.next + 1 == self.path.segments.len() {
            return false;
        }
        self.out.nodes.pop_if(|node| !node.is_item);
        let at = Some(self.next);
        let node = Node { noun: (*noun).to_owned(), plural: true, at, ..Node::default() };
        self.out.nodes.push(node);
        (self.out.verb, self.out.verb_at) = (Some((*verb).to_owned()), at);
        self.next += 1;
        self.rest();
        true
    }

    /// `/Systems/1/Actions/ComputerSystem.Reset`, as Redfish has it (DSP0266, 7.11);
    /// `/Users(5)/Default.ResetPassword`, as OData has it (URL Conventions, 4.5).
    pub(super) fn acts_below(&mut self, segment: &Segment) -> bool {
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let is_named = segment.text.split('.').all(|name| {
            name.starts_with(|first: char| first.is_ascii_uppercase())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let is_bound = self.method == "POST" && is_named;
        let is_below = before.is_some_and(|before| {
            before.text == "Actions" || is_bound && keyed(&before.text).is_some()
        });
        let Some((_, name)) = segment.text.rsplit_once('.').filter(|_| is_below) else {
            return false;
        };
        let name = snake(name);
        let (first, last) = (name.split('_').next(), name.rsplit('_').next());
        let verb = match (first, last) {
            (Some(first), _) if is_verb(first) => name.as_str(),
            (_, Some(last)) if is_verb(last) => last,
            _ => return false,
        };
        self.out.nodes.pop_if(|node| node.noun == "action" && !node.is_item);
        self.out.verb = Some(canonical(verb).to_owned());
        self.out.verb_at = Some(self.next);
        !self.out.nodes.is_empty()
    }

    /// `/leases/revoke-prefix/aws/creds`: what is revoked is named by the rest of the path.
    pub(super) fn revokes(&mut self, word: &str, is_last: bool) -> bool {
        let is_verb = word == "revoke" || word.starts_with("revoke_");
        if is_last || !is_verb || !matches!(self.method, "POST" | "PUT") {
            return false;
        }
        self.out.verb = Some(canonical(word).to_owned());
        self.out.verb_at = Some(self.next);
        self.next += 1;
        self.rest();
        true
    }

    /// `/role-mappings/realm`: those of the realm itself, as Keycloak has them.
    pub(super) fn is_of_realm(&self, word: &str) -> bool {
        word == "realm" && self.out.nodes.last().is_some_and(|node| node.noun == "role_mapping")
    }

    /// `/role-mappings/clients/account`: those of a client, likewise. It is the roles that are given, and to
    /// whom stands before.
    pub(super) fn is_of_client(&mut self, word: &str) -> bool {
        let [.., _, mapping] = self.out.nodes.as_slice() else { return false };
        let is_client = mapping.noun == "role_mapping" && word == "clients";
        let [own] = self.path.segments.get(self.next + 1..).unwrap_or_default() else {
            return false;
        };
        if is_client {
            let mut client = Node { plural: true, at: Some(self.next), ..Node::named("client") };
            self.next += 1;
            client.take_id(&own.text, Some(self.next));
            self.out.nodes.insert(self.out.nodes.len() - 2, client);
        }
        is_client
    }

    /// Whether two segments name one repository: `/repos/acme/web`, and `/teams/5/repos/acme/web`, but
    /// `/projects/5/repositories/web`.
    pub(super) fn is_pair(&self) -> bool {
        let [outer @ .., node] = self.out.nodes.as_slice() else { return false };
        let text = node.at.and_then(|at| self.path.segments.get(at));
        let is_short = text.is_some_and(|text| text.text.eq_ignore_ascii_case("repos"));
        // `/api/saved_objects/dashboard/d1`, as Kibana has them: a type, and an id.
        if node.noun == "saved_object" {
            return self.next + 2 == self.path.segments.len();
        }
        let outer = outer.iter().rfind(|outer| outer.is_item);
        let is_alone = outer.is_some_and(|outer| !is_short || outer.noun == "project");
        node.noun == "repository" && !is_alone && (is_short || !self.is_before_own())
    }

    /// Whether a repository is named by one segment, behind which stands a word of the application:
    /// `/repositories/r1/pullRequests/5`, `/repositories/central/rebuild-index`. Elsewhere two segments
    /// name one: `/repositories/acme/web`.
    fn is_before_own(&self) -> bool {
        let rest = self.path.segments.get(self.next..).unwrap_or_default();
        let [own, next, rest @ ..] = rest else { return false };
        let Some(word) = next.word.as_deref() else { return false };
        let is_camel = next.text.starts_with(|first: char| first.is_ascii_lowercase())
            && next.text.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_known = is_plural(word) || is_part(word) || is_verb(word);
        // A repository is made or changed by such a name; something else is sent to such a place.
        let is_sent = || self.method == "POST" && (is_known || acts(word));
        match rest.first() {
            _ if is_camel => true,
            _ if own.word.is_none() => is_known,
            None => is_sent(),
            Some(behind) => is_plural(word) && behind.word.is_none(),
        }
    }
}

/// `rebuild-index`, but not `new-web`, as a repository may be called.
fn acts(word: &str) -> bool {
    compound_tail(word).is_some_and(|(verb, about)| verb != "new" && !about.is_empty())
}
