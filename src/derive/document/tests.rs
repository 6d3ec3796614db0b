//! What operations say, by tables.

use super::*;

#[test]
fn paths_of_documents_are_patterns() {
    for (base, path, expected) in [
        ("", "/users/{userId}", "/users/{user_id}"),
        ("/api/v2/", "/users/", "/api/v2/users"),
        ("api", "/", "/api"),
        ("", "/", "/"),
        ("", "/a/{x}/b/{x}", "/a/{x}/b/{x_2}"),
        ("", "/v1/{name=projects/*/keys/*}", "/v1/*/*/keys/*"),
        ("", "/files/{path+}", "/files/{path}"),
        ("", "/files/{+path}", "/files/**"),
        ("", "/compare/{base}...{head}", "/compare/{base_head}"),
        ("", "/keys/{key}:rotate", "/keys/{key}:rotate"),
        ("", "/keys/{key}.json", "/keys/{key}.json"),
        ("", "/a%20b/c?x=1#y", "/a b/c"),
        ("", "/a/../{}/x*", "/a/*/*/*"),
    ] {
        let pattern = documented_path(base, path).unwrap();
        assert_eq!(pattern.as_str(), expected, "{base} {path}");
    }
    assert!(documented_path("", &"/a".repeat(40)).is_err());
}

/// The operation of `METHOD PATH | id | summary | tag | query`, of which the end may be missing.
fn operation(line: &str) -> Operation {
    let mut parts = line.split('|').map(str::trim);
    let (method, path) = parts.next().unwrap().split_once(' ').unwrap();
    let text = |part: Option<&str>| part.filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    Operation {
        id: "d#x".to_owned(),
        method: method.to_owned(),
        path: PathPattern::new(path).unwrap(),
        written: path.to_owned(),
        host: None,
        action: None,
        operation_id: text(parts.next()),
        summary: text(parts.next()),
        tag: text(parts.next()),
        query: parts.next().map(ToOwned::to_owned).into_iter().collect(),
    }
}

/// The action, target type, target id, scope and description of an operation.
fn check(line: &str, expected: &str) {
    let rule = operation(line).rule();
    let mut shown = rule.action.unwrap_or_else(|| "-".to_owned());
    if let Some(kind) = rule.target.kind {
        shown.push_str(&format!(" type={kind}"));
    }
    if let Some(id) = rule.target.id {
        shown.push_str(&format!(" id={}", id.as_str()));
    }
    for (name, template) in rule.scope {
        shown.push_str(&format!(" {name}={}", template.as_str()));
    }
    assert_eq!(shown, expected, "{line}");
    assert!(!rule.read && !rule.audit);
}

#[test]
fn operations_name_actions_targets_and_scopes() {
    for (line, expected) in [
        ("POST /users | createUser", "user.create"),
        ("POST /users/{id}/keys/{key}/cycle | rotateApiKey", "api_key.rotate user={path.id}"),
        ("POST /v1/do | rotateApiKey", "api_key.rotate type=api_key"),
        ("POST /keys/{k}/rotate | keys.rotate", "key.rotate"),
        ("POST /keys | issueKey", "key.issue"),
        ("POST /keys | theKeys", "-"),
        ("POST /repos/{owner}/{repo}/hooks | repos/create-webhook", "webhook.create type=webhook"),
        ("POST /v1/customers/{customer} | PostCustomersCustomer", "-"),
        ("DELETE /api/v1/namespaces/{ns}/pods/{name} | deleteCoreV1NamespacedPod", "pod.delete"),
        ("POST /v1/users | UserService_CreateUser", "user.create"),
        ("PATCH /users/{id} | UsersController_update", "user.update"),
        ("PATCH /api/users/{id}/ | api_users_partial_update", "user.update"),
        ("POST /api/v1/users/ | create_user_api_v1_users__post", "user.create"),
        ("PUT /users/{id}/password | setPassword", "user_password.set"),
        ("POST /users/login | loginUser", "-"),
        ("PUT /vaults/{name} | Vaults_CreateOrUpdate", "vault.update"),
        ("DELETE /users | bulkDeleteUsers", "user.delete"),
        (
            "POST /pet/{petId}/uploadImage | uploadFile".replace("petId", "pet_id").as_str(),
            "file.upload",
        ),
        ("POST /jobs/{id} | | Cancels a job.", "job.cancel"),
        ("POST /jobs/{id}/stop | | Update the job", "-"),
        ("POST /admin/delete | | | | id", "- id={query.id}"),
        (
            "POST /token | login_for_access_token_token_post | Login For Access Token",
            "session.create type=session",
        ),
        ("POST / | | | API keys", "api_key.create type=api_key"),
        ("POST /files/{id} | undoDelete", "file.undo_delete"),
        ("POST /x | ☃ | …", "-"),
        // A document makes nothing a read.
        ("PUT /widgets/{id} | getWidget", "-"),
        ("DELETE /widgets/{id} | WidgetService_ListWidgets | Get a widget", "-"),
        ("PATCH /widgets/{id} | | Retrieves a widget", "-"),
        ("DELETE /widgets/{id} | listGadgets", "gadget.delete"),
        ("POST /widgets/{id} | getWidget", "widget.get"),
        ("PUT /widgets/{id} | resetWidget", "widget.reset"),
        // What a document says that it is, is a verb.
        ("POST /pets/{pet_id}/vaccinate | vaccinatePet", "pet.vaccinate"),
        ("POST /pets/{pet_id}/groom | | Groom a pet", "-"),
        ("POST /loans/{id}/amortize | LoanController_amortize", "-"),
        ("POST /pets/{pet_id}/collar | putCollar", "collar.put pet={path.pet_id}"),
        ("DELETE /customers/{customer} | DeleteCustomersCustomer", "customer.delete"),
        (
            "DELETE /users/{user_id}/sessions | revokeUserSessions",
            "session.revoke user={path.user_id}",
        ),
        ("DELETE /session | revokeSession", "-"),
    ] {
        check(line, expected);
    }
}

#[test]
fn words_of_documents_are_no_ids() {
    for (line, pattern, expected) in [
        ("POST /users/permanent-erase", "/users/permanent-erase", "permanent_erase.create: -"),
        ("POST /users/permanent-erase", "/users/{id}", "user.update: permanent-erase"),
        ("POST /users/ordinary/seven", "/users/ordinary/{x}", "ordinary.update: seven"),
        ("DELETE /users/stale", "/users/stale", "stale.delete: -"),
        ("PATCH /users/me", "/users/me", "user.update: me"),
        ("POST /users/5/reset-2fa", "/users/{id}/reset-2fa", "user.reset_2fa: 5"),
        ("DELETE /account/acme", "/account/acme", "acme.delete: -"),
        ("DELETE /account/acme", "/account/{name}", "account.delete: acme"),
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let (method, path) = (method.to_owned(), path.to_owned());
        let request = RequestRecord { method, path, ..RequestRecord::default() };
        let pattern = PathPattern::new(pattern).unwrap();
        let known = Known { documented: Some(&pattern), is_routed: true, ..Known::default() };
        let naming = naming_at(&request, None, known, &mut Trace::off());
        let id = naming.targets.first().and_then(|target| target.id.as_deref()).unwrap_or("-");
        assert_eq!(format!("{}: {id}", naming.action), expected, "{line}");
    }
}

#[test]
fn a_document_says_that_the_last_word_is_a_verb() {
    for (line, expected) in [
        ("POST /pets/{id}/vaccinate | vaccinatePet | ", "pet.vaccinate 7"),
        ("POST /pets/{id}/groom |  | Groom a pet", "pet.groom 7"),
        ("POST /loans/{id}/amortize | LoanController_amortize | ", "loan.amortize 7"),
        ("PUT /pets/{id}/groom | pets.groom | ", "pet.groom 7"),
        // What is made below an item stays what it is.
        ("POST /pets/{id}/collar | putCollar | Put on a collar", "collar.create -"),
        ("POST /pets/{id}/photos | photosPet | ", "photo.create -"),
        ("POST /pets/{id}/groom |  | Groom of a pet", "groom.create -"),
        ("GET /pets/{id}/groom | groomPet | ", "pet_groom.read 7"),
    ] {
        let operation = operation(line);
        let rule = operation.rule();
        let request = RequestRecord {
            method: operation.method.clone(),
            path: operation.written.replace("{id}", "7"),
            ..RequestRecord::default()
        };
        let known = Known { documented: Some(&rule.path), is_routed: true, ..Known::default() };
        let naming = naming_at(&request, None, known, &mut Trace::off());
        let id = naming.targets.first().and_then(|target| target.id.as_deref()).unwrap_or("-");
        assert_eq!(format!("{} {id}", naming.action), expected, "{line}");
    }
}
