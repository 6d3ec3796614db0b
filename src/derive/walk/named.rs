//! Names behind singulars: `/group/ops/member/ann`, `/user/ann/disable`, `DELETE /account/acme`; and behind
//! other names: `PUT /plugins/limit/shop%2Feu/edge`.
//!
//! What stands there is somebody's word. It must be an id wherever it can be one, since as a noun it
//! would make as many actions as there are names; and it is none where applications have words of
//! their own: `/account/billing`, `/user/address/update`.

use super::super::nouns::{
    is_common_collection, is_known_noun, is_marker, is_part, is_singleton, is_thing, known_category,
};
use super::super::path::Segment;
use super::super::verbs::{compound, is_of_several, is_verb};
use super::super::words::{is_plural, singular};
use super::verb::PLAINLY_DONE;
use super::{Walk, compound_tail};

/// Singulars that a name may follow.
const NAMED: [&str; 37] = [
    "account",
    "api_key",
    "application",
    "bucket",
    "client",
    "cluster",
    "customer",
    "database",
    "device",
    "domain",
    "environment",
    "group",
    "host",
    "instance",
    "job",
    "key",
    "machine",
    "member",
    "model",
    "namespace",
    "network",
    "node",
    "organization",
    "package",
    "policy",
    "project",
    "queue",
    "record",
    "repository",
    "role",
    "site",
    "snapshot",
    "team",
    "tenant",
    "token",
    "user",
    "zone",
];

/// Those below which applications have what belongs to whoever is signed in.
const OWN: [&str; 2] = ["account", "user"];

/// What belongs to them there, besides what the convention knows of.
const OWN_THINGS: [&str; 53] = [
    "address",
    "alert",
    "app",
    "background",
    "bank",
    "banner",
    "basket",
    "bio",
    "birthday",
    "bookmark",
    "calendar",
    "card",
    "cart",
    "consent",
    "contact",
    "cookie",
    "cover",
    "currency",
    "dashboard",
    "data",
    "email",
    "favorite",
    "favourite",
    "feed",
    "gender",
    "history",
    "inbox",
    "kyc",
    "language",
    "license",
    "locale",
    "message",
    "mode",
    "name",
    "newsletter",
    "nickname",
    "order",
    "otp",
    "photo",
    "picture",
    "pin",
    "self",
    "session",
    "share",
    "signature",
    "tax",
    "theme",
    "timezone",
    "title",
    "trial",
    "username",
    "wallet",
    "wishlist",
];

/// What is known by two names, that of where it is and its own: `/flags/web/new-checkout`.
const OF_TWO_NAMES: [&str; 6] =
    ["experiment", "feature", "feature_flag", "flag", "segment", "toggle"];

/// Ends of domains, besides those of countries.
const TOP_LEVEL: [&str; 9] = ["app", "cloud", "com", "dev", "edu", "example", "net", "org", "test"];

/// Hosts of code, before whose it is and what it is called.
const HOSTS: [&str; 5] = ["bb", "bitbucket", "gh", "github", "gitlab"];

/// Where people are known, before what they are called there: `/users/local/ann`.
const REALMS: [&str; 5] = ["external", "ldap", "local", "native", "saml"];

/// What databases and brokers hold, in the singular. It is called after what is in it, so that behind it
/// any word may be a name: `/collection/users/truncate`.
const OF_DATA: [&str; 7] =
    ["bucket", "collection", "envvar", "keyspace", "queue", "stream", "topic"];

/// Verbs for what is done to one of several, beside those that are plain.
const ON_ITEMS: [&str; 15] = [
    "approve",
    "archive",
    "ban",
    "block",
    "demote",
    "dispatch",
    "edit",
    "impersonate",
    "launch",
    "lock",
    "promote",
    "reject",
    "restore",
    "unarchive",
    "update",
];

/// Collections whose items people name after what is in them: `POST /topics/orders`.
const NAMED_BY_PEOPLE: [&str; 3] = ["queue", "stream", "topic"];

/// What such items have.
const OF_STREAMS: [&str; 8] = [
    "consumers",
    "messages",
    "partitions",
    "posts",
    "records",
    "replies",
    "subscribers",
    "subscriptions",
];

impl Walk<'_> {
    /// Whether a last word is the end of a key in several segments: a kind, in what, and a name. What stands
    /// behind them is no word of the application's, which it would be behind one id: `/plugins/5/edge`.
    pub(super) fn is_key(&self, word: &str) -> bool {
        let Some(node) = self.out.nodes.last().filter(|node| node.noun != "repository") else {
            return false;
        };
        let is_word =
            |at: usize| self.path.segments.get(at).is_some_and(|segment| segment.word.is_some());
        let [.., kind, within] = node.slots.as_slice() else {
            return self.is_second_name(word);
        };
        let is_row = kind + 1 == *within && within + 1 == self.next;
        let is_known =
            is_thing(word) || is_known_noun(word) || is_singleton(word) || is_plural(word);
        let is_done = is_verb(word) || self.is_acting(word) || self.is_acting_on_one(word);
        matches!(self.method, "PUT" | "PATCH" | "DELETE")
            && is_row
            && is_word(*kind)
            && !is_word(*within)
            && !is_known
            && !is_done
    }

    /// Whether a last word is the second name of what has two, even if it begins like a verb: a flag may be
    /// called `new-checkout`, or `enable-sso`.
    fn is_second_name(&self, word: &str) -> bool {
        let Some(node) = self.out.nodes.last() else { return false };
        let [at] = node.slots.as_slice() else { return false };
        let first = self.path.segments.get(*at).filter(|_| at + 1 == self.next && node.plural);
        let Some(first) = first.and_then(|first| first.word.as_deref()) else { return false };
        let is_fit = match node.noun.as_str() {
            "user" | "group" => REALMS.contains(&first),
            noun => OF_TWO_NAMES.contains(&noun),
        };
        let is_called =
            || compound(word).is_some_and(|(_, it)| !it.is_empty() && !is_of_several(it));
        let is_known =
            || is_thing(word) || is_known_noun(word) || is_singleton(word) || is_plural(word);
        let is_done = || is_verb(word) || self.is_acting(word) || self.is_acting_on_one(word);
        matches!(self.method, "PUT" | "PATCH" | "DELETE")
            && is_fit
            && (is_called() || !is_known() && !is_done())
    }

    /// Whether a word between a singular and an id says what kind of id that is: `/user/id/41`,
    /// `/process-definition/key/invoice`.
    pub(super) fn is_marker_here(&self, word: &str) -> bool {
        let is_key = word == "key" && self.noun().ends_with("definition");
        is_key || is_marker(word) && word != "acl"
    }

    /// `/project/gh/acme/web`: in which host of code, whose, and what it is called.
    pub(super) fn slug(&mut self, segment: &Segment, word: &str) -> bool {
        let is_fit = self.out.nodes.last().is_some_and(|node| {
            !node.is_item && matches!(node.noun.as_str(), "project" | "repository")
        });
        let Some([whose, name]) = self.path.segments.get(self.next + 1..self.next + 3) else {
            return false;
        };
        let is_slug = is_fit && HOSTS.contains(&word);
        if is_slug {
            [segment, whose, name].into_iter().for_each(|part| {
                self.id(part);
                self.next += 1;
            });
            self.next -= 1;
        }
        is_slug
    }

    /// Whether the next segment says what kind of id follows, so that this one is a noun:
    /// `/pool/dataset/id/tank%2Fdata`.
    pub(super) fn is_before_marker(&self) -> bool {
        let next = self.path.segments.get(self.next + 1).and_then(|next| next.word.as_deref());
        next.is_some_and(is_marker) && self.next + 2 < self.path.segments.len()
    }

    /// Whether a word behind a collection is that of another list, which no item is called.
    pub(super) fn is_list_of_own(&self, word: &str) -> bool {
        let is_in_settings = || is_plural(word) && matches!(self.noun(), "setting" | "settings");
        let is_known = is_common_collection(word) || word == "acls" || word.ends_with("ation");
        is_known || is_in_settings()
    }

    /// Whether a plural behind a collection names one of it.
    pub(super) fn is_named_by_people(&self, word: &str) -> bool {
        let node = self.out.nodes.last();
        node.is_some_and(|node| NAMED_BY_PEOPLE.contains(&node.noun.as_str()))
            && !OF_STREAMS.contains(&word)
            && !is_common_collection(word)
    }

    /// Whether a word directly behind a singular is the name of an item, by what follows it.
    pub(super) fn is_name_behind(&self, segment: &Segment, word: &str) -> bool {
        let [outer @ .., node] = self.out.nodes.as_slice() else { return false };
        if segment.is_literal {
            return false;
        }
        let is_direct = node.at.is_some_and(|at| at + 1 == self.next);
        let is_fit = is_direct && !node.plural && NAMED.contains(&node.noun.as_str());
        // `/tailnet/example.com/acl`
        if is_direct && !node.plural && is_domain(&segment.text) {
            return self.next + 1 < self.path.segments.len();
        }
        if is_direct && !node.plural && OF_DATA.contains(&node.noun.as_str()) {
            return self.is_of_data(segment, word);
        }
        // `/group/users/member/ann`: behind no collection stands a singular and a name.
        let rest = self.path.segments.get(self.next + 1..).unwrap_or_default();
        let is_singular =
            |next: &Segment| next.word.as_deref().is_some_and(|it| NAMED.contains(&it));
        let is_paired = rest.len() > 1 && rest.first().is_some_and(is_singular);
        let is_word = is_word_of_application(word) && !(is_paired && is_common_collection(word));
        // `/model/user/update`: what models are called is whoever's choice that adds one.
        let is_changed =
            |next: &Segment| matches!(next.word.as_deref(), Some("delete" | "edit" | "update"));
        let is_of_model = node.noun == "model" && matches!(rest, [next] if is_changed(next));
        let is_word = is_word && !is_of_model;
        if !is_fit || segment.text.starts_with('_') || is_word {
            return false;
        }
        let is_inner = match outer.last() {
            Some(outer) if outer.is_item => true,
            // `/approle/role/ci`: where it is.
            Some(outer) if node.noun == "role" && !outer.plural => false,
            Some(_) => return false,
            None => false,
        };
        let is_own = !is_inner && OWN.contains(&node.noun.as_str());
        let Some(next) = rest.first() else { return self.is_last_name(word, is_inner, is_own) };
        let Some(next) = next.word.as_deref() else { return false };
        let is_collection = NAMED.contains(&next)
            || is_common_collection(next)
            || is_plural(next) && NAMED.contains(&singular(next).as_str())
            || is_plural(next) && !is_own && rest.len() > 1;
        let is_done = || {
            let is_on_one = PLAINLY_DONE.contains(&next) || ON_ITEMS.contains(&next);
            is_on_one || compound_tail(next).is_some() || is_verb(next) && !is_own
        };
        // `/role/ci/secret-id`
        let is_own_id = || next.ends_with("_id");
        is_collection || rest.len() == 1 && (is_part(next) || is_own_id() || is_done())
    }

    /// Whether a word names what a database or a broker holds, by the method, or since a word follows.
    fn is_of_data(&self, segment: &Segment, word: &str) -> bool {
        let is_changed = matches!(self.method, "DELETE" | "PATCH" | "PUT");
        let is_own = segment.text.starts_with('_') || is_verb(word) || is_part(word);
        let next = self.path.segments.get(self.next + 1);
        !is_own && next.map_or(is_changed, |next| next.word.is_some())
    }

    /// Whether the last word of a path names what its method changes.
    fn is_last_name(&self, word: &str, is_inner: bool, is_own: bool) -> bool {
        match self.method {
            "DELETE" | "PATCH" | "PUT" => is_inner || !(is_own && is_plural(word)),
            "POST" => is_inner && !is_plural(word),
            _ => false,
        }
    }

    /// `/project/7/version`, `/company/5/customer`: where an item follows a singular, another singular is
    /// that of what is made in it.
    pub(super) fn is_made_in_one(&self, word: &str) -> bool {
        let node = self.out.nodes.last().filter(|node| !node.plural && node.at.is_some());
        let is_noun = is_known_noun(word) || word.ends_with("ion");
        node.is_some_and(|node| !OWN.contains(&node.noun.as_str()))
            && is_noun
            && !is_part(word)
            && !is_singleton(word)
    }

    /// `/group/ops/member`: those of one group.
    pub(super) fn are_members(&self, word: &str) -> bool {
        let node = self.out.nodes.last();
        matches!(word, "member" | "user") && node.is_some_and(|node| node.is_item && !node.plural)
    }
}

/// Whether a text is the name of a domain, and of no file or script.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
    };
    let last = text.rsplit_once('.').map(|(_, last)| last);
    text.split('.').all(is_label)
        && last.is_some_and(|last| {
            TOP_LEVEL.contains(&last)
                || last.len() == 2 && !matches!(last, "do" | "js" | "pl" | "py")
        })
}

/// Whether a name may follow a singular.
pub(super) fn is_named(word: &str) -> bool {
    NAMED.contains(&word)
}

/// Whether a word is one for what belongs to whoever is signed in.
pub(super) fn is_own_of_people(word: &str) -> bool {
    OWN_THINGS.contains(&singular(word).as_str())
}

/// Whether a word is one that applications have for things and acts.
fn is_word_of_application(word: &str) -> bool {
    let one = singular(word);
    let is_abstract =
        ["ion", "ing", "ity", "ment", "ness", "ship"].iter().any(|end| one.ends_with(end));
    is_verb(word)
        || compound_tail(word).is_some()
        || is_part(word)
        || is_part(&one)
        || is_marker(word)
        || is_common_collection(word)
        || known_category(&one).is_some()
        || NAMED.contains(&one.as_str())
        || is_own_of_people(word)
        || is_abstract
        || matches!(word, "action" | "actions" | "db" | "me")
}
