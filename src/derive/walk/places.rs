//! Items that are named by the rest of a path: files, secrets, keys of a store, jobs in folders.
//!
//! Their names are the client's, and must not become nouns: the number of actions would be that of
//! the files.

use super::super::nouns::{is_part, is_thing, scope_name};
use super::super::path::Segment;
use super::super::text::{bounded, cut};
use super::super::verbs::{canonical, is_verb};
use super::super::words::is_plural;
use super::Walk;

/// Collections of what is named by a path, in the singular.
const TREES: [&str; 8] = ["artifact", "asset", "blob", "file", "media", "object", "tree", "upload"];

/// Stores below which there is nothing else.
const STORES: [&str; 4] = ["cubbyhole", "dav", "kv", "webdav"];

/// What a repository has that is named by a path, beside its files.
const OF_REPOSITORIES: [&str; 2] = ["branch", "tag"];

/// Between Vault's secrets and their paths.
const SECRET_FOLDERS: [&str; 6] = ["data", "delete", "destroy", "metadata", "subkeys", "undelete"];

impl Walk<'_> {
    /// `/sys/audit/file`, `/sys/auth/github`: what Vault has mounted, by its name.
    ///
    ///   <https://developer.hashicorp.com/vault/api-docs/system>
    pub(super) fn mounted(&mut self, word: &str) -> bool {
        let noun = match word {
            "audit" => "audit_device",
            "auth" => "auth_method",
            _ => return false,
        };
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let is_below = before.is_some_and(|before| before.text == "sys");
        let Some(name) = self.path.segments.get(self.next + 1) else { return false };
        if !is_below || !self.out.nodes.is_empty() || self.method == "GET" {
            return false;
        }
        let at = Some(self.next);
        self.out.nodes.push(super::Node { plural: true, at, ..super::Node::named(noun) });
        self.next += 1;
        self.id(name);
        self.out.creates = self.method == "POST" && self.next + 1 == self.path.segments.len();
        true
    }

    /// Whether the last segment, behind the next one, is what Jenkins calls what is done: `doDelete`.
    pub(super) fn is_done_next(&self) -> bool {
        let is_next = self.next + 2 == self.path.segments.len();
        let last = self.path.segments.last().filter(|_| is_next);
        let verb = last.and_then(|last| last.word.as_deref()?.strip_prefix("do_"));
        verb.is_some_and(is_verb)
    }

    /// `/job/deploy/doDelete`, `/job/folder/job/name`: Jenkins, whose items follow a singular.
    pub(super) fn jenkins(&mut self, segment: &Segment, word: &str) -> bool {
        let verb = word.strip_prefix("do_").filter(|verb| is_verb(verb));
        let is_built = || self.out.nodes.last().is_some_and(|node| node.noun == "job");
        let verb = verb.or((word == "build_with_parameters" && is_built()).then_some("build"));
        if let Some(verb) = verb.filter(|_| self.next + 1 == self.path.segments.len()) {
            self.out.verb = Some(canonical(verb).to_owned());
            self.out.verb_at = Some(self.next);
            return true;
        }
        let is_computer = |node: &super::Node| node.noun == "computer" && !node.plural;
        if self.out.nodes.last().is_some_and(|node| is_computer(node) && !node.is_item)
            && self.next + 1 < self.path.segments.len()
        {
            self.id(segment);
            return true;
        }
        if self.out.nodes.is_empty() && matches!(word, "script" | "script_text") {
            let is_run = self.method == "POST" && self.next + 1 == self.path.segments.len();
            if is_run {
                self.out.nodes.push(super::Node::named("script_console"));
                (self.out.verb, self.out.verb_at) = (Some("run".to_owned()), Some(self.next));
            }
            return is_run;
        }
        let is_job = self.out.nodes.last().is_some_and(|node| node.noun == "job" && !node.plural);
        let is_item = self.out.nodes.last().is_some_and(|node| node.is_item);
        if is_job && is_item && word == "job" {
            // A folder holds the next one.
            return true;
        }
        let follows = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let follows = follows.is_some_and(|before| before.text == "job");
        let is_last = self.next + 1 == self.path.segments.len();
        let is_name = is_job && follows && !(is_last && is_verb(word));
        if is_name {
            self.id(segment);
        }
        is_name
    }

    /// `/files/a/b/c.txt`, `/secret/data/foo/bar`, `/kv/config/app`.
    pub(super) fn path_of_names(&mut self, segment: &Segment, word: &str, is_last: bool) -> bool {
        let Some(node) = self.out.nodes.last() else { return false };
        let is_written = !matches!(self.method, "GET" | "HEAD" | "OPTIONS" | "POST" | "PROPFIND");
        // `/mydb/report.pdf`, `/mydb/doc1`: what ends like a file, or has a number in it behind what is
        // no collection, is none of the application's words.
        let is_bare = !node.is_item && !node.plural && scope_name(&node.noun).is_none();
        let is_numbered = is_bare && segment.text.bytes().any(|byte| byte.is_ascii_digit());
        let is_numbered = is_numbered && !is_thing(word);
        if is_last && is_written && (is_file(&segment.text) || is_numbered) {
            self.id(segment);
            return true;
        }
        if node.is_item || self.out.part.is_some() {
            return false;
        }
        if node.noun == "secret" && !is_last && SECRET_FOLDERS.contains(&word) {
            if is_verb(word) && self.out.verb.is_none() {
                self.out.verb = Some(canonical(word).to_owned());
                self.out.verb_at = Some(self.next);
            }
            self.next += 1;
            self.rest();
            return true;
        }
        // `/git/refs/heads/main`; `/v1/secret/app/db`, the first store of Vault.
        let is_ref = node.noun == "ref" && node.plural && is_written;
        if is_ref || self.is_secret(node) || self.is_in_repository(is_last) {
            self.rest();
            return true;
        }
        let is_tree = TREES.contains(&node.noun.as_str());
        // Nomad's variables.
        let is_variable = node.noun == "var" && node.at == Some(self.path.start) && !node.plural;
        let is_store = STORES.contains(&node.noun.as_str()) || is_variable;
        let rest = self.path.segments.get(self.next..).unwrap_or_default();
        let is_name = |segment: &Segment| {
            let is_word = |word: &String| is_plural(word) || is_verb(word) || is_part(word);
            !segment.word.as_ref().is_some_and(is_word)
        };
        let is_single = is_last && !node.plural && segment.text.contains('.');
        let is_name = is_store || (is_tree && rest.iter().all(is_name));
        if is_written && (is_store || is_single || rest.len() > 1) && is_name {
            self.rest();
            return true;
        }
        false
    }

    /// `/repository/releases/org/acme/app/1.0/app-1.0.jar`: a file in Maven's layout, whose folders are words
    /// of whoever publishes it. What stands before them is where it is, unless it is a repository.
    ///
    ///   <https://maven.apache.org/repositories/layout.html>
    pub(super) fn layout(&mut self) {
        let segments = self.path.segments.get(self.next..).unwrap_or_default();
        let [.., artifact, version, file] = segments else { return };
        let is_versioned = file.text.strip_prefix(artifact.text.as_str()).is_some_and(|rest| {
            let rest = rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(&version.text));
            rest.is_some_and(|rest| rest.starts_with(['.', '-']))
        });
        if !is_versioned || !matches!(self.method, "PUT" | "DELETE" | "PATCH" | "POST") {
            return;
        }
        let text = |at: usize| self.path.segments.get(at).map(|segment| segment.text.as_str());
        let folder = (self.next..=self.next + 1).find(|at| {
            matches!(text(*at), Some("repositories" | "repository"))
                && at + 4 < self.path.segments.len()
        });
        if let Some(at) = folder {
            let mut own =
                super::Node { at: Some(at), plural: true, ..super::Node::named("repository") };
            own.take_id(text(at + 1).unwrap_or_default(), Some(at + 1));
            self.out.nodes.push(own);
            self.next = at + 2;
        }
        self.out.nodes.push(super::Node { plural: true, ..super::Node::named("file") });
        self.rest();
    }

    /// `/v2/library/nginx/manifests/latest`: a repository of a registry, whose name has several segments.
    ///
    ///   <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints>
    pub(super) fn registry(&mut self) {
        let segments = self.path.segments.as_slice();
        let is_of_registry =
            |segment: &Segment| matches!(segment.text.as_str(), "blobs" | "manifests");
        let at = segments.iter().rposition(is_of_registry).unwrap_or_default();
        let is_first = segments.first().is_some_and(|first| first.text == "v2");
        let Some(names) = segments.get(1..at).filter(|names| is_first && !names.is_empty()) else {
            return;
        };
        let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        let mut own = super::Node { plural: true, ..super::Node::named("repository") };
        own.take_id(&names.join("/"), None);
        own.slots.extend(1..at);
        self.out.nodes.push(own);
        self.next = at;
    }

    /// Whether what is left is the path of a file in a repository, or of a branch with a `/` in its name,
    /// with nothing behind it: `/repos/acme/web/contents/docs/users/a.md`, `/branches/feature/x`.
    fn is_in_repository(&self, is_last: bool) -> bool {
        let [.., outer, node] = self.out.nodes.as_slice() else { return false };
        let is_inside = outer.is_item && matches!(outer.noun.as_str(), "project" | "repository");
        if !is_inside || !node.plural || matches!(self.method, "GET" | "HEAD" | "OPTIONS") {
            return false;
        }
        if node.noun == "content" {
            return true;
        }
        let rest = self.path.segments.get(self.next + 1..).unwrap_or_default();
        let is_other = |segment: &Segment| {
            segment.word.as_deref().is_some_and(|word| {
                is_verb(word) || is_part(word) || is_thing(word) || is_plural(word)
            })
        };
        OF_REPOSITORIES.contains(&node.noun.as_str())
            && !is_last
            && self.method != "POST"
            && !rest.iter().any(is_other)
    }

    /// Whether what is left is the path of a secret below `/v1/secret`.
    fn is_secret(&self, node: &super::Node) -> bool {
        let is_store = node.noun == "secret" && !node.plural && node.at == Some(self.path.start);
        let rest = self.path.segments.get(self.next..).unwrap_or_default();
        let is_word = |segment: &Segment| {
            segment.word.as_deref().is_some_and(|word| is_verb(word) || is_part(word))
        };
        let is_written = match self.method {
            "PUT" | "PATCH" | "DELETE" => true,
            "POST" => rest.len() > 1,
            _ => false,
        };
        is_store && is_written && self.path.start > 0 && !rest.last().is_some_and(is_word)
    }

    /// Takes the rest of the path for the one name of the item.
    pub(super) fn rest(&mut self) {
        let segments = self.path.segments.get(self.next..).unwrap_or_default();
        let texts: Vec<&str> = segments.iter().map(|segment| segment.text.as_str()).collect();
        let end = self.path.segments.len();
        let first = self.next;
        if let Some(node) = self.out.nodes.last_mut() {
            node.id = bounded(&texts.join("/")).map(|id| cut(&id));
            node.is_item = true;
            node.slots.extend(first..end);
        }
        self.next = end;
    }
}

/// Whether a name ends like that of a file.
fn is_file(text: &str) -> bool {
    let end = text.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
    end.is_some_and(|(_, end)| {
        (2..=5).contains(&end.len())
            && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && end.starts_with(|first: char| first.is_ascii_lowercase())
    })
}
