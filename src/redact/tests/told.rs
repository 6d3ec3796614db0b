//! Secrets whose names stand apart from them: in conditions, beside trees of flags, in columns, in
//! protocols.

use super::*;

const SECRET: &str = "f3Kq9ZpL2vXw8RtY5nBd";

/// Whether a body is recorded as it was sent.
fn stays(body: &Value) {
    let record = record("/", &[JSON], body.to_string().as_bytes());
    assert_eq!(record.body.map(|body| body.value()).as_ref(), Some(body));
}

fn gone(target: &str, body: &Value) {
    let stored = stored(&record(target, &[JSON], body.to_string().as_bytes()));
    assert!(!stored.contains(SECRET), "{target} {body}\n{stored}");
}

#[test]
fn conditions_have_a_name_an_operator_and_a_value() {
    gone(&format!("/odata/Users?$filter=ApiKey%20eq%20'{SECRET}'"), &json!({}));
    gone(&format!("/Users?filter=token%20eq%20%22{SECRET}%22"), &json!({}));
    for body in [
        json!({"filter": format!("ApiKey eq '{SECRET}'")}),
        json!({"filters": [["api_key", "=", SECRET]]}),
        json!({"domain": ["&", ["name", "=", "ada"], ["password", "in", [SECRET]]]}),
        json!({"find": {"$where": format!("this.password == '{SECRET}'")}}),
    ] {
        gone("/", &body);
    }
    for body in [
        json!({"filters": [["name", "=", "ada"], ["count", ">", 5], ["token", "!=", false]]}),
        json!({"args": ["secrets", "are", "kept"], "x": ["token", "list", "all"]}),
        json!({"filter": "userName eq \"ada\" and active eq true"}),
    ] {
        stays(&body);
    }
}

#[test]
fn what_is_sensitive_is_told_beside_it() {
    for body in [
        json!({"change": {"before": null, "before_sensitive": false,
            "after": {"result": SECRET, "list": [{"x": SECRET}], "id": "none"},
            "after_sensitive": {"result": true, "list": [{"x": true}]}}}),
        json!({"change": {"after": {"id": {"x": SECRET}}, "after_sensitive": {"id": true}}}),
        json!({"attributes": {"result": SECRET, "x": "1", "a": {"b": SECRET, "c": [SECRET]}},
        "sensitive_attributes": [
            [{"type": "get_attr", "value": "result"}],
            [{"type": "get_attr", "value": "a"}, {"type": "get_attr", "value": "b"}],
            [{"type": "get_attr", "value": "a"}, {"type": "get_attr", "value": "c"},
                {"type": "index", "value": {"value": 0, "type": "number"}}],
        ]}),
        json!({"values": {"x": SECRET}, "sensitive_values": {"x": true}}),
        json!({"outputs": {"x": {"4dabf18193072939515e22adb298388d":
            "1b47061264138c4ac30d75fd1eb44270", "plaintext": format!("\"{SECRET}\"")}}}),
        json!({"state": json!({"values": {"x": SECRET}, "sensitive_values": {"x": true}}).to_string()}),
    ] {
        gone("/", &body);
    }
    let many = vec![json!([{"type": "get_attr", "value": "other"}]); 65];
    gone("/", &json!({"attributes": {"x": SECRET}, "sensitive_attributes": many}));
    for body in [
        json!({"after": {"size": "t3.micro"}, "after_sensitive": {"size": false, "tags": {}}}),
        json!({"attributes": {"a": "b"}, "sensitive_attributes": []}),
        json!({"values": [1, "x"], "sensitive_values": {}}),
    ] {
        stays(&body);
    }
}

#[test]
fn texts_in_which_name_and_secret_stand_apart() {
    for text in [
        format!("(password \"{SECRET}\")"),
        format!("{{:user \"ada\" :password \"{SECRET}\"}}"),
        format!("password -> {SECRET}"),
        format!("user\tada\npassword\t{SECRET}\n"),
        format!("user\tpassword\nada\t{SECRET}\n"),
        format!("NAME    TOKEN\nada     {SECRET}\n"),
        format!("NAME    API KEY                AGE\nada     {SECRET}   4d\nbob     none   5d\n"),
        format!(" name | password \n------+------\n ada  | {SECRET}\n"),
        format!(
            "+------+------+\n| name | password |\n+------+------+\n| ada | {SECRET} |\n+--+--+\n"
        ),
        format!("password = os.environ.get(\"X\", \"{SECRET}\")"),
        format!("key := getenv('API_KEY', '{SECRET}')"),
        format!("USER ada\r\nPASS {SECRET}\r\n"),
        format!("a1 LOGIN ada {SECRET}"),
        format!("AUTH {SECRET}"),
        format!("gh secret set FOO --body \"{SECRET}\""),
        format!("twine upload -u __token__ -p {SECRET}"),
        format!("expect \"Password:\"\nsend \"{SECRET}\\r\""),
        format!("h:5432:db:ada:{SECRET}\n"),
    ] {
        gone("/", &json!({ "log": text }));
    }
    for text in [
        "NAME    READY   STATUS\nweb     1/1     Running\n",
        "user\tada\nrole\tadmin\n",
        "id | name\n---+---\n1 | ada\n",
        "name = config.get(\"title\", \"Ada's shop\")",
        "t = i18n.get(\"password\", \"Password\")",
        "PASS src/login.test.js\nFAIL src/x.test.js",
        "auth required pam_unix.so\nauth SHA256\n",
        "a token -> user mapping",
    ] {
        stays(&json!({ "log": text }));
    }
}

#[test]
fn what_stands_apart_is_looked_for_in_linear_time() {
    let columns = "TOKEN  API KEY  ".repeat(30);
    for text in [
        format!("{columns}\n{}", "x".repeat(60_000)),
        format!("{columns}\n{}", "a  b\n".repeat(12_000)),
        "TOKEN  KEY\na  b\n\n".repeat(4_000),
        "password\tx\n".repeat(6_000),
        "password -> ".repeat(5_000),
        "(password \"".repeat(5_000),
        "USER a\nPASS ".repeat(5_000),
        "a1 LOGIN a ".repeat(5_000),
        "token eq '".repeat(6_000),
        "expect \"Password:\"\n".repeat(3_000),
        "get('a', 'b".repeat(5_000),
        "h:5432:a:b:".repeat(5_000),
    ] {
        record("/", &[JSON], json!({ "log": text }).to_string().as_bytes());
    }
    let deep = (0..60).fold(
        json!({"x": true}),
        |tree, _| json!({"after": tree.clone(), "after_sensitive": {"after": {"x": true}}}),
    );
    record("/", &[JSON], deep.to_string().as_bytes());
}
