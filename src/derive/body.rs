//! What a redacted body says of the target.

mod batch;
mod files;
mod inner;
mod names;

use std::borrow::Cow;
use std::fmt;

pub(super) use self::batch::{
    MEMBERS, addresses, batch, fingerprint, formset, keyed, known_as, many,
};
pub(super) use self::files::files;
pub(super) use self::inner::{created, created_id, created_id_at, place_of, under_own_name};
use self::names::{
    FORM_NAMES, NAMES, SIGN_IN_INNER, SIGN_IN_NAMES, SIGN_IN_OBJECTS, are_several,
    is_field_of_form, is_id_of, is_one_of_several, names_of,
};
pub(super) use self::names::{REFERRED, called_by_noun, is_own, last_id};
use super::shape::is_id;
use super::text::bounded;
pub(super) use crate::decode::Node as Value;

/// The members of an object.
pub(super) type Members<'b> = [(Cow<'b, str>, Value<'b>)];

/// Members that hold an id, the best first.
const IDS: &[&str] = &["id", "pk", "uuid", "uid", "_id", "Id", "ID", "sys_id"];

/// Members around what is meant.
pub(super) const WRAPPERS: &[&str] = &["data", "result", "item", "attributes", "metadata", "spec"];

/// Members of a call of JSON-RPC, and of the answer to it.
const CALLS: &[&str] = &["params", "result"];

/// Where JSON:API has the members of a thing, whose type and id stand around them.
///
///   <https://jsonapi.org/format/#document-resource-objects>
const ATTRIBUTES: &str = "data.attributes";

/// Of a bulk request so many targets are named.
pub(super) const TARGETS_MAX: usize = 100;

/// Where in a body a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At<'n> {
    /// A member of the body itself.
    Outer(&'n str),
    /// A member of a member.
    Inner(&'n str, &'n str),
    /// An attribute of JSON:API.
    Attribute(&'n str),
    /// `NOUN[name]`.
    Form(&'n str, &'n str),
    /// A member far below, by the names on the way to it, and no more behind the first empty one.
    Deep([&'n str; names::PASSWORD_DEPTH_MAX]),
}

impl<'n> At<'n> {
    fn member(outer: Option<&'n str>, name: &'n str) -> Self {
        match outer {
            Some(ATTRIBUTES) => Self::Attribute(name),
            Some(outer) => Self::Inner(outer, name),
            None => Self::Outer(name),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outer(name) => write!(f, "${}", step(name)),
            Self::Inner(outer, name) => write!(f, "${}{}", step(outer), step(name)),
            Self::Deep(names) => {
                f.write_str("$")?;
                let mut names = names.iter().filter(|name| !name.is_empty());
                names.try_for_each(|name| f.write_str(&step(name)))
            }
            Self::Attribute(name) => write!(f, "$.{ATTRIBUTES}{}", step(name)),
            Self::Form(noun, name) => write!(f, "$['{noun}[{name}]']"),
        }
    }
}

/// A step of a JSONPath to a member.
pub(super) fn step(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let plain = name.bytes().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    match plain && !name.is_empty() {
        true => format!(".{name}"),
        false => format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// A text of a body, and where it stands.
pub(super) type Found<'n> = (String, At<'n>);

/// The object that a body is about: the body itself, or what it wraps under the noun; and under
/// which name it stands.
pub(super) fn objects<'b>(
    body: &'b Value<'b>,
    noun: &'b str,
) -> impl Iterator<Item = (Option<&'b str>, &'b Members<'b>)> {
    let outer = body.members();
    // Of a call of JSON-RPC, and of the answer to it, the id is that of the call.
    let is_call = member_of(outer, "jsonrpc").is_some();
    let wrappers = if is_call { CALLS } else { WRAPPERS };
    let wrapped = |name: &'b str| Some((Some(name), member_of(outer, name)?.members()));
    let named = wrapped(noun).filter(|_| !is_call);
    let inner: Vec<_> = wrappers.iter().filter_map(|name| wrapped(name)).collect();
    let (before, after) = if is_call { (None, Some(outer)) } else { (Some(outer), None) };
    let whole = |outer: Option<&'b Members<'b>>| outer.map(|outer| (None, outer));
    let attributes = member_of(outer, "data").filter(|data| data.get("type").is_some());
    let attributes = attributes.and_then(|data| Some((Some(ATTRIBUTES), data.get("attributes")?)));
    let attributes = attributes.map(|(name, it)| (name, it.members()));
    named.into_iter().chain(whole(before)).chain(inner).chain(attributes).chain(whole(after))
}

/// The object with the id of what [`objects`] gives.
pub(super) fn whole<'b>(
    body: &'b Value<'b>,
    outer: Option<&str>,
    object: &'b Members<'b>,
) -> &'b Members<'b> {
    let data = body.get("data").filter(|_| outer == Some(ATTRIBUTES));
    data.map_or(object, Value::members)
}

/// The first of these members.
fn first_at<'n>(
    outer: Option<&'n str>,
    object: &Members<'_>,
    names: &[&'n str],
) -> Option<Found<'n>> {
    let found = names.iter().find_map(|name| Some((scalar(member_of(object, name)?)?, *name)));
    let (text, name) = found?;
    Some((text, At::member(outer, name)))
}

/// The name of the target.
pub(super) fn name(body: &Value<'_>, noun: &str) -> Option<String> {
    name_at(body, noun).map(|(name, _)| name)
}

/// The name of the target, and where it stands.
pub(super) fn name_at<'b>(body: &'b Value<'b>, noun: &'b str) -> Option<Found<'b>> {
    let named =
        |(outer, object): (_, &'b Members<'b>)| first_at(outer, object, names_of(object, noun));
    let found = objects(body, noun).find_map(named).or_else(|| {
        // Forms of some frameworks: `user[name]`. It is a user who signs in.
        let nouns = [noun, if noun == "session" { "user" } else { noun }];
        let form = |noun: &'b str| {
            NAMES.iter().find_map(move |name| {
                Some((scalar(body.get(&format!("{noun}[{name}]"))?)?, At::Form(noun, name)))
            })
        };
        let own = || {
            let is_own = |name: &str| is_name_of(name, noun) || noun == "user" && name == "login";
            let (name, own) = body.members().iter().find(|(name, _)| is_own(name))?;
            Some((scalar(own)?, At::Outer(name)))
        };
        let of_user = || {
            let inner = body.get("member_user").filter(|_| noun == "member")?;
            first_at(Some("member_user"), inner.members(), NAMES)
        };
        nouns.into_iter().find_map(form).or_else(own).or_else(of_user)
    });
    // As which of several somebody signs in, the application alone knows.
    let is_known = |name: &str| !is_one_of_several(body, name) && !are_several(body);
    found.filter(|(name, _)| noun != "session" || is_known(name))
}

/// The name in an object, and where it stands.
pub(super) fn name_in<'b>(
    outer: Option<&'b str>,
    object: &'b Members<'b>,
    noun: &str,
) -> Option<Found<'b>> {
    first_at(outer, object, names_of(object, noun)).or_else(|| {
        let (name, own) = object.iter().find(|(name, _)| is_name_of(name, noun))?;
        Some((scalar(own)?, At::member(outer, name)))
    })
}

/// The id that an object has under the noun's own name: `user_id`.
pub(super) fn own_id(object: &Members<'_>, noun: &str) -> Option<String> {
    object.iter().find(|(name, _)| is_id_of(name, noun)).and_then(|(_, own)| scalar(own))
}

/// Whether an object has such an id.
pub(super) fn has_id_of(object: &Members<'_>, noun: &str) -> bool {
    own_id(object, noun).is_some()
}

/// As whom somebody signs in, and where it stands.
pub(super) fn signs_in_as<'b>(body: &'b Value<'b>) -> Option<Found<'b>> {
    let of = |(outer, object)| first_at(outer, object, &SIGN_IN_NAMES);
    let found = objects(body, "session").find_map(of).or_else(|| {
        let name = |of: &str| {
            let (name, who) = body.members().iter().find(|(name, _)| is_field_of_form(name, of))?;
            Some((scalar(who)?, At::Outer(name)))
        };
        FORM_NAMES.iter().find_map(|of| name(of))
    });
    let inner = |of: &&'static str| first_at(Some(of), body.get(of)?.members(), &SIGN_IN_INNER);
    let found = found.or_else(|| SIGN_IN_OBJECTS.iter().find_map(inner));
    let found = found.or_else(|| names::beside_password(body));
    found.filter(|(name, _)| !is_one_of_several(body, name) && !are_several(body))
}

/// Whether a member is called `user_name`, `UserName` or `user_alias`, for the noun `user`.
fn is_name_of(name: &str, noun: &str) -> bool {
    is_own(name, noun, b"name") || is_own(name, noun, b"alias")
}

/// The id of the target.
pub(super) fn id(body: &Value<'_>, noun: &str) -> Option<String> {
    id_at(body, noun).map(|(id, _)| id)
}

/// The id of the target, and where it stands.
pub(super) fn id_at<'b>(body: &'b Value<'b>, noun: &'b str) -> Option<Found<'b>> {
    objects(body, noun).find_map(|(outer, object)| {
        let is_call = outer.is_none() && member_of(object, "jsonrpc").is_some();
        // Who signs in has an id, and not the session.
        let own = |(_, at): &Found<'_>| noun != "session" || !at.to_string().ends_with("uid");
        let plain = (!is_call).then(|| first_at(outer, object, IDS)).flatten().filter(own);
        // Asana's, which say beside it of what kind the thing is.
        let global = || member_of(object, "resource_type").and(first_at(outer, object, &["gid"]));
        plain.or_else(global).or_else(|| {
            let (name, own) = object.iter().find(|(name, _)| is_id_of(name, noun))?;
            Some((scalar(own)?, At::member(outer, name)))
        })
    })
}

/// The id at the end of the address of what a body refers to, and of nothing else, as OData has it.
pub(super) fn referred<'b>(body: &'b Value<'b>) -> Option<Found<'b>> {
    let [(name, Value::String(address))] = body.members() else { return None };
    (name == "@odata.id").then_some((last_id(address)?, At::Outer(name)))
}

/// Whether what has this name is the id of a thing with this noun.
pub(super) fn names_id(name: &str, noun: &str) -> bool {
    IDS.contains(&name) || is_id_of(name, noun)
}

/// The items of a list, which may have their ids under these names as well.
fn list<'b>(
    member: Option<&'b str>,
    found: &'b Value<'b>,
    ids: &'static [&'static str],
) -> Many<'b> {
    let Some(items) = found.as_array() else {
        let many = found.as_str().map(Many::of_ids).unwrap_or_default();
        let one = || scalar(found).filter(|id| is_plain_id(id));
        // What has a list's name is one of a list, whatever it looks like.
        let is_listed = member.is_some_and(|name| name.ends_with("[]"));
        let one = || if is_listed { scalar(found) } else { one() };
        let many = match many.is_empty() {
            true => Many::one(one()),
            false => many,
        };
        return Many { member, ..many };
    };
    let one = |(position, item): (usize, &Value<'_>)| match item {
        Value::Object(object) => {
            let of = |names: &[&'static str]| {
                names.iter().find_map(|name| Some((scalar(member_of(object, name)?)?, *name)))
            };
            let print = || Some((fingerprint(item)?, "fingerprint"));
            let (id, name) = (of(IDS).or_else(|| of(ids)).or_else(print), of(NAMES));
            let ((id, id_in), (name, name_in)) = (id.unzip(), name.unzip());
            let spot = Spot::Item(position, id_in, name_in);
            (id.is_some() || name.is_some()).then_some(Listed { id, name, spot, member: None })
        }
        item => Some(Listed::id(scalar(item)?, Spot::Item(position, None, None))),
    };
    let targets: Vec<_> = items.iter().enumerate().take(TARGETS_MAX).filter_map(one).collect();
    let count = if items.len() > TARGETS_MAX { items.len() } else { targets.len() };
    Many { member, targets, count }
}

/// One of several targets.
#[derive(Debug)]
pub(super) struct Listed<'b> {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    spot: Spot<'b>,
    /// The member that holds it, if it is not that of all.
    pub(super) member: Option<&'b str>,
}

impl<'b> Listed<'b> {
    fn id(id: String, spot: Spot<'b>) -> Self {
        Self { id: Some(id), name: None, spot, member: None }
    }
}

/// Where one of several targets stands.
#[derive(Debug, Clone, Copy)]
enum Spot<'b> {
    /// In a text with all of them.
    Text,
    /// The item of a list with this position, or the members of it with id and name.
    Item(usize, Option<&'static str>, Option<&'static str>),
    /// A member of its own.
    Member(&'b str),
    /// A file, perhaps of several with this name.
    File(Option<usize>),
}

/// Several targets, no more than [`TARGETS_MAX`], and how many there are.
#[derive(Debug, Default)]
pub(super) struct Many<'b> {
    /// The member that holds the list.
    pub(super) member: Option<&'b str>,
    pub(super) targets: Vec<Listed<'b>>,
    pub(super) count: usize,
}

impl<'b> Many<'b> {
    /// Takes those of another list that are not there yet.
    fn join(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let member = other.member;
        let known: Vec<Option<String>> = self.targets.iter().map(|it| it.id.clone()).collect();
        let more = other.count - other.targets.len();
        let new: Vec<Listed<'b>> = other
            .targets
            .into_iter()
            .filter(|listed| listed.id.is_none() || !known.contains(&listed.id))
            .map(|listed| Listed { member, ..listed })
            .collect();
        self.count += new.len() + more;
        self.targets.extend(new);
        self.targets.truncate(TARGETS_MAX);
    }
}

impl<'b> Many<'b> {
    /// Names between commas, by which people are known, in this member.
    pub(super) fn of_names(member: &'b str, text: &str) -> Self {
        let names = || text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let listed = |name: &str| Listed::id(name.to_owned(), Spot::Text);
        let targets = names().take(TARGETS_MAX).map(listed).collect();
        Self { member: Some(member), targets, count: names().count() }
    }
}

impl Many<'_> {
    /// Ids between commas, or digests between bars; nothing if it could be one name with commas in it.
    pub(super) fn of_ids(text: &str) -> Self {
        let sign = if text.contains(',') { ',' } else { '|' };
        let ids = || text.split(sign).map(str::trim);
        // `auth0|5f7c8ec7` is one id.
        let is_one = sign == '|' && !ids().all(is_digest);
        if !text.contains(sign) || is_one || !ids().all(is_plain_id) {
            return Self::default();
        }
        let listed = |id| Listed { id: bounded(id), name: None, spot: Spot::Text, member: None };
        let targets = ids().take(TARGETS_MAX).map(listed).collect();
        Self { member: None, targets, count: ids().count() }
    }

    fn one(id: Option<String>) -> Self {
        let count = usize::from(id.is_some());
        let targets = id.into_iter().map(|id| Listed::id(id, Spot::Text)).collect();
        Self { member: None, targets, count }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Where the ids and names of one of them stand, below this place.
    pub(super) fn places(&self, root: &str, listed: &Listed<'_>) -> (String, String) {
        let list = format!("{root}{}", listed.member.or(self.member).map(step).unwrap_or_default());
        match listed.spot {
            Spot::Text => (list.clone(), list),
            Spot::Item(position, id, name) => {
                let within = |member: Option<&str>| {
                    format!("{list}[{position}]{}", member.map(step).unwrap_or_default())
                };
                (within(id), within(name))
            }
            Spot::File(position) => {
                let position = position.map(|at| format!("[{at}]")).unwrap_or_default();
                let place = format!("{list}{position}.filename");
                (place.clone(), place)
            }
            Spot::Member(name) => {
                let place = format!("{list}{}", step(name));
                (place.clone(), place)
            }
        }
    }
}

/// Whether a text is a digest in hex, as torrents are known by.
fn is_digest(id: &str) -> bool {
    id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn is_plain_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    id.bytes().any(|byte| byte.is_ascii_digit()) && id.bytes().all(plain) && is_id(id)
}

/// The name of the first file of a form, and the member with it.
pub(super) fn file_name<'b>(body: &'b Value<'b>) -> Option<Found<'b>> {
    body.members().iter().find_map(|(name, part)| {
        Some((scalar(part.get("filename")?)?, At::Inner(name, "filename")))
    })
}

fn member_of<'b>(object: &'b Members<'b>, name: &str) -> Option<&'b Value<'b>> {
    object.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// A text or a number; of a repeated field the first.
pub(super) fn scalar(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => bounded(text),
        Value::Number(number) => bounded(&number.to_string()),
        Value::Array(values) => match values.first()? {
            Value::String(text) => bounded(text),
            _ => None,
        },
        _ => None,
    }
}
