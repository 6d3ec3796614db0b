//! A rule for requests that no rule names, ready to be pasted: what the convention says of them.
//!
//! Invariant: whatever is suggested passes the checks of rule files, alone, with all that was
//! suggested before and beside the rules in force, and takes the request that it was made for.

use std::collections::BTreeSet;
use std::path::Path;

use super::check::Checked;
use super::events::{is_action, is_word};
use super::load::RuleSet;
use crate::derive::{EventRules, Kind, Naming, PathPattern, Place, documented_path, named};
use crate::record::{Actor, ActorKind, RequestRecord};

/// Longer ids are cut, so that a number finds room behind them.
const ID_BYTES_MAX: usize = 56;

/// The heading of the section in which suggestions stand.
pub const SUGGESTIONS: &str = "events:\n";

/// Why no rule is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNot {
    /// One that was suggested takes these requests as well.
    Taken,
    /// No pattern can be written for the path.
    NotWritable,
    /// Nothing in the path is a word, so that its pattern would take whatever has as many segments.
    TakesAnything,
    /// The id stands last in what is sent, where others send a word that says what is done, so that its
    /// pattern would take these as well, under the wrong name.
    TakesVerbs,
    /// What is done is said inside of the request, and a rule goes by method and path.
    SaidInside,
    /// On the same method and route several things are done.
    SeveralActions,
}

impl WhyNot {
    /// In words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "a rule above takes them as well",
            Self::NotWritable => "no pattern can be written for the path",
            Self::TakesAnything => {
                "nothing in the path is a word, so that a rule would take any other"
            }
            Self::TakesVerbs => {
                "a rule would take a word in the place of the id as well, such as `/delete`"
            }
            Self::SaidInside => {
                "the request's body or query says what is done, which one rule cannot name"
            }
            Self::SeveralActions => {
                "several things are done on this route, which one rule cannot name"
            }
        }
    }
}

/// Suggests rules.
#[derive(Debug, Default)]
pub struct Suggester {
    /// Ids in use.
    ids: BTreeSet<String>,
    /// Methods and shapes of paths of what was suggested.
    taken: BTreeSet<(String, String)>,
}

impl Suggester {
    /// For a rule set in force, whose ids are not used again.
    pub fn beside(rules: &RuleSet) -> Self {
        let redaction = rules.rules.iter().map(|checked| checked.rule.id.clone());
        let events = rules.events.iter().map(|rule| rule.id.clone());
        Self { ids: redaction.chain(events).collect(), ..Self::default() }
    }

    /// An entry for the requests of which this is one, and whose events all have one action, unless
    /// there is one already, none can be written, or one would give several things one name.
    pub fn suggest(&mut self, request: &RequestRecord) -> Result<String, WhyNot> {
        let naming = by_convention(request);
        let method = naming.method();
        let path = naming.route.as_deref().and_then(|route| pattern(request, route));
        let path = path.ok_or(WhyNot::NotWritable)?;
        if path.takes_anything() {
            return Err(WhyNot::TakesAnything);
        }
        let path = exact(request, method, path).ok_or(WhyNot::TakesVerbs)?;
        let key = (method.to_owned(), path.shape());
        if self.taken.contains(&key) {
            return Err(WhyNot::Taken);
        }
        if is_said_inside(request, &naming) {
            return Err(WhyNot::SaidInside);
        }
        let id = self.id(&naming.action);
        let mut entry = format!("  - id: {id}\n    match: {{ method: {method}, path: ");
        entry.push_str(&quoted(path.as_str()));
        entry.push_str(" }\n");
        if is_action(&naming.action) {
            entry.push_str(&format!("    action: {}\n", naming.action));
        }
        let target = naming.targets.first().filter(|target| is_word(&target.kind));
        if let Some(target) = target {
            // Its id the convention reads better than a template: without `.json` behind it.
            entry.push_str(&format!("    target: {{ type: {} }}\n", target.kind));
        }
        if !takes(&entry, request, &id) {
            return Err(WhyNot::NotWritable);
        }
        self.taken.insert(key);
        self.ids.insert(id);
        Ok(entry)
    }

    /// An id that is not in use.
    fn id(&self, action: &str) -> String {
        let end = action.floor_char_boundary(ID_BYTES_MAX);
        let stem = action.get(..end).unwrap_or_default().trim_end_matches(['.', '_']);
        let mut id = stem.to_owned();
        let mut count = 1;
        while self.ids.contains(&id) {
            count += 1;
            id = format!("{stem}-{count}");
        }
        id
    }
}

/// What a request is called where there are no rules.
fn by_convention(request: &RequestRecord) -> Naming {
    let none = EventRules::default();
    named(request, &nobody(), &Place { rules: &none, host: "", kind: Kind::Admin })
}

/// Whether the request would be called otherwise without what it holds besides method and path.
fn is_said_inside(request: &RequestRecord, naming: &Naming) -> bool {
    if naming.is_call() {
        return true;
    }
    by_convention(&bare(naming.method(), request)).action != naming.action
}

/// Method and path alone.
fn bare(method: &str, request: &RequestRecord) -> RequestRecord {
    let (method, path) = (method.to_owned(), request.path.clone());
    RequestRecord { method, path, ..RequestRecord::default() }
}

/// Somebody.
fn nobody() -> Actor {
    Actor::unknown(ActorKind::Anonymous)
}

/// The pattern of a route template; a verb behind a colon is a part of it.
fn pattern(request: &RequestRecord, route: &str) -> Option<PathPattern> {
    let last = request.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let verb = last.rsplit_once(':').map(|(_, verb)| verb);
    let verb =
        verb.filter(|verb| !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let route = match verb.filter(|_| route.ends_with('}')) {
        Some(verb) => format!("{route}:{verb}"),
        None => route.to_owned(),
    };
    documented_path("", &route).ok()
}

/// The pattern, or one that takes no word in the place of an id, which with a POST says what is done
/// (`/users/delete`): by what stands before all ids of a kind, `cus_{id}`. `None` if nothing does.
fn exact(request: &RequestRecord, method: &str, path: PathPattern) -> Option<PathPattern> {
    let (head, last) = path.as_str().rsplit_once('/')?;
    if method != "POST" || !(last.starts_with('{') && last.ends_with('}')) {
        return Some(path);
    }
    let (before, id) = request.path.trim_end_matches('/').rsplit_once('/')?;
    let at = id.find(['_', '-']).filter(|at| (1..=10).contains(at))?;
    let (prefix, rest) = id.split_at_checked(at + 1)?;
    let is_kind = prefix.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte));
    let is_id = rest.bytes().any(|byte| byte.is_ascii_digit());
    let named =
        |path: String| by_convention(&RequestRecord { path, ..bare(method, request) }).action;
    let is_word = || named(format!("{before}/{prefix}all")) != named(request.path.clone());
    if !is_kind || !is_id || is_word() {
        return None;
    }
    documented_path("", &format!("{head}/{prefix}{last}")).ok()
}

/// Whether the entry is right, and takes the request.
fn takes(entry: &str, request: &RequestRecord, id: &str) -> bool {
    let mut checked = Checked::default();
    checked.file(Path::new("suggested"), &format!("{SUGGESTIONS}{entry}"));
    let rules = checked.compiled();
    let place = Place { rules: &rules, host: "", kind: Kind::Admin };
    checked.problems.is_empty() && named(request, &nobody(), &place).rule() == Some(id)
}

/// A text of YAML in double quotes: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::rules::load;

    fn request(line: &str) -> RequestRecord {
        let (method, path) = line.split_once(' ').unwrap();
        let body = (path == "/rpc").then(|| json!({"jsonrpc": "2.0", "method": "user.ban"}));
        RequestRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.map(Into::into),
            ..RequestRecord::default()
        }
    }

    /// What is suggested for the requests passes the checks as one file, and takes all of them.
    fn check(lines: &[&str]) -> String {
        let mut suggester = Suggester::default();
        let requests: Vec<_> = lines.iter().map(|line| request(line)).collect();
        let entries: String =
            requests.iter().filter_map(|request| suggester.suggest(request).ok()).collect();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), format!("{SUGGESTIONS}{entries}")).unwrap();
        let rules =
            load(Some(dir.path()), &[]).unwrap_or_else(|wrong| panic!("{wrong}\n{entries}"));
        let rules = rules.events();
        for request in &requests {
            let place = Place { rules: &rules, host: "a", kind: Kind::Admin };
            assert!(
                named(request, &nobody(), &place).rule().is_some(),
                "{}\n{entries}",
                request.path
            );
        }
        entries
    }

    #[test]
    fn suggestions_say_what_the_convention_says_and_pass_the_checks() {
        let entries = check(&[
            "POST /api/v1/users",
            "PATCH /api/v1/users/5",
            "PATCH /api/v1/users/77",
            "DELETE /orgs/acme/projects/web/keys/k-1",
            "POST /keys/5:rotate",
            "POST /keys/5:disable",
            "PUT /api/bindings/%2f/e/a/q/b",
            "PUT /files/a%20b/%7Bx%7D/***/caf%C3%A9",
            "POST /",
            "POST /users/5/2fa/enable",
            "LOCK /files/a;v=1/b%25",
        ]);
        assert!(
            entries.starts_with(
                "  - id: user.create\n    match: { method: POST, path: \"/api/v1/users\" }\n    \
                 action: user.create\n    target: { type: user }\n  - id: user.update\n    \
                 match: { method: PATCH, path: \"/api/v1/users/{id}\" }\n    action: user.update\n    \
                 target: { type: user }\n  - id: key.delete\n    match: { method: \
                 DELETE, path: \"/orgs/{organization}/projects/{project}/keys/{id}\" }\n"
            ),
            "{entries}"
        );
        assert!(
            entries.contains("path: \"/keys/{id}:disable\" }\n    action: key.disable"),
            "{entries}"
        );
    }

    #[test]
    fn what_is_said_inside_a_request_gets_no_rule_for_its_route() {
        let form = |path: &str, body: serde_json::Value| RequestRecord {
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            body: Some(body.into()),
            ..request(&format!("POST {path}"))
        };
        let rows = [
            (request("POST /rpc"), Some(WhyNot::SaidInside)),
            (request("POST /graphql"), Some(WhyNot::SaidInside)),
            (form("/admin/users.php", json!({"action": "delete"})), Some(WhyNot::SaidInside)),
            (
                RequestRecord {
                    query: Some(json!({"Action": "TerminateInstances"}).into()),
                    ..request("POST /")
                },
                Some(WhyNot::SaidInside),
            ),
            (
                form("/admin/users/", json!({"_selected_action": "5", "action": "ban"})),
                Some(WhyNot::SaidInside),
            ),
            (request("POST /5/77"), Some(WhyNot::TakesAnything)),
            (request("POST /users/5"), Some(WhyNot::TakesVerbs)),
            (request("POST /users/5/7"), Some(WhyNot::TakesVerbs)),
            (request("POST /users/3f8b8d2e-1111-4222-8333-444455556666"), Some(WhyNot::TakesVerbs)),
            (request("POST /customers/cus_1"), None),
            (form("/users/5", json!({"_method": "delete"})), None),
            (form("/users", json!({"name": "Ann"})), None),
        ];
        for (request, expected) in rows {
            let found = Suggester::default().suggest(&request).err();
            assert_eq!(found, expected, "{}", request.path);
        }
    }

    #[test]
    fn what_is_pasted_changes_nothing_that_was_right() {
        let sent = |line: &str, body: serde_json::Value| RequestRecord {
            body: Some(body).filter(|body| !body.is_null()).map(Into::into),
            ..request(line)
        };
        let rows = [
            sent("DELETE /Items/5.json", json!(null)),
            sent("POST /login", json!({"username": "a", "password": "b"})),
            sent("PUT /users/5/password", json!({"password": "b"})),
            sent("DELETE /users/5/keys/7", json!(null)),
            sent("POST /api/dashboards/db", json!({"dashboard": {"title": "A"}})),
            sent("POST /v1/customers/cus_1", json!({"name": "x"})),
            sent("PUT /teams/3/users/5", json!(null)),
        ];
        for request in rows {
            let entry = Suggester::default().suggest(&request).unwrap();
            let mut checked = Checked::default();
            checked.file(Path::new("suggested"), &format!("{SUGGESTIONS}{entry}"));
            let rules = checked.compiled();
            let place = Place { rules: &rules, host: "", kind: Kind::Admin };
            let (before, after) = (by_convention(&request), named(&request, &nobody(), &place));
            assert!(after.rule().is_some(), "{entry}");
            assert_eq!(after.targets, before.targets, "{entry}");
            assert_eq!(after.description, before.description, "{entry}");
        }
    }

    #[test]
    fn a_rule_for_items_that_are_changed_by_a_post_takes_no_verbs() {
        let entry = Suggester::default().suggest(&request("POST /v1/customers/cus_1")).unwrap();
        assert!(entry.contains("path: \"/v1/customers/cus_{id}\""), "{entry}");
        let mut checked = Checked::default();
        checked.file(Path::new("suggested"), &format!("{SUGGESTIONS}{entry}"));
        let rules = checked.compiled();
        let place = Place { rules: &rules, host: "", kind: Kind::Admin };
        for (path, action) in [
            ("cus_2", "customer.update"),
            ("delete", "customer.delete"),
            ("bulk-delete", "customer.delete"),
            ("search", "customer.search"),
            ("keys", "key.create"),
        ] {
            let naming = named(&request(&format!("POST /v1/customers/{path}")), &nobody(), &place);
            assert_eq!(naming.action, action);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_suggested_passes_the_checks(
            path in "(/[a-z0-9{}%:;.* é-]{0,8}){0,5}",
            method in "[A-Z]{1,6}",
        ) {
            let mut suggester = Suggester::default();
            let line = format!("{method} {path}");
            if suggester.suggest(&request(&line)).is_ok() {
                check(&[&line]);
            }
        }
    }
}
