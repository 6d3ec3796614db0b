//! Calls whose names are in the body: what a name such as `createUser` says, and what of.

use super::act::{ACTS_MAX, Act, Answer, More, are_alike};
use super::batch::Within;
use super::body::{self, Many, Value};
use super::graphql::Operation;
use super::holders::{gives, holders, referred};
use super::naming::{GIVEN, are_claimed, is_right, plural_name, right_given, sets_name};
use super::nouns::{is_part, known_category};
use super::reference;
use super::sentence::Sentence;
use super::verbs::{canonical, compound, is_verb, of_action};
use super::words::{singular, snake};
use crate::record::Target;

/// More acts than are told apart.
const TOO_MANY: &str = "acts_truncated";

/// Members of arguments around what is meant.
const WRAPPERS: [&str; 8] =
    ["input", "data", "where", "attributes", "payload", "patch", "params", "record"];

/// Arguments that hold a list of what is made, as Hasura and Prisma have them.
const LISTS: [&str; 2] = ["objects", "data"];

/// What has an id beside what is meant: the call itself, and whoever calls.
const OF_CALLS: [&str; 9] = [
    "client",
    "client_mutation",
    "correlation",
    "idempotency",
    "mutation",
    "request",
    "session",
    "trace",
    "transaction",
];

/// What is done to nothing that there is already.
const MADE: [&str; 8] = ["create", "import", "post", "register", "search", "send", "set", "upload"];

/// Members of a filter that leave what has this value, or one of these.
const EQUAL: [&str; 5] = ["_eq", "_in", "eq", "equals", "in"];

/// Arguments that are looked at.
const ITEMS_MAX: usize = 100;

/// Verbs that are hardly ever nouns: with one of them at its end, a name begins with a noun, even
/// if that is a verb as well (`postCreate`).
const PLAIN: [&str; 8] = ["create", "update", "delete", "add", "remove", "edit", "destroy", "get"];

/// What a request calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// At least one.
    pub(super) acts: Vec<Act>,
    /// How many there are, also of those that are not told apart.
    pub(super) count: usize,
    /// How several of them are called.
    pub(super) kind: &'static str,
    /// The action and the area of all of them, where they have no other in common.
    pub(super) whole: Option<(String, String)>,
    /// They are GraphQL, the gravest of it this.
    pub(super) graphql: Option<Operation>,
    /// What a reader should know.
    pub(super) notes: Vec<&'static str>,
    /// Where requests within it belong, reads as well.
    pub(super) within: Vec<Within>,
}

impl Calls {
    pub(super) fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Leaves no more acts than are told apart, of which the last one stands for the rest and for
    /// `more` that are not here, under this action and with a target of this type.
    pub(super) fn limit(&mut self, more: More, action: &str, target: &str) {
        self.count = self.acts.len() + more.count;
        if self.count <= ACTS_MAX && !more.is_cut {
            return;
        }
        self.note(TOO_MANY);
        let mut left = More { is_cut: more.is_cut, ..More::default() };
        let dropped = self.acts.drain((ACTS_MAX - 1).min(self.acts.len())..);
        dropped.map(|act| act.answer).chain(more.answers).for_each(|answer| left.take(answer));
        left.count = self.count - self.acts.len();
        let kind = match left.count {
            0 => format!("more {}", self.kind),
            left => format!("{left} more {}", self.kind),
        };
        let noun = action.split('.').next().unwrap_or(action);
        self.acts.push(Act {
            action: action.to_owned(),
            category: noun.to_owned(),
            targets: vec![Target { kind: target.to_owned(), ..Target::default() }],
            sentence: Sentence { verb: "run".to_owned(), kind: Some(kind), ..Sentence::default() },
            answer: Answer::More(left),
        });
    }

    /// The action and the area of all of them: the one that they share, or what they are.
    pub(super) fn action(&self) -> (String, String) {
        match self.acts.as_slice() {
            [first, ..] if are_alike(&self.acts) => (first.action.clone(), first.category.clone()),
            _ if self.whole.is_some() => self.whole.clone().unwrap_or_default(),
            _ if self.graphql.is_some() => ("graphql.mutate".to_owned(), "graphql".to_owned()),
            _ if ["requests", super::atomic::KIND].contains(&self.kind) => {
                ("request.batch".to_owned(), "request".to_owned())
            }
            _ => ("rpc.batch".to_owned(), "rpc".to_owned()),
        }
    }
}

/// An act of a call by its noun and verb, and what its arguments say.
pub(super) fn of_call(noun: &str, verb: &str, arguments: &Value<'_>, answer: Answer) -> Act {
    let is_way = verb.starts_with("login_with_") || verb.starts_with("log_in_with_");
    let verb = if is_way { "login" } else { verb };
    let session = matches!(verb, "login" | "logout")
        && matches!(noun, "" | "auth" | "authentication" | "user" | "session");
    let is_own = noun == "me";
    let (noun, verb) = match (noun, verb) {
        (_, "login") if session => return signing("create", "sign_in", arguments, answer),
        (_, "logout") if session => return signing("delete", "sign_out", arguments, answer),
        ("", "register") => ("user", "register"),
        ("", verb) => ("rpc", verb),
        ("me", verb) => ("user", verb),
        pair => pair,
    };
    let of_owner;
    // `grantRole(userId: 7, role: "admin")`: what is given is there already, and so is the user.
    let is_given = (GIVEN.contains(&verb) || is_put(verb)) && gives(noun, arguments);
    let given = is_put(verb).then(|| right_given(noun, canonical(verb))).flatten();
    let plain = if is_put(verb) { canonical(verb) } else { verb };
    let verb = given.filter(|_| is_given).unwrap_or(plain);
    let owner = (!is_given).then(|| owner(noun, arguments).or_else(|| whose(noun, arguments)));
    let noun = match owner.flatten() {
        Some(owner) => {
            of_owner = format!("{owner}_{noun}");
            of_owner.as_str()
        }
        None => noun,
    };
    // A part is not what is acted upon: `updateUserPassword`.
    let (kind, part) = match noun.rsplit_once('_') {
        Some((kind, part))
            if is_part(part) && known_category(noun).is_none_or(|it| it != "api_key") =>
        {
            (kind, Some(part.to_owned()))
        }
        _ => (noun, None),
    };
    let mut targets = targets(arguments, kind, part.is_some());
    if let ([target @ Target { id: None, .. }], true) = (targets.as_mut_slice(), is_own) {
        target.id = Some("me".to_owned());
    }
    if !sets_name(verb) {
        // Whoever names another thing than the id claims it.
        for target in targets.iter_mut().filter(|target| target.id.is_some()) {
            target.name = None;
        }
    }
    call_by((targets.as_mut_slice(), kind, verb), part.as_deref(), arguments);
    refer((&mut targets, verb), is_given, arguments);
    if let [target @ Target { id: None, name: None, .. }] = targets.as_mut_slice()
        && !MADE.contains(&verb)
        && part.is_none()
    {
        target.id = reference::own(arguments, &target.kind).map(|(id, _)| id);
    }
    let is_claimed = are_claimed(&targets);
    let holders = holders((noun, &targets), verb, arguments, true).without(&targets);
    let others = others(arguments, &targets);
    // What is no verb has no past.
    let first = verb.split('_').next().unwrap_or_default();
    let is_known = !matches!(noun, "rpc" | "soap")
        || verb == "call"
        || is_verb(first)
        || compound(verb).is_some();
    let (spoken, told) = match is_known {
        true => (verb.to_owned(), None),
        false => ("call".to_owned(), Some(format!("{} “{verb}”", super::words::spoken(noun)))),
    };
    let spoken = holders.come_to(verb).unwrap_or(spoken);
    let mut sentence =
        Sentence { verb: spoken, kind: told, part, is_claimed, others, ..Sentence::default() };
    holders.tell(&mut sentence);
    Act {
        action: format!("{noun}.{}", of_action(verb)),
        category: known_category(noun).unwrap_or(noun).to_owned(),
        targets,
        sentence,
        answer,
    }
}

/// Whether a verb puts something somewhere or takes it away, and may do no more.
fn is_put(verb: &str) -> bool {
    matches!(verb, "add" | "remove")
}

/// Takes what is called as the target for the one that is there already, where it comes to somebody or into
/// something: `role: "admin"`, `user: "ann"`.
fn refer((targets, verb): (&mut [Target], &str), is_given: bool, arguments: &Value<'_>) {
    let is_moved = || ["_to_", "_from_", "_into_"].iter().any(|way| verb.contains(way));
    if let [target @ Target { id: None, .. }] = targets
        && (is_given || is_moved())
        && let Some(found) = referred(arguments, &target.kind)
    {
        *target = found;
    }
}

/// Takes the name by which somebody is known of whom a part is meant, and that of what is made.
fn call_by(
    (targets, kind, verb): (&mut [Target], &str, &str),
    part: Option<&str>,
    arguments: &Value<'_>,
) {
    match (targets, part) {
        ([target @ Target { id: None, .. }], Some("password" | "role")) => {
            target.name = known_as(arguments);
        }
        // `insert_users_one(object: {name: "Ann"})`, as Hasura has it.
        ([target @ Target { id: None, name: None, .. }], None)
            if matches!(verb, "create" | "upsert") =>
        {
            target.name = arguments.get("object").and_then(|object| body::name(object, kind));
        }
        _ => {}
    }
}

/// Signing in or out.
fn signing(verb: &str, spoken: &str, arguments: &Value<'_>, answer: Answer) -> Act {
    Act {
        action: format!("session.{verb}"),
        category: "session".to_owned(),
        targets: targets(arguments, "session", false),
        sentence: Sentence { verb: spoken.to_owned(), ..Sentence::default() },
        answer,
    }
}

/// The ids that arguments name besides those of the targets.
fn others(arguments: &Value<'_>, targets: &[Target]) -> Vec<String> {
    let inner = WRAPPERS.iter().filter_map(|name| arguments.get(name));
    let places = std::iter::once(arguments).chain(inner).flat_map(Value::members);
    let ids = places.take(ITEMS_MAX).filter(|(name, _)| snake(name).ends_with("_id"));
    let is_target = |id: &String| targets.iter().any(|target| target.id.as_ref() == Some(id));
    ids.filter_map(|(_, id)| body::scalar(id)).filter(|id| !is_target(id)).collect()
}

/// The one thing that arguments name by its id, where a call says but what is done:
/// `impersonate(userId: 5)`.
pub(super) fn thing_meant(arguments: &Value<'_>) -> Option<String> {
    let inner = WRAPPERS.iter().filter_map(|name| arguments.get(name));
    let places = std::iter::once(arguments).chain(inner).flat_map(Value::members);
    let names = places.take(ITEMS_MAX).map(|(name, _)| snake(name));
    let mut things = names.filter_map(|name| {
        let thing = name.strip_suffix("_id").filter(|thing| !thing.is_empty())?;
        (!OF_CALLS.contains(&thing)).then(|| thing.to_owned())
    });
    let thing = things.next()?;
    things.next().is_none().then_some(thing)
}

/// Whose part it is, if only one thing is named: `uploadAvatar(userId: 7)`.
fn owner(part: &str, arguments: &Value<'_>) -> Option<String> {
    let named = |(name, _): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        let name = snake(name);
        name.strip_suffix("_id").filter(|owner| !owner.is_empty()).map(ToOwned::to_owned)
    };
    let mut owners = arguments.members().iter().take(ITEMS_MAX).filter_map(named);
    let owner = is_part(part).then(|| owners.next()).flatten().filter(|owner| owner != part)?;
    owners.next().is_none().then_some(owner)
}

/// Whose password it is that has an id, or an address: `resetPassword(id: 5)`.
fn whose(noun: &str, arguments: &Value<'_>) -> Option<String> {
    let has_id = || places(arguments).any(|it| it.get("id").and_then(body::scalar).is_some());
    let is_own = noun == "password" && (has_id() || known_as(arguments).is_some());
    is_own.then(|| "user".to_owned())
}

/// By what somebody is known of whom no id is given.
fn known_as(arguments: &Value<'_>) -> Option<String> {
    let names = ["email", "login", "username", "user"];
    let mut places = places(arguments);
    places.find_map(|place| names.iter().find_map(|name| body::scalar(place.get(name)?)))
}

/// Where arguments may stand: as they are, or below what only wraps them.
pub(super) fn places<'b>(arguments: &'b Value<'b>) -> impl Iterator<Item = &'b Value<'b>> {
    let inner = WRAPPERS.iter().filter_map(|name| arguments.get(name));
    std::iter::once(arguments).chain(inner)
}

/// The ids that a filter leaves, and nothing else: `where: {id: {_in: [5, 6]}}`.
fn filtered<'b>(arguments: &'b Value<'b>, kind: &str) -> Option<&'b Value<'b>> {
    let filter = arguments.get("where").or_else(|| arguments.get("filter"))?;
    let [(name, Value::Object(condition))] = filter.members() else { return None };
    let [(operator, value)] = condition.as_slice() else { return None };
    let is_id = body::names_id(name, kind) && EQUAL.contains(&operator.as_ref());
    is_id.then_some(value)
}

fn targets(arguments: &Value<'_>, kind: &str, is_part: bool) -> Vec<Target> {
    let inner = || WRAPPERS.iter().filter_map(|name| arguments.get(name));
    let inner = || inner().filter(|value| matches!(value, Value::Object(_)));
    let plural = plural_name(kind);
    let target = |id, name| Target { kind: kind.to_owned(), id, name };
    let listed =
        filtered(arguments, kind).or_else(|| LISTS.iter().find_map(|it| arguments.get(it)));
    match listed.filter(|_| !is_part) {
        Some(list @ Value::Array(_)) => {
            let many = body::many(list, kind, &plural);
            if !many.is_empty() {
                return many.targets.into_iter().map(|it| target(it.id, it.name)).collect();
            }
        }
        Some(Value::Object(_)) | None => {}
        Some(one) => return vec![target(body::scalar(one), None)],
    }
    // `addTeamMembers(teamId: 3, userIds: [7, 8])`: the members of a team are members.
    let is_members = kind.ends_with("_member");
    for place in std::iter::once(arguments).chain(inner()) {
        let many = match place.as_array() {
            Some(_) => Many::default(),
            None => body::many(place, kind, &plural),
        };
        let many = match many.is_empty() && is_members && place.as_array().is_none() {
            true => body::many(place, "member", "members"),
            false => many,
        };
        if !many.is_empty() {
            return many.targets.into_iter().map(|it| target(it.id, it.name)).collect();
        }
    }
    let id = body::id(arguments, kind).or_else(|| inner().find_map(|inner| body::id(inner, kind)));
    // `removeTeamMember(teamId: 9, memberId: 5)`
    let id = id.or_else(|| {
        let last = kind.rsplit('_').next()?;
        let find = |noun: &str| {
            let mut places = std::iter::once(arguments).chain(inner());
            places.find_map(|place| body::own_id(place.members(), noun))
        };
        // `addTeamMember(teamId: 3, userId: 5)`
        find(last).or_else(|| (last == "member").then(|| find("user")).flatten())
    });
    let name = || body::name(arguments, kind);
    let name = name().or_else(|| inner().find_map(|inner| body::name(inner, kind)));
    let name = name.filter(|name| !is_part && Some(name) != id.as_ref());
    vec![target(id, name)]
}

/// `createUser`, `userCreate`, `addUserToTeam`: noun and verb; `None` if there is no verb.
pub(super) fn noun_and_verb(name: &str) -> Option<(String, String)> {
    let name = snake(name);
    let words: Vec<&str> = name.split('_').collect();
    let (first, last) = (words.first()?, words.last()?);
    let is_reversed = words.len() > 1
        && PLAIN.contains(last)
        && !PLAIN.contains(first)
        && !matches!(*first, "cancel" | "prevent" | "undo");
    if !is_reversed {
        if is_verb(canonical(&name)) || is_verb(&name) {
            return Some((String::new(), canonical(&name).to_owned()));
        }
        if let Some((verb, about)) = compound(&name).filter(|(_, about)| !about.is_empty()) {
            return Some(verb_first(verb, about));
        }
    }
    let at = match is_reversed {
        true => words.len() - 1,
        false => {
            words.windows(2).position(
                |pair| matches!(pair, [_, word] if is_verb(word) && !is_of_chain(&words, word)),
            )? + 1
        }
    };
    let (noun, verb) = words.split_at_checked(at)?;
    Some((singular(&noun.join("_")), canonical(&verb.join("_")).to_owned()))
}

/// Whether a word is no verb, but a block of a chain: `eth_blockNumber`.
fn is_of_chain(words: &[&str], word: &str) -> bool {
    let measures = ["count", "hash", "height", "number"];
    word == "block" && words.last().is_some_and(|last| measures.contains(last))
}

/// What a verb is about, up to what it is done with: `user_to_team`, `user_by_id`.
fn verb_first(verb: &str, about: &str) -> (String, String) {
    let words: Vec<&str> = about.split('_').collect();
    let at = words.iter().position(|word| {
        matches!(*word, "to" | "from" | "into" | "for" | "by" | "with" | "in" | "on" | "of")
    });
    match at.filter(|at| *at > 0).and_then(|at| words.split_at_checked(at)) {
        Some((noun, way @ ["to" | "from" | "into", _, ..])) => {
            (singular(&noun.join("_")), format!("{verb}_{}", way.join("_")))
        }
        Some((noun, _)) => (singular(&noun.join("_")), canonical(verb).to_owned()),
        None => {
            let noun = singular(about);
            // What is removed from somebody is there afterwards, other than what is deleted.
            let is_kept = is_put(verb) && is_right(&noun);
            let verb = if is_kept { verb } else { canonical(verb) };
            (noun, verb.to_owned())
        }
    }
}
