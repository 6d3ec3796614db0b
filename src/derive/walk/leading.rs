//! Verbs that stand before what they are about: `/delete/users/5`, `/delete_user/5`.

use super::super::nouns::{is_known_noun, is_thing};
use super::super::path::Segment;
use super::super::verbs::{canonical, compound, is_leading, is_verb};
use super::super::words::{is_plural, singular};
use super::named::{is_named, is_own_of_people};
use super::{Node, Walk, compound_tail, is_people, noun_first};

/// Pages of applications where one signs in, by what they are called.
const SIGN_IN: [&str; 11] = [
    "aaa_login",
    "authn",
    "dologin",
    "first_factor",
    "firstfactor",
    "j_security_check",
    "j_spring_security_check",
    "login_check",
    "spring_security_check",
    "user_login",
    "wp_login",
];

/// Segments before what is done to tokens (RFC 7009, RFC 7662).
const TOKEN_FOLDERS: [&str; 7] =
    ["token", "connect", "oauth", "oauth2", "oidc", "openid_connect", "openid-connect"];

/// Verbs for what is done to people, who have names of all kinds.
const TO_PEOPLE: [&str; 9] = [
    "ban",
    "deactivate",
    "impersonate",
    "kick",
    "reactivate",
    "suspend",
    "unban",
    "unlock",
    "unsuspend",
];

/// Those of them that are done to nothing else.
const ONLY_TO_PEOPLE: [&str; 4] = ["ban", "impersonate", "kick", "unban"];

/// Verbs after a singular that are followed by a name, whatever it looks like.
const ON_NAMES: [&str; 6] = ["decrypt", "encrypt", "fire", "issue", "revive", "rewrap"];

/// Verbs after a singular that are followed by an id, and are no nouns themselves.
const ON_IDS: [&str; 10] =
    ["cancel", "demote", "fail", "join", "launch", "pause", "promote", "reload", "resume", "retry"];

/// What is done to services, before what they are called.
const OF_SERVICES: [&str; 4] = ["reload", "restart", "start", "stop"];

impl Walk<'_> {
    /// A word that says by itself what is done, before or without what it is done to.
    pub(super) fn special(&mut self, segment: &Segment, word: &str, is_last: bool) -> bool {
        self.linked(segment)
            || self.tokens(word, is_last)
            || self.signs_in(word, is_last)
            || self.parameters(word)
            || self.leads(word)
            || self.called_by_product(word, is_last)
            || self.done_to(word)
            || self.mounted(word)
            || self.jenkins(segment, word)
            || self.slug(segment, word)
            || self.path_of_names(segment, word, is_last)
    }

    /// `/b2api/v2/b2_delete_bucket`: before what is done stands what all is called that is called there.
    fn called_by_product(&mut self, word: &str, is_last: bool) -> bool {
        let is_bare = self.out.nodes.last().is_none_or(|node| !node.is_item && !node.plural);
        let Some((name, rest)) = word.split_once('_') else { return false };
        let is_name = name.bytes().any(|byte| byte.is_ascii_digit());
        if !is_last || !is_bare || !is_name || self.method != "POST" {
            return false;
        }
        let Some((verb, about)) = compound(rest).filter(|(_, about)| !about.is_empty()) else {
            return false;
        };
        self.node(about);
        (self.out.verb, self.out.verb_at) = (Some(canonical(verb).to_owned()), Some(self.next));
        true
    }

    /// The first word of all: a verb alone is done to nobody knows what.
    pub(super) fn first(&mut self, word: &str, is_last: bool) {
        if let Some((noun, verb)) = noun_first(word).filter(|_| is_last) {
            self.node(noun);
            self.out.verb = Some(canonical(verb).to_owned());
            self.out.verb_at = Some(self.next);
            return;
        }
        if is_last && self.is_act_alone(word) {
            // To what it is done, nothing says; what is uploaded is a file.
            let is_file = canonical(word) == "upload";
            self.out.nodes.push(Node::named(if is_file { "file" } else { "resource" }));
            return self.verb(word);
        }
        if is_last || !matches!(word, "actions" | "action") {
            self.node(word);
        }
    }

    /// `/wp-json/wp/v2/settings`: what stands before a version, and is no collection or item, is where the
    /// API is.
    pub(super) fn is_below_areas(&mut self) -> bool {
        let is_area = |node: &Node| !node.plural && !node.is_item;
        let is_below = self.path.is_version(self.next) && self.out.nodes.iter().all(is_area);
        let is_below = is_below && self.out.part.is_none() && self.out.verb.is_none();
        if is_below {
            self.out.nodes.clear();
        }
        is_below
    }

    /// `/oauth/revoke`, `/oauth2/introspect`.
    fn tokens(&mut self, word: &str, is_last: bool) -> bool {
        let verb = match word {
            "revoke" | "revocation" => "revoke",
            "introspect" | "introspection" => "introspect",
            _ => return false,
        };
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let is_there = before.is_some_and(|before| TOKEN_FOLDERS.contains(&before.text.as_str()));
        if !is_last || !is_there {
            return false;
        }
        // The area before it says nothing.
        self.out.nodes.retain(|node| node.is_item);
        self.out.nodes.push(Node::named("token"));
        self.out.verb = Some(verb.to_owned());
        self.out.verb_at = Some(self.next);
        true
    }

    /// `/wp-login.php`, and `/auth/userpass/login/ann`, whose last segment is who signs in.
    fn signs_in(&mut self, word: &str, is_last: bool) -> bool {
        let is_post = matches!(self.method, "POST" | "PUT");
        if is_last && self.out.nodes.is_empty() && SIGN_IN.contains(&word) && is_post {
            self.verb("login");
            return true;
        }
        // `/collections/users/auth-with-password`, as PocketBase has it.
        let is_with = ["auth_with_", "authenticate_by_", "authenticate_with_"];
        if is_last && is_post && is_with.iter().any(|with| word.starts_with(with)) {
            self.out.nodes.clear();
            self.verb("login");
            return true;
        }
        // `/services/auth/login`: no item is called `auth`, and is signed in to.
        let is_auth = |at: &usize| self.path.segments.get(*at).is_some_and(|it| it.text == "auth");
        let is_behind = self.next.checked_sub(1).is_some_and(|at| is_auth(&at));
        let is_item = self.out.nodes.last().is_some_and(|node| node.slots.iter().all(is_auth));
        if is_last && is_post && canonical(word) == "login" && is_behind && is_item {
            self.out.nodes.pop();
            self.verb("login");
            return true;
        }
        // The assertion consumer service of SAML.
        let is_saml =
            || self.path.segments.iter().any(|it| it.text.to_ascii_lowercase().contains("saml"));
        if is_last && word == "acs" && is_post && is_saml() {
            self.verb("login");
            return true;
        }
        let is_before_name = word == "login" && self.next + 2 == self.path.segments.len();
        let before = self.next.checked_sub(2).and_then(|at| self.path.segments.get(at));
        let is_under = before.is_some_and(|before| before.text == "auth");
        let Some(name) = self.path.segments.get(self.next + 1) else { return false };
        if !is_before_name || !is_under || !is_post {
            return false;
        }
        self.verb("login");
        self.next += 1;
        self.id(name);
        true
    }

    /// `/delete/users/5`, `/deactivate/user/5`, `/delete_user/5`, `/service/deregister/web-1`.
    fn leads(&mut self, word: &str) -> bool {
        let left = self.path.segments.len() - self.next - 1;
        let Some(next) = self.path.segments.get(self.next + 1) else { return false };
        if self.out.verb.is_some() || !matches!(self.method, "GET" | "POST" | "PUT" | "PATCH") {
            return false;
        }
        let is_first = self.out.nodes.is_empty();
        if is_first && left == 1 && self.done_to_nameless(word, next) {
            return true;
        }
        let says = |next: &Segment| next.word.as_deref().is_some_and(|word| !is_verb(word));
        if is_first && is_leading(word) && says(next) {
            self.out.verb = Some(canonical(word).to_owned());
            self.out.verb_at = Some(self.next);
            return true;
        }
        // The one segment behind it is an id, whatever it looks like.
        if left != 1 {
            return false;
        }
        let is_id = !next.word.as_deref().is_some_and(|word| is_thing(word) || is_plural(word));
        let is_bare = self.out.nodes.last().is_some_and(|node| !node.is_item);
        let is_on_one = self.out.nodes.last().is_some_and(|node| !node.plural || is_people(node));
        // `/transit/encrypt/my-key`, `/agent/force-leave/agent-one`: with what, or upon what.
        let is_on_name = ON_NAMES.contains(&word)
            || compound(word).is_some_and(|(verb, about)| verb.contains('_') && about.is_empty());
        // An issue is a thing nearly everywhere else.
        let is_pki = |node: &Node| node.noun.starts_with("pki");
        let is_on_name =
            is_on_name && (word != "issue" || self.out.nodes.last().is_some_and(is_pki));
        // `/deployment/promote/8b2…`
        let is_on_id = ON_IDS.contains(&word) && next.word.is_none();
        let is_on_service = OF_SERVICES.contains(&word)
            && self.out.nodes.last().is_some_and(|node| node.noun == "service");
        let is_on_name = is_on_name || is_on_id || is_on_service;
        let is_named = is_on_name && !is_first && self.method != "GET";
        let is_leading_here = is_id && is_leading(word) && !is_on_none(word);
        if is_on_one && is_bare && (is_leading_here || is_named) {
            self.out.verb = Some(canonical(word).to_owned());
            self.out.verb_at = Some(self.next);
            self.next += 1;
            self.id(next);
            return true;
        }
        let Some((verb, about)) = compound_tail(word).filter(|(verb, _)| is_leading(verb)) else {
            return false;
        };
        // `/database/rotate-role/app`: what stands before it is an area.
        let is_area = is_bare && is_id && !is_on_none(verb) && self.method != "GET";
        let is_area = is_area && self.out.nodes.last().is_some_and(|node| !node.plural);
        if !(is_first || is_area) || next.word.as_deref().is_some_and(is_verb) {
            return false;
        }
        self.out.verb = Some(canonical(verb).to_owned());
        self.out.verb_at = Some(self.next);
        // `/firewall/alias/delItem/5`: an item of what stands before it.
        if about != "item" || is_first {
            self.out.nodes.push(Node::named(&singular(about)));
        }
        self.next += 1;
        self.id(next);
        true
    }

    /// `/impersonate/5`, `/deactivate/ann@example.com`: a verb, and who or what it is done to, of which
    /// no more is said than the id.
    fn done_to_nameless(&mut self, word: &str, next: &Segment) -> bool {
        let is_to_people = TO_PEOPLE.contains(&word);
        // What is put somewhere may be a lock or a grant.
        let is_done = self.method == "POST" && is_leading(word) && !is_on_none(word)
            || is_to_people && matches!(self.method, "POST" | "PUT" | "PATCH");
        let is_id = match next.word.as_deref() {
            None => true,
            // Hardly anything but people has a name that could be a noun.
            Some(name) => {
                is_to_people
                    && !is_thing(name)
                    && !is_plural(name)
                    && !is_verb(name)
                    && !is_known_noun(name)
                    && !is_named(name)
                    && !is_own_of_people(name)
            }
        };
        if !is_done || !is_id || matches!(canonical(word), "login" | "logout" | "register") {
            return false;
        }
        (self.out.verb, self.out.verb_at) = (Some(canonical(word).to_owned()), Some(self.next));
        let is_person = ONLY_TO_PEOPLE.contains(&word) || is_address(&next.text);
        self.out.nodes.push(Node::named(if is_person { "user" } else { "resource" }));
        self.next += 1;
        self.id(next);
        true
    }
}

/// `ann@example.com`, `@ann:example.com`
fn is_address(text: &str) -> bool {
    text.contains('@')
}

/// What is done to no item that there is.
fn is_on_none(verb: &str) -> bool {
    let known = ["create", "export", "generate", "get", "import", "list", "search", "validate"];
    known.contains(&canonical(verb))
}
