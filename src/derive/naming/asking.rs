//! What somebody asks to be sent who cannot sign in: a way to set another password, to unlock the
//! account, to confirm whose it is. It is a mail that is sent, and nothing is set by it yet.

use super::super::body::{self, Value, step};
use super::super::nouns::known_category;
use super::super::signs::MEMBERS_MAX;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::walk::{Node, Walked};
use super::super::words::snake;
use super::Naming;
use crate::record::Target;

/// Nouns of who has an account.
const PEOPLE: [&str; 5] = ["account", "admin", "customer", "member", "user"];

/// Verbs that say by themselves that a password is asked for.
const FORGOT: [&str; 5] =
    ["forget_password", "forgot_password", "lost_password", "recover_password", "request_reset"];

/// Members in which it is said who asks, the best first.
const WHO: [&str; 12] = [
    "email",
    "email_address",
    "e_mail",
    "mail",
    "user_email",
    "login",
    "user_login",
    "username",
    "user_name",
    "user",
    "identifier",
    "account",
];

/// The same, of those that hold an address.
const ADDRESSES: usize = 5;

/// Members by which somebody shows to have got such a mail.
const PROOFS: [&str; 8] = ["code", "key", "otp", "pin", "token", "uid", "uidb64", "verification"];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Reset,
    Unlock,
    Confirmation,
}

/// What is asked for, and by whom.
pub(super) struct Asked {
    what: What,
    /// The name, and where it stands.
    who: Option<(String, String)>,
}

/// What a request asks for; nothing if it may set something.
pub(super) fn asked(walked: &Walked, method: &str, body: Option<&Value<'_>>) -> Option<Asked> {
    if method != "POST" {
        return None;
    }
    let (what, by_name) = asks_for(walked)?;
    let sent: Vec<Sent<'_>> = body.map(all).unwrap_or_default();
    if sent.iter().any(|sent| sets_password(&sent.name) || proves(&sent.name)) {
        return None;
    }
    let names = match what {
        // Others are unlocked by what they are called.
        What::Unlock => WHO.get(..ADDRESSES).unwrap_or_default(),
        _ => &WHO,
    };
    let of = |name: &&str| sent.iter().find(|sent| sent.name == **name);
    let who = names.iter().find_map(of);
    let is_other = sent.iter().any(|sent| matches!(sent.name.as_str(), "id" | "ids" | "user_id"));
    (by_name || who.is_some() && !is_other).then(|| {
        let who = who.and_then(|who| Some((body::scalar(who.value)?, who.at.clone())));
        Asked { what, who }
    })
}

/// What a path is for, and whether that is all that it can be for.
fn asks_for(walked: &Walked) -> Option<(What, bool)> {
    let [outer @ .., node] = walked.nodes.as_slice() else { return None };
    if node.is_item {
        return None;
    }
    let is_people = |node: &Node| PEOPLE.contains(&node.noun.as_str()) && !node.is_item;
    let is_of_people = || outer.last().is_some_and(is_people);
    let is_password = node.noun == "password";
    let part = walked.part.as_deref();
    match (walked.verb.as_deref(), part) {
        (Some(verb), None | Some("password"))
            if FORGOT.contains(&verb)
                && (is_password
                    || is_people(node)
                    || matches!(node.noun.as_str(), "session" | "resource")) =>
        {
            Some((What::Reset, true))
        }
        (None, None)
            if node.noun == "email" && outer.last().is_some_and(|it| it.noun == "password") =>
        {
            Some((What::Reset, true))
        }
        (None | Some("reset"), Some("password")) if is_people(node) => Some((What::Reset, false)),
        // With an address alone, and no password that is to be set.
        (Some("change_password" | "reset_password"), None)
            if is_people(node) || node.noun == "dbconnection" =>
        {
            Some((What::Reset, false))
        }
        (None | Some("reset" | "update"), None) if is_password => Some((What::Reset, false)),
        (None, None) if node.noun == "password_reset" => Some((What::Reset, false)),
        (Some("unlock"), None) if is_people(node) => Some((What::Unlock, false)),
        (None, None) if node.noun == "confirmation" && is_of_people() => {
            Some((What::Confirmation, false))
        }
        _ => None,
    }
}

/// A member that is sent, by the last of its names.
struct Sent<'b> {
    name: String,
    value: &'b Value<'b>,
    at: String,
}

/// The members of a body, and those within them: `{"user": {"email": …}}`, `user[email]`,
/// `Input.Email`.
fn all<'b>(body: &'b Value<'b>) -> Vec<Sent<'b>> {
    let last = |name: &str| {
        let name = name.strip_suffix(']').unwrap_or(name);
        snake(name.rsplit(['[', '.', '$']).next().unwrap_or(name))
    };
    let mut sent = Vec::new();
    // What begins with `_` is the framework's own.
    for (name, value) in body.members().iter().filter(|(name, _)| !name.starts_with('_')) {
        if matches!(value, Value::Object(_)) && value.get("redacted").is_none() {
            let inner = value.members().iter().map(|(own, value)| Sent {
                name: last(own),
                value,
                at: format!("${}{}", step(name), step(own)),
            });
            sent.extend(inner.take(MEMBERS_MAX));
        } else {
            sent.push(Sent { name: last(name), value, at: format!("${}", step(name)) });
        }
        if sent.len() > MEMBERS_MAX {
            break;
        }
    }
    sent
}

fn sets_password(name: &str) -> bool {
    name == "pass"
        || name.starts_with("pass_")
        || name.ends_with("_pass")
        || ["passphrase", "passwd", "pwd"].iter().any(|word| name.contains(word))
        || name.contains("password") && !name.ends_with("_reset")
}

/// Tokens of forms, which anything is sent with, prove nothing.
fn proves(name: &str) -> bool {
    let about =
        ["activation", "confirmation", "password", "recovery", "reset", "unlock", "verification"];
    PROOFS.contains(&name)
        || name.rsplit_once('_').is_some_and(|(before, last)| {
            PROOFS.contains(&last) && about.iter().any(|word| before.contains(word))
        })
}

impl Asked {
    /// The name of the request: somebody asks, and nothing is done to them.
    pub(super) fn named(self, naming: Naming, trace: &mut Trace) -> Naming {
        let (noun, verb, part) = match self.what {
            What::Reset => ("password", "request_reset", "password_reset"),
            What::Unlock => ("user", "request_unlock", "unlock"),
            What::Confirmation => ("user", "request_confirmation", "confirmation"),
        };
        trace.forget(|field| matches!(field, Field::Kind(_) | Field::Id(_) | Field::Name(_)));
        trace.note(Field::Kind(0), || (By::Convention("who asks for a mail"), Vec::new()));
        let (name, at) = self.who.unzip();
        if name.is_some() {
            let from = || at.map(Origin::RequestBody).into_iter().collect();
            trace.note(Field::Name(0), || (By::Convention("the name that is sent"), from()));
        }
        let mut sentence = naming.sentence;
        (sentence.verb, sentence.part) = ("request".to_owned(), Some(part.to_owned()));
        (sentence.owner, sentence.is_claimed, sentence.is_whole) = (None, false, false);
        (sentence.outer, sentence.owners) = (Vec::new(), 0);
        Naming {
            action: format!("{noun}.{verb}"),
            category: known_category(noun).unwrap_or(noun).to_owned(),
            targets: vec![Target { kind: "user".to_owned(), id: None, name }],
            sentence,
            is_item: false,
            notes: Vec::new(),
            ..naming
        }
    }
}
