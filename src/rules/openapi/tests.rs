//! Documents of several shapes: what they call requests, and what is said of those that are wrong.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::derive::{Ended, Kind, Place, named, outcome};
use crate::record::{Actor, ActorKind, RequestRecord, ResponseRecord};
use crate::route::{Asked, NOWHERE, Safety};
use crate::rules::{RuleSet, load};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/openapi");

/// The rules of a file beside these documents.
fn loaded(rules: &str, documents: &[(&str, String)]) -> Result<RuleSet, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), rules).unwrap();
    fs::create_dir(dir.path().join("docs")).unwrap();
    for (name, text) in documents {
        fs::write(dir.path().join("docs").join(name), text).unwrap();
    }
    let root = dir.path().display().to_string();
    load(Some(dir.path()), &[]).map_err(|problems| {
        problems.0.iter().map(|problem| problem.to_string().replace(&root, "")).collect()
    })
}

fn shipped(name: &str) -> (&str, String) {
    (name, fs::read_to_string(Path::new(DATA).join(name)).unwrap())
}

fn actor() -> Actor {
    Actor { id: Some("ada".to_owned()), ..Actor::unknown(ActorKind::User) }
}

/// `rule action target scope route`, and the sentence of a success.
fn shown(rules: &RuleSet, line: &str) -> (String, String) {
    shown_after(rules, line, 200)
}

/// The same, of an answer with this status.
fn shown_after(rules: &RuleSet, line: &str, status: u16) -> (String, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split_once('=').map(|(name, value)| serde_json::json!({name: value}).into());
    let request = RequestRecord {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        ..RequestRecord::default()
    };
    let events = rules.events();
    let place = Place { rules: &events, host: "a.example", kind: Kind::Admin };
    let naming = named(&request, &actor(), &place);
    let response = ResponseRecord { status, ..ResponseRecord::default() };
    let verdict = outcome(&naming, &request, &actor(), Ended::Response(&response));
    let target = naming.targets.first().cloned().unwrap_or_default();
    let scope: Vec<String> =
        naming.scope.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!(
        "{} {} {}|{} {} {}",
        naming.rule().unwrap_or("-"),
        naming.action,
        target.kind,
        target.id.unwrap_or_default(),
        scope.join(","),
        naming.route.as_deref().unwrap_or_default(),
    );
    (text, verdict.description)
}

/// Requests, what they are called, and the sentence of a success.
const NAMED: &[(&str, &str, &str)] = &[
    (
        "POST /admin/v2/pools/blue/api-keys",
        "admin#createApiKey api_key.create api_key| pool=blue /admin/v2/pools/{pool_name}/api-keys",
        "API key created in pool blue",
    ),
    (
        "DELETE /internal/pools/default/api-keys/latest",
        "admin#revokeApiKey api_key.revoke api_key|latest pool=default \
             /internal/pools/{pool_name}/api-keys/{key_id}",
        "Revoke {an} API key: latest",
    ),
    (
        "PATCH /admin/v2/pools/blue/api-keys/rotate",
        "admin#updateApiKey api_key.update api_key|rotate pool=blue \
             /admin/v2/pools/{pool_name}/api-keys/{key_id}",
        "API key “rotate” updated in pool blue",
    ),
    (
        "POST /admin/v2/pools/blue/api-keys/k1/cycle",
        "admin#rotateApiKey api_key.rotate api_key|k1 pool=blue \
             /admin/v2/pools/{pool_name}/api-keys/{key_id}/cycle",
        "Rotate the secret of a key: k1",
    ),
    (
        "PUT /admin/v2/users/me/notes/first",
        "admin#notes.replace note.overwrite note|first user=me \
             /admin/v2/users/{user_id}/notes/{note_id}",
        "Note “first” of user “me” overwritten",
    ),
    (
        "POST /internal/operations/purge?id=42",
        "admin#runPurge purge.run purge|42  /internal/operations/purge",
        "Purge 42 run",
    ),
    (
        "PUT /internal/settings",
        "admin#replaceSettings settings.replace settings|  /internal/settings",
        "Settings replaced",
    ),
    ("POST /legacy", "admin#POST /legacy legacy.cancel legacy|  /legacy", "Legacy cancelled"),
    (
        "POST /v2/pet/5",
        "shop#updatePetWithForm pet.update pet|5  /v2/pet/{pet_id}",
        "Pet 5 updated",
    ),
    ("DELETE /v2/pet/7", "shop#deletePet pet.delete pet|7  /v2/pet/{pet_id}", "Deletes a pet: 7"),
    (
        "POST /v2/pet/5/uploadImage",
        "shop#uploadFile file.upload pet|5  /v2/pet/{pet_id}/uploadImage",
        "Pet 5 uploaded",
    ),
    (
        "GET /v2/user/logout",
        "shop#logoutUser session.delete session|  /v2/user/logout",
        "Signed out",
    ),
    (
        "POST /api/v1/organizations/acme/members/",
        "generated#invite_member_api_v1_organizations__org_id__members__post member.invite member| \
             organization=acme /api/v1/organizations/{org_id}/members",
        "Member invited in organization acme",
    ),
    (
        "DELETE /api/v1/organizations/acme/members/list",
        "generated#remove_member_api_v1_organizations__org_id__members__member_id__delete \
             member.delete member|list organization=acme \
             /api/v1/organizations/{org_id}/members/{member_id}",
        "Remove Member: list",
    ),
    (
        "PUT /api/v1/users/9",
        "generated#UsersController_block user.block user|9  /api/v1/users/{user_id}",
        "User 9 blocked",
    ),
    (
        "PATCH /api/v1/users/9",
        "generated#users_partial_update user.update user|9  /api/v1/users/{user_id}",
        "User 9 updated",
    ),
    (
        "DELETE /apis/apps/v1/namespaces/prod/deployments/web",
        "cluster#deleteAppsV1NamespacedDeployment deployment.delete deployment|web namespace=prod \
             /apis/apps/v1/namespaces/{namespace}/deployments/{name}",
        "Deployment “web” deleted in namespace prod",
    ),
    (
        "PATCH /apis/apps/v1/namespaces/prod/deployments/web/scale",
        "cluster#patchAppsV1NamespacedDeploymentScale deployment_scale.update deployment|web \
             namespace=prod /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale",
        "Scale of deployment “web” updated in namespace prod",
    ),
    (
        "POST /v1/projects/p1/secrets/s:rotate",
        "methods#SecretService_RotateSecret secret.rotate secret|s project=p1 \
             /v1/projects/{project}/secrets/{secret}:rotate",
        "Secret “s” rotated in project p1",
    ),
    (
        "POST /v2/projects/p1/secrets/s:rotate",
        "methods#SecretService_RotateSecret secret.rotate secret|s project=p1 \
             /v2/projects/{project}/secrets/{secret}:rotate",
        "Secret “s” rotated in project p1",
    ),
    ("DELETE /widgets/7", "- widget.delete widget|7  /widgets/{id}", "Widget 7 deleted"),
];

#[test]
fn documents_name_requests() {
    let documents = ["admin.yaml", "shop.json", "generated.json", "cluster.json", "methods.yaml"];
    let mut text = "openapi:\n".to_owned();
    for name in documents {
        let id = name.split('.').next().unwrap();
        text.push_str(&format!("  - {{ id: {id}, file: docs/{name} }}\n"));
    }
    let rules = loaded(&text, &documents.map(shipped)).unwrap();
    for (line, expected, says) in NAMED {
        let (found, sentence) = shown(&rules, line);
        assert_eq!((found.as_str(), sentence.as_str()), (*expected, *says), "{line}");
    }
}

#[test]
fn what_a_document_calls_a_change_is_none_where_something_was_created() {
    let document = r#"{"openapi": "3.1.0", "info": {"title": "w", "version": "1"}, "paths":
        {"/widgets/{id}": {"put": {"operationId": "updateWidget", "summary": "Update a widget"}}}}"#;
    let text = "openapi: [{ id: w, file: docs/w.json }]";
    let rules = loaded(text, &[("w.json", document.to_owned())]).unwrap();
    assert_eq!(shown_after(&rules, "PUT /widgets/red", 200).1, "Update a widget: red");
    assert_eq!(shown_after(&rules, "PUT /widgets/red", 201).1, "Widget “red” created");
}

#[test]
fn rules_come_first_field_by_field() {
    let text = "events:\n  - id: own\n    match: { path: \"/admin/v2/pools/{p}/api-keys/{k}/cycle\" }\n    \
                category: keys\nopenapi:\n  - { id: admin, file: docs/admin.yaml }\n";
    let rules = loaded(text, &[shipped("admin.yaml")]).unwrap();
    let (found, says) = shown(&rules, "POST /admin/v2/pools/blue/api-keys/k1/cycle");
    let expected = "own api_key.rotate api_key|k1 pool=blue /admin/v2/pools/{p}/api-keys/{k}/cycle";
    assert_eq!((found.as_str(), says.as_str()), (expected, "Rotate the secret of a key: k1"));
    // What stands before the paths can be said, and the host.
    let text = "openapi: [{ id: admin, file: docs/admin.yaml, base: /x, host: b.example }]";
    let rules = loaded(text, &[shipped("admin.yaml")]).unwrap();
    assert_eq!(rules.events().operations(), 9);
    assert!(shown(&rules, "PUT /x/settings").0.starts_with("- "));
    let text = "openapi: [{ id: admin, file: docs/admin.yaml, base: /x, host: A.example }]";
    let rules = loaded(text, &[shipped("admin.yaml")]).unwrap();
    assert!(shown(&rules, "PUT /x/settings").0.starts_with("admin#replaceSettings "));
}

#[test]
fn variables_of_servers_have_all_their_values() {
    let document = r#"{"openapi": "3.0.0", "servers": [{"url": "https://{host}/api/{version}", "variables": {
        "host": {"default": "a.example", "enum": ["a.example", "b.example"]},
        "version": {"default": "v2", "enum": ["v2", "v3"]}}}],
        "paths": {"/keys/{key}": {"patch": {"operationId": "updateApiKey"}}}}"#;
    let text = "openapi: [{ id: a, file: docs/a.json }]";
    let rules = loaded(text, &[("a.json", document.to_owned())]).unwrap();
    assert_eq!(rules.events().operations(), 2);
    for version in ["v2", "v3"] {
        let (found, _) = shown(&rules, &format!("PATCH /api/{version}/keys/k1"));
        assert!(found.starts_with("a#updateApiKey api_key.update"), "{found}");
    }
    assert!(shown(&rules, "PATCH /api/v4/keys/k1").0.starts_with("- "));
}

#[test]
fn a_document_that_changes_is_another_rule_set() {
    let text = "openapi: [{ id: a, file: docs/a.yaml }]";
    let document = |id: &str| {
        let path = format!("{{\"/x\": {{\"post\": {{\"operationId\": \"{id}\"}}}}}}");
        vec![("a.yaml", format!("{{\"openapi\": \"3.0.0\", \"paths\": {path}}}"))]
    };
    let one = loaded(text, &document("createX")).unwrap();
    let other = loaded(text, &document("deleteX")).unwrap();
    assert_ne!(one.digest(), other.digest());
    assert!(one.reads()[0].ends_with("docs/a.yaml"));
}

#[test]
fn documents_that_are_wrong_are_told_with_place_and_remedy() {
    let deep = format!("openapi: 3.0.0\npaths: {}1{}\n", "[".repeat(200), "]".repeat(200));
    let mut bomb = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let last = level - 1;
        let all = vec![format!("*a{last}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{all}]\n"));
    }
    let of = |paths: &str| format!("openapi: 3.1.0\npaths:\n{paths}");
    for (document, expected, remedy) in [
        ("a: [".to_owned(), "/docs/a.yaml:", "in YAML or JSON"),
        (
            "{\"openapi\": \"3.0.0\",\n  \"a\": \"\\ud83d\\ude00\",\n  \"b\": ]}".to_owned(),
            "a.yaml:3:",
            "JSON",
        ),
        (String::new(), "it is empty", "OpenAPI"),
        ("hello".to_owned(), "neither `openapi` nor `swagger`", "Swagger 2"),
        ("openapi: 4.0.0\npaths: {}".to_owned(), ":1:10: version `4.0.0` is not known", "convert"),
        ("swagger: '1.2'\npaths: {}".to_owned(), "version `1.2`", "convert"),
        ("openapi: 3.0.0\ninfo: {}\n".to_owned(), "it has no `paths`", "with paths"),
        (of("  users: {}\n"), "`users` does not begin with `/`", "first `/`"),
        (of("  /x: { post: 5 }\n"), ":3:15: `post` of `/x` is no operation", "operationId"),
        (
            of("  /x: { $ref: 'other.yaml#/x' }\n"),
            ":3:15: `$ref: other.yaml#/x` leads out",
            "bundle",
        ),
        (of("  /x: { $ref: 'https://e/x#/y' }\n"), "leads out of the file", "nothing is fetched"),
        (of("  /x: { $ref: '#/nowhere' }\n"), "leads nowhere", "correct"),
        (of("  /x: { $ref: '#/paths/~1x' }\n"), "from reference to reference", "itself"),
        (
            of("  /a: { $ref: '#/paths/~1b' }\n  /b: { $ref: '#/paths/~1a' }\n"),
            "to reference",
            "itself",
        ),
        (
            of("  /x: { post: { x-countersign-action: Big } }\n"),
            "`x-countersign-action` of `POST /x` is no action",
            "api_key.rotate",
        ),
        (
            of(&format!("  {}: {{ post: {{}} }}\n", "/x".repeat(33))),
            "more than 32 segments",
            "path",
        ),
        (deep, "or 100 levels", "OpenAPI"),
        (bomb, "1000000 values", "OpenAPI"),
    ] {
        let text = "openapi: [{ id: a, file: docs/a.yaml }]";
        let problems = loaded(text, &[("a.yaml", document.clone())]).unwrap_err();
        let first = &problems[0];
        assert!(first.starts_with("/docs/a.yaml"), "{first}");
        assert!(first.contains(expected) && first.contains(remedy), "{document}\n{first}");
    }
    for (entry, expected) in [
        ("id: a, file: no.yaml", "a.yaml:1:26: `/no.yaml` cannot be read"),
        ("id: a, file: docs/a.yaml, base: x", "`x` in `base` of `a` is no path"),
        ("id: A!, file: docs/a.yaml", "A!"),
        ("id: a, flie: docs/a.yaml", "unknown key `flie`"),
    ] {
        let text = format!("openapi: [{{ {entry} }}]");
        let problems = loaded(&text, &[("a.yaml", of("  /x: { post: {} }\n"))]).unwrap_err();
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_that_are_bent_never_panic_and_never_hide(
        name in prop::sample::select(vec!["admin.yaml", "shop.json", "generated.json", "methods.yaml"]),
        bends in prop::collection::vec((any::<prop::sample::Index>(), "[a-z{}/$#:&*\"' -]{0,4}"), 1..6),
        line in "(POST|DELETE|GET) (/[a-z0-9{}.%-]{1,6}){1,6}",
    ) {
        let mut text = shipped(name).1;
        for (index, with) in &bends {
            let at = text.floor_char_boundary(index.index(text.len()));
            let end = text.ceil_char_boundary((at + 3).min(text.len()));
            text.replace_range(at..end, with);
        }
        if let Ok(rules) = loaded("openapi: [{ id: a, file: docs/a }]", &[("a", text)]) {
            let (found, _) = shown(&rules, &line);
            prop_assert!(found.contains('.'));
            // A document makes nothing that is recorded anything else.
            let judged = {
                let asked =
                    Asked { host: "a", target: &line, method: "POST", elsewhere: &NOWHERE };
                rules.events().judge(Safety::Method, &asked)
            };
            prop_assert_eq!(judged, Safety::Method);
        }
    }
}
