//! Whose something is, and what it comes into, as what is sent says it: the arguments of a call, or a body.
//!
//! A reference is an owner only of what is held: of who is in a group, of what somebody is given, of keys
//! and their like. Of anything else `user_id` may be whoever made it, or is to do it.

use super::body::{self, Members, Value, is_own};
use super::call::places;
use super::naming::{GIVEN, is_right, plural_name};
use super::reference;
use super::sentence::Sentence;
use super::text::bounded;
use super::words::{GROUPS, snake};
use crate::record::Target;

/// To whom a right is given.
const RECIPIENTS: [&str; 6] = ["user", "member", "account", "service_account", "group", "team"];

/// Verbs by which something comes to others, who are named beside it, and the word before those.
const TO_OTHERS: [(&str, &str); 5] = [
    ("delegate", "to"),
    ("reassign", "to"),
    ("share", "with"),
    ("transfer", "to"),
    ("unshare", "with"),
];

/// Verbs for what is done to one of those who are in something.
const TO_PEOPLE: [&str; 6] = ["ban", "invite", "kick", "mute", "unban", "unmute"];

/// Verbs by which things come together and apart.
const JOINING: [&str; 6] = ["attach", "bind", "connect", "detach", "disconnect", "unbind"];

/// What does, where a request names it.
const JOINED: [&str; 10] = [
    "container",
    "device",
    "disk",
    "host",
    "instance",
    "machine",
    "network",
    "server",
    "vm",
    "volume",
];

/// Those others, besides those to whom a right is given.
const OTHERS: [&str; 3] = ["owner", "organization", "namespace"];

/// What stands before them: `new_owner`, `target_user_id`.
const BEFORE_OTHERS: [&str; 3] = ["new", "target", "to"];

/// Who may have something, the nearest first.
const OWNERS: [&str; 9] = [
    "user",
    "member",
    "service_account",
    "account",
    "team",
    "group",
    "workspace",
    "project",
    "organization",
];

/// What is held, by the last words of its noun.
const HELD: [&str; 8] =
    ["credential", "key", "membership", "passkey", "session", "token", "totp", "mfa"];

/// What ties somebody to what they are given.
const TIES: [&str; 8] = [
    "acl",
    "cluster_role_binding",
    "collaboration",
    "grant",
    "permission_assignment",
    "policy_assignment",
    "role_assignment",
    "role_binding",
];

/// Under what it is said who is tied to something, of several types.
const WHO: [&str; 4] = ["accessible_by", "grantee", "principal", "subject"];

/// By what somebody is known who may have something from then on.
const ADDRESSES: [&str; 3] = ["emailAddress", "email_address", "grantee"];

/// Who is in charge of a group, as who is a member of it.
const OF_GROUPS: [&str; 2] = ["member", "subadmin"];

/// What they are given by that.
const TIED: [&str; 3] = ["role", "permission", "policy"];

/// Those who are named by more than an id where somebody signs in.
const OF_SIGN_INS: [&str; 2] = ["session", "token"];

/// What is somebody's by its noun, as AWS has it.
const OF_USERS: [&str; 3] = ["login_profile", "mfa_device", "user_policy"];

/// Ids of one list that are named.
const IDS_MAX: usize = body::TARGETS_MAX;

/// Whose something is: those of one kind, and others behind them.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Those that are told first.
    pub(super) owners: Vec<Target>,
    /// Those that are not told.
    pub(super) outer: Vec<Target>,
}

impl Holders {
    fn take(&mut self, found: Vec<Target>) {
        match self.owners.is_empty() {
            true => self.owners = found,
            false => self.outer.extend(found),
        }
    }

    /// Leaves those that no target is: whoever comes into a group is not its owner.
    pub(super) fn without(mut self, targets: &[Target]) -> Self {
        let is_other = |holder: &Target| {
            let is_person = matches!(holder.kind.as_str(), "member" | "user");
            let is_same = |target: &Target| {
                (is_person || target.kind == holder.kind)
                    && target.id == holder.id
                    && (holder.id.is_some() || target.name == holder.name)
            };
            !targets.iter().any(is_same)
        };
        self.owners.retain(is_other);
        self.outer.retain(is_other);
        self
    }

    /// Takes those whom a binding of Kubernetes names, and the role to which it binds them.
    ///
    ///   <https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/role-binding-v1/>
    fn bind(&mut self, sent: &Value<'_>) {
        let target = |item: &Value<'_>| {
            let kind = snake(item.get("kind")?.as_str()?);
            let id = body::scalar(item.get("name")?);
            (!kind.is_empty()).then_some(Target { kind, id, name: None })
        };
        let subjects = sent.get("subjects").and_then(Value::as_array).unwrap_or_default();
        let subjects: Vec<Target> = subjects.iter().take(IDS_MAX).filter_map(target).collect();
        let first = subjects.first().map(|first| first.kind.clone()).unwrap_or_default();
        let (first, others) = subjects.into_iter().partition(|it| it.kind == first);
        self.take(first);
        self.outer.extend::<Vec<Target>>(others);
        self.outer.extend(sent.get("roleRef").and_then(target));
    }

    /// The verb and to whom it brings something, if that is one: `share_with_group`.
    pub(super) fn come_to(&self, verb: &str) -> Option<String> {
        let [to] = self.owners.as_slice() else { return None };
        let (verb, way) = TO_OTHERS.iter().find(|(known, _)| *known == verb)?;
        let is_other = RECIPIENTS.iter().chain(&OTHERS).any(|kind| *kind == to.kind);
        is_other.then(|| format!("{verb}_{way}_{}", to.kind))
    }

    /// Has a sentence tell of them, and the targets hold all of them.
    pub(super) fn tell(self, sentence: &mut Sentence) {
        let Self { mut owners, outer } = self;
        if owners.len() > 1 {
            sentence.owners = owners.len();
            owners.extend(std::mem::take(&mut sentence.outer));
            sentence.outer = owners;
        } else {
            sentence.owner = owners.pop();
        }
        sentence.outer.extend(outer);
    }
}

/// How something is referred to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Id,
    /// By its name as well: `{"team": "core"}`, `UserName=ann`.
    Name,
}

/// Whose these targets are; `is_call` says that nothing but the arguments says whose.
pub(super) fn holders(
    (noun, targets): (&str, &[Target]),
    verb: &str,
    sent: &Value<'_>,
    is_call: bool,
) -> Holders {
    let mut holders = Holders::default();
    let last = noun.rsplit('_').next().unwrap_or(noun);
    let find = |kind: &str, by: By| found(sent, noun, kind, by);
    let way = ["_to_", "_from_", "_into_"].iter().find_map(|way| verb.split_once(way));
    if let Some((_, kind)) = way {
        holders.take(find(kind, By::Name));
        return holders;
    }
    // `add_user`, of a group that is named beside them.
    let put = ["add_", "remove_"].iter().find_map(|put| verb.strip_prefix(put));
    if let Some(kind) = put.filter(|kind| RECIPIENTS.contains(kind)) {
        holders.outer = find(kind, By::Name);
        return holders;
    }
    if TO_OTHERS.iter().any(|(known, _)| *known == verb) {
        let mut receivers = receivers(sent, noun);
        match receivers.len() {
            1 => holders.owners.append(&mut receivers),
            _ => holders.outer = receivers,
        }
        return holders;
    }
    holders.outer = taken(sent, noun, verb);
    if !holders.outer.is_empty() {
        return holders;
    }
    // `POST /services/lock/unlock {"entity_id": …}`: what a service is called upon.
    if noun == "service" {
        holders.outer = find("entity", By::Id);
        return holders;
    }
    if is_right(noun) && GIVEN.contains(&verb) {
        RECIPIENTS.iter().for_each(|kind| holders.take(find(kind, By::Name)));
        return holders;
    }
    if noun.split('_').any(|word| OF_GROUPS.contains(&word)) {
        let mut groups = GROUPS.iter().map(|kind| find(kind, By::Id)).filter(|it| !it.is_empty());
        if let (Some(group), None) = (groups.next(), groups.next()) {
            holders.take(group);
        }
        return holders;
    }
    let is_tie = is_tie(noun);
    if is_tie || HELD.contains(&last) || OF_USERS.contains(&noun) {
        let by = if OF_SIGN_INS.contains(&last) { By::Id } else { By::Name };
        OWNERS.iter().for_each(|kind| holders.take(find(kind, by)));
        if is_tie {
            holders.take(find("principal", By::Name));
            holders.bind(sent);
            holders.take(typed(sent, &WHO));
            holders.take(typed(sent, &["item"]));
        }
        if noun == "acl" {
            holders.take(find("role", By::Name));
        } else if is_tie || last == "membership" {
            let by = if is_tie { By::Name } else { By::Id };
            TIED.iter().for_each(|kind| holders.take(find(kind, by)));
        }
    } else if is_call
        && last != "user"
        && let [Target { id: None, .. }] = targets
    {
        holders.take(find("user", By::Id));
    }
    if holders.owners.is_empty() && holders.outer.is_empty() {
        let addressed = addressed(sent).filter(|_| last == "permission" && verb == "create");
        let whole = addressed.or_else(|| reference::whole(sent, noun, verb == "create"));
        let is_other = |whole: &Target| targets.iter().all(|target| target.kind != whole.kind);
        holders.take(whole.filter(is_other).into_iter().collect());
    }
    holders
}

/// Those who come or go, or what does, by such a verb: `POST /rooms/5/ban {"user_id": …}`,
/// `POST /networks/5/connect {"Container": …}`.
fn taken(sent: &Value<'_>, noun: &str, verb: &str) -> Vec<Target> {
    if TO_PEOPLE.contains(&verb) && !matches!(noun, "member" | "user") {
        return found(sent, noun, "user", By::Id);
    }
    let kinds = JOINED.iter().filter(|kind| JOINING.contains(&verb) && !noun.ends_with(**kind));
    kinds.flat_map(|kind| found(sent, noun, kind, By::Name)).collect()
}

/// Whether what has this noun ties somebody to what they are given: `sys_user_has_role`.
fn is_tie(noun: &str) -> bool {
    let ends = ["role_assignment", "role_assigned_to"];
    TIES.contains(&noun) || noun.contains("_has_") || ends.iter().any(|end| noun.ends_with(end))
}

/// The things under these names that say of what type they are: `{"type": "user", "id": "33322"}`.
fn typed(sent: &Value<'_>, names: &[&str]) -> Vec<Target> {
    let target = |name: &&str| {
        let thing = sent.get(name)?;
        let kind = snake(thing.get("type")?.as_str()?);
        let id = body::scalar(thing.get("id")?);
        (!kind.is_empty()).then_some(Target { kind, id, name: None })
    };
    names.iter().filter_map(target).collect()
}

/// Whoever is named by an address, of the type that stands beside it.
fn addressed(sent: &Value<'_>) -> Option<Target> {
    let id = ADDRESSES.iter().find_map(|name| body::scalar(sent.get(name)?))?;
    let kind = sent.get("type").and_then(Value::as_str).filter(|kind| RECIPIENTS.contains(kind));
    Some(Target { kind: kind.unwrap_or("user").to_owned(), id: Some(id), name: None })
}

/// Those to whom something comes.
fn receivers(sent: &Value<'_>, noun: &str) -> Vec<Target> {
    let kinds = RECIPIENTS.iter().chain(&OTHERS);
    let of_kind = |kind: &&'static str| {
        let plain = found(sent, noun, kind, By::Name);
        let led = || {
            let mut led = BEFORE_OTHERS.iter().map(|it| format!("{it}_{kind}"));
            led.find_map(|name| {
                Some(found(sent, noun, &name, By::Name)).filter(|it| !it.is_empty())
            })
        };
        let led = if plain.is_empty() { led() } else { None };
        let all = led.unwrap_or(plain).into_iter();
        all.map(|it| Target { kind: (*kind).to_owned(), ..it }).collect::<Vec<Target>>()
    };
    kinds.flat_map(of_kind).collect()
}

/// Those whom options of a call name that puts somebody into something: `{"user": ["ann"]}`.
pub(super) fn named(options: &Value<'_>) -> Vec<Target> {
    RECIPIENTS.iter().flat_map(|kind| found(options, "", kind, By::Name)).collect()
}

/// Whether what is sent names those to whom a right is given, and which right that is.
pub(super) fn gives(noun: &str, sent: &Value<'_>) -> bool {
    let has = |kind: &str| !found(sent, noun, kind, By::Name).is_empty();
    is_right(noun) && has(noun) && RECIPIENTS.iter().any(|kind| has(kind))
}

/// The one thing of this kind that is referred to.
pub(super) fn referred(sent: &Value<'_>, kind: &str) -> Option<Target> {
    let mut found = found(sent, "", kind, By::Name).into_iter();
    found.next().filter(|_| found.next().is_none())
}

/// Those of this kind that are referred to, in the first place that does so.
fn found(sent: &Value<'_>, noun: &str, kind: &str, by: By) -> Vec<Target> {
    let own = sent.get(noun).filter(|own| matches!(own, Value::Object(_)));
    // As Azure has it.
    let inner = sent.get("properties").filter(|inner| matches!(inner, Value::Object(_)));
    let mut all =
        places(sent).chain(own).chain(inner).map(|place| within(place.members(), kind, by));
    all.find(|found| !found.is_empty()).unwrap_or_default()
}

fn within(members: &Members<'_>, kind: &str, by: By) -> Vec<Target> {
    let target = |id, name| Target { kind: kind.to_owned(), id, name };
    let find = |what: &[u8]| {
        let (_, value) = members.iter().find(|(name, _)| is_own(name, kind, what))?;
        Some(value)
    };
    if let Some(id) = find(b"id").and_then(body::scalar) {
        return vec![target(Some(id), None)];
    }
    let plural = plural_name(kind);
    let is_list = |name: &str| is_own(name, kind, b"ids") || by == By::Name && name == plural;
    let list = members.iter().find(|(name, value)| is_list(name) && value.as_array().is_some());
    if let Some((_, list)) = list {
        let ids = list.as_array().unwrap_or_default().iter().take(IDS_MAX);
        let id = |item: &Value<'_>| body::scalar(item.get("id").unwrap_or(item));
        return ids.filter_map(id).map(|id| target(Some(id), None)).collect();
    }
    if by == By::Id {
        return Vec::new();
    }
    // `users=ann@pve,bob@pve`
    let listed = members.iter().find(|(name, _)| *name == plural).and_then(|(_, it)| it.as_str());
    if let Some(listed) = listed {
        let names = listed.split(',').map(str::trim).filter(|name| !name.is_empty());
        return names.take(IDS_MAX).map(|name| target(bounded(name), None)).collect();
    }
    let is_bare = |name: &str| is_own(name, kind, b"") || kind == "user" && name == "login";
    let bare = || members.iter().find(|(name, _)| is_bare(name));
    let several = bare().and_then(|(_, value)| value.as_array());
    if let Some(several) = several.filter(|several| several.len() > 1) {
        let ids = several.iter().take(IDS_MAX).filter_map(body::scalar);
        return ids.map(|id| target(Some(id), None)).collect();
    }
    let bare = bare().and_then(|(_, value)| match value {
        Value::Object(_) => body::scalar(value.get("id")?),
        value => body::scalar(value),
    });
    let name = || find(b"name").and_then(body::scalar);
    match bare {
        Some(id) => vec![target(Some(id), None)],
        None => name().map(|name| target(None, Some(name))).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(noun: &str, verb: &str, sent: &str) -> String {
        let sent = crate::decode::json(sent).unwrap();
        let Holders { owners, outer } = holders((noun, &[]), verb, &sent, false);
        let all = owners.iter().chain(&outer);
        let all = all.map(|it| {
            let of = it.id.as_deref().or(it.name.as_deref()).unwrap_or_default();
            format!("{} {of}", it.kind)
        });
        all.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_held_has_owners_and_nothing_else_has() {
        let cases = [
            ("api_key", "create", r#"{"name": "ci", "user_id": 7}"#, "user 7"),
            ("key", "generate", r#"{"user_id": "u7", "team_id": "t3"}"#, "user u7, team t3"),
            ("membership", "create", r#"{"userId": 7, "teamId": 3}"#, "user 7, team 3"),
            ("role_assignment", "create", r#"{"user_id": 7, "role_id": 3}"#, "user 7, role 3"),
            ("role", "grant", r#"{"user_ids": [7, 8], "role": "admin"}"#, "user 7, user 8"),
            ("role", "assign", r#"{"input": {"userId": 7}}"#, "user 7"),
            ("user", "add_to_team", r#"{"team": "core", "user": "ann"}"#, "team core"),
            ("project", "share", r#"{"group_id": 3, "group_access": 30}"#, "group 3"),
            ("repository", "transfer", r#"{"new_owner": "acme"}"#, "owner acme"),
            ("user_group", "add_user", r#"{"name": "admins", "login": "ann"}"#, "user ann"),
            ("acl", "update", r#"{"users": "ann@pve", "roles": "A"}"#, "user ann@pve, role A"),
            ("acl", "create", r#"{"principal": "User:ann"}"#, "principal User:ann"),
            (
                "cluster_role_binding",
                "create",
                r#"{"subjects": [{"kind": "User", "name": "ann"}], "roleRef": {"kind": "ClusterRole", "name": "admin"}}"#,
                "user ann, cluster_role admin",
            ),
            ("member_role", "update", r#"{"organizationId": 1, "role": "x"}"#, "organization 1"),
            ("subadmin", "create", r#"{"groupid": "ops"}"#, "group ops"),
            // What says who made a thing, has to do it or pays for it, is none of that.
            ("ticket", "create", r#"{"user_id": 7, "assignee_id": 9}"#, ""),
            ("order", "update", r#"{"user_id": 7}"#, ""),
            ("order", "create", r#"{"new_owner": "acme"}"#, ""),
            ("project", "update", r#"{"subjects": [{"kind": "User", "name": "ann"}]}"#, ""),
            ("api_key", "create", r#"{"created_by": 7, "category_id": 9}"#, ""),
            ("role", "create", r#"{"name": "ops", "user_id": 7}"#, ""),
            ("role", "update", r#"{"user_id": 7}"#, ""),
            // Who signs in is not whose the session is.
            ("session", "create", r#"{"username": "ann", "user": "ann"}"#, ""),
        ];
        for (noun, verb, sent, expected) in cases {
            assert_eq!(told(noun, verb, sent), expected, "{noun}.{verb} {sent}");
        }
    }
}
