//! Documents in strings that cannot be decoded, values in programs, and lists: what goes, what stays.

use super::*;

/// The secret of every row.
const SECRET: &str = "Zq7-horse";

fn shown(body: &Value) -> String {
    stored(&record("/", &[JSON], body.to_string().as_bytes()))
}

/// In each string `§` stands for the secret.
fn all_gone(strings: &[&str]) {
    let mut kept = Vec::new();
    for string in strings {
        let body = json!({"p": string.replace("§", SECRET)});
        let text = shown(&body);
        if text.contains(SECRET) || text.contains("horse") {
            kept.push(format!("{string}\n    {text}"));
        }
    }
    assert!(kept.is_empty(), "{}", kept.join("\n"));
}

fn all_stay(strings: &[&str]) {
    let mut lost = Vec::new();
    for string in strings {
        let record = record("/", &[JSON], json!({"p": string}).to_string().as_bytes());
        let shown = record.body.as_ref().unwrap().value();
        if shown != json!({"p": string}) || !record.receipts.is_empty() {
            lost.push(format!("{string}\n    {shown}"));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn documents_that_are_broken_give_nothing_away() {
    all_gone(&[
        r#"{"security_answer": "§", "x":"#,
        r#"{"security_answer":"§",}"#,
        r#"{"a": {"b": 1}, "security_answer": "§ and more"#,
        r#"{"credentials": {"x": "§", "y"#,
        r#"{"credentials": {"x": "§"}, "y"#,
        r#"{"recovery_codes": ["§", "b"#,
        r#"{"security_answer": §, "x""#,
        r#"{"env": [{"name": "DB_PASSWORD", "value": "§"#,
        r#"{'security_answer': '§', 'x': None}"#,
        r#"upstream said {"security_answer": "§", "db_pa..."#,
        r#"upstream said {\"security_answer\": \"§\", \"db_pa..."#,
        r#"..."security_answer": "§", "db": 1}"#,
        "$c = ['security_answer' => '§', 'x' => 1];",
        "<?xml version=\"1.0\"?><!DOCTYPE a><a><security_answer>§</security_answer></a>",
        "<?xml version=\"1.0\"?><!DOCTYPE a><a><credentials><b>§</b></credentials></a>",
        "<!DOCTYPE a [<!ENTITY x \"§\">]><a><security_answer>&x;</security_answer></a>",
        "<a><security_answer>§</b></a>",
        "<a><security_answer><![CDATA[§]]></security_answer><b></a>",
        "<a><security_answer>§",
        "got <security_answer>§</security_answer>, and then",
        "password: &a §\nb: *zz\n",
        "a: &a §\nsecurity_answer: *a\nb: *zz\n",
        "security_answer: §\na: [\n",
        "security_answer: \"first\n  §\na: [\n",
        "{{- if .x }}\ndb:\n  password: |\n    §\n{{- end }}\n",
        "{{- if .x }}\ndb:\n  security_answer: >-\n    first\n    §\n  name: x\n{{- end }}\n",
        "{{- if .x }}\na: b\nrecovery_codes:\n- first\n- §\n{{- end }}\n",
        "{{- if .x }}\na: b\ncredentials:\n  zip: §\n{{- end }}\n",
        "{{- if .x }}\nenv:\n- name: SECURITY_ANSWER\n  value: §\n{{- end }}\n",
        "[db]\nname = x\nsecurity_answer = \"§\"\n",
        "db.password=\\\n  §\n",
        r#"{"recovery_code": 84710293, "security_answer": "§", "x""#,
        r#"{"a": 1, // note
            "security_answer": "§"}"#,
        r#"{"security_answer": "§", "x": NaN}"#,
        r#"{security_answer: "§", x: 1}"#,
        "{security_answer: §, x: [",
        "a: {security_answer: §, b: [\n",
        "security_answer = \"§\"",
        "os.environ[\"SECURITY_ANSWER\"] = \"§\"",
        "$securityAnswer = '§'",
        "<a security_answer=\"§\"><b></a>",
        "<x:a><x:security_answer>§</x:security_answer><b></x:a>",
        "\"security_answer\": §\na: [\n",
        "security_answer: §\r\na: [\r\n",
        "db.user=ada\ndb.security_answer : \\\n  §\n",
    ]);
    let bomb: String =
        (1..40).map(|n| format!("a{n}: &a{n} [*a{0},*a{0},*a{0}]\n", n - 1)).collect();
    all_gone(&[&format!("a0: &a0 [x,x,x]\n{bomb}security_answer: §\n")]);
}

#[test]
fn ordinary_texts_with_braces_stay() {
    all_stay(&[
        "a sentence with {a brace and \"a quote",
        "{not json at all",
        r#"{"name": "ada", "x":"#,
        r#"{"token_type": "Bearer", "max_tokens": 12, "a"#,
        r#"{"recovery_codes": null, "security_answer": null, "x"#,
        r#"{"tokens": 5, "credentials": {}, "x"#,
        "{name: ada, note: [",
        "auth: \"basic\", token_type = \"Bearer\"",
        "select * from t where token = \"\" and name = \"ada\"",
        "the pass: \"two words\" of it",
        "send it as token: \"Bearer\", or \"token\": \"Bearer\"",
        "2026-11-22 10:00:00 INFO [main] c.e.App: started in 2.1 s {\"a\": 1}",
        "# Title\n\nSome text: with a colon.\nNote: another one.\n\n- item: one\n- item: two [x\n",
        "{{- if .x }}\nname: {{ .Values.name }}\nreplicas: 3\n{{- end }}\n",
        "{{- range .items }}\n- name: LOG_LEVEL\n  value: debug\n{{- end }}\n",
        "{{- if .x }}\nsecurity_answer: {{ .Values.answer }}\nname: x\n{{- end }}\n",
        "<p>one <b>two</b><br> three",
        "<a><name>ada</name>",
        "if (a < b) { c = \"d\"; }",
        "Dear Ada, hello\nDear Bob, hello\n",
        "name,city\nada,London\n",
        "ENV PATH /usr/bin",
        "setTitle(\"Password\")",
        "add(\"password\", \"Password\")",
        "cat <<EOF\nhello\nEOF",
        "x = \"\"\"a text\"\"\"",
        "the word “password” is short",
        "it's 10:30, and Ada's note: 'hello'",
    ]);
}

#[test]
fn values_in_programs() {
    all_gone(&[
        "password = \"\"\"§\"\"\"",
        "password = '''first\n§'''",
        "connect(user=x, security_answer=\"\"\"§\"\"\")",
        "master_password = <<EOF\n§\nEOF\n",
        "master_password = <<-EOF\n  first\n  §\n  EOF\nname = x\n",
        "define( 'DB_PASSWORD', '§' );",
        "System.setProperty(\"db.password\", \"§\");",
        "ENV DB_PASSWORD first §",
        "FROM x\nENV DB_PASSWORD §\nRUN y",
        "user.setPassword(\"§\")",
        "builder.user(\"ada\").password(\"§\")",
        "$p = ConvertTo-SecureString 'first §' -AsPlainText -Force",
        "name,password\nada,§\n",
        "name;password\nada;§\n",
        "name\tpassword\r\nada\t§\r\n",
        "\"name\",\"password\"\n\"ada\",\"first, §\"\n",
        "x.withPassword('§')",
        "x.set_password('§')",
        "password: “first §”",
        "Passwort: „first §“",
    ]);
}

#[test]
fn elements_of_lists_end_where_the_secret_ends() {
    for body in [
        json!({"Env": ["API_TOKEN=first Zq7-horse"]}),
        json!(["--password=first Zq7-horse"]),
        json!(["java", "-Ddb.password=first Zq7-horse", "-jar", "x"]),
        json!(["docker", "run", "-e", "API_TOKEN=first Zq7-horse"]),
        json!(["x", "--from-literal=password=first Zq7-horse"]),
        json!(["mysql", "-pfir;stZq7-horse"]),
        json!(["sshpass", "-p", "first Zq7-horse", "ssh"]),
        json!(["curl", "-u", "ada:first Zq7-horse"]),
        json!(["redis-cli", "-a", "first Zq7-horse", "ping"]),
        json!(["docker", "login", "-u", "ada", "-p", "first Zq7-horse"]),
        json!(["sqlcmd", "-U", "sa", "-P", "Zq7-horse"]),
    ] {
        let text = shown(&body);
        assert!(!text.contains("horse"), "{body} {text}");
    }
    let text = shown(&json!(["sh", "-c", "mysql -phunter2 -u ada; ls /srv"]));
    assert!(!text.contains("hunter2") && text.contains("-u ada; ls /srv"), "{text}");
    for body in [
        json!(["token of the user=ada is here"]),
        json!(["a=b c", "--name=first last", "LOG=a b"]),
        json!(["curl", "-H", "accept: text/plain", "https://h/x"]),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
}

#[test]
fn conditions_hold_in_lists_and_for_values() {
    for body in [
        json!({"recovery_key": ["Zq7-horse"]}),
        json!({"recovery_key": [["Zq7-horse"]]}),
        json!({"client_key": {"value": "Zq7-horse"}}),
        json!({"auth": "ada:first Zq7-horse"}),
        json!({"DEPLOY_KEY": [{"value": "Zq7-horse"}]}),
    ] {
        let text = shown(&body);
        assert!(!text.contains("horse"), "{body} {text}");
    }
    let xml = ("content-type", "application/xml");
    for body in [
        "<a><wpa_key type=\"ascii\">Zq7-horse</wpa_key></a>",
        "<a><recovery_key>Zq7-horse</recovery_key><recovery_key>Zq8-horse</recovery_key></a>",
    ] {
        let text = stored(&record("/", &[xml], body.as_bytes()));
        assert!(!text.contains("horse"), "{body} {text}");
    }
    for body in [
        json!({"recovery_key": ["enabled"], "client_key": {"name": "Zq7-horse", "on": true}}),
        json!({"tls_key": ["none", "optional"]}),
        json!({"sid": ["AC00112233445566778899aabbccddeeff"]}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
}

#[test]
fn names_ending_in_pass() {
    for name in [
        "RABBITMQ_DEFAULT_PASS",
        "GF_SMTP_PASS",
        "WORDPRESS_DB_PASS",
        "DB_ROOT_PASS",
        "guestPass",
        "registry_pass",
    ] {
        for value in [
            json!("Sommerregen"),
            json!("84710293"),
            json!(84_710_293),
            json!("a$b-c: d@e"),
            json!(["Sommerregen"]),
        ] {
            let record = record("/", &[JSON], json!({name: value}).to_string().as_bytes());
            assert!(
                !stored(&record).contains("ommerregen") && !record.receipts.is_empty(),
                "{name} {value}"
            );
        }
    }
    for body in [
        json!({"boarding_pass": "Sommerregen", "test_pass": 12, "first_pass": "yes, it is", "bypass": "x"}),
        json!({"compass": "NNE", "render_pass": "main", "pass_rate": 0.5}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
}

#[test]
fn settings_about_secrets_stay() {
    for body in [
        json!({"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main", "token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}}),
        json!({"permissions": {"contents": "read", "id-token": "write"}}),
        json!({"record": "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7odlQIDAQAB"}),
        json!({"expr": "sum(rate(auth_token_requests_total{code=\"401\"}[5m])) > 5"}),
        json!({"PasswordReusePrevention": 24, "token.endpoint.auth.signing.alg": "RS256"}),
        json!({"requiredCredentials": ["password"], "existingSecret": "shop-db"}),
        json!({"bos_token": "<s>", "avg_tokens": 412.5, "tokens": {"input": 1200, "output": 5412}}),
        json!({"tokens.input": 12345}),
        json!({"errors": {"password": ["can't be blank", "is too short (minimum is 8 characters)"]}}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
        assert!(record.receipts.is_empty(), "{body}");
    }
    for body in [
        json!({"errors": {"password": ["Zq7-horse"], "token": ["is Zq7-horse too long"]}}),
        json!({"password_policy.password": "Zq7-horse"}),
        json!({"id-token": "Zq7-horse", "tokens": {"input": "Zq7-horse"}}),
        json!({"x": "login{password=Zq7-horse}"}),
    ] {
        let text = shown(&body);
        assert!(!text.contains("horse"), "{body} {text}");
    }
}

/// Work that grows with the square of these lengths takes minutes.
#[test]
fn long_lists_of_names_and_values_are_gone_through_once() {
    for unit in [
        "name: DB_PASSWORD\nvalue: §\n",
        "password: |\n  §\n",
        "password=§&",
        "[a] => <[b] => {{[c]=> string([\"password\"] => string(9) \"§\" ",
    ] {
        let text = unit.replace('§', SECRET).repeat(8_000);
        let shown = shown(&json!({"p": text}));
        assert!(!shown.contains("horse"), "{unit}");
    }
}

#[test]
fn dumps_for_people_give_nothing_away() {
    all_gone(&[
        "Array\n(\n    [user] => ada\n    [password] => §\n)\n",
        "stdClass Object ( [security_answer] => § and more",
        "array(2) {\n  [\"password\"]=>\n  string(9) \"§\"\n}",
        "object(User)#3 (1) { [\"password\":protected]=> string(9) \"§\" }",
        "[\"password\"]=> string(18446744073709551615) \"§\"",
        "[\"password\"]=> string(99999999999999999999999) \"§\" and [\"pin\"]=> string(",
        "object(User)#3 (1) {\n  [\"apiSecret\":\"App\\User\":private]=>\n  string(9) \"§\"\n}",
    ]);
    all_stay(&[
        "Array\n(\n    [user] => ada\n    [role] => admin\n)\n",
        "Array\n(\n    [password] => \n    [secret] => Array\n        (\n        )\n)\n",
        "array(1) {\n  [\"user\"]=>\n  string(3) \"ada\"\n}",
        "items[0] => first, items[1] => second",
    ]);
}

#[test]
fn names_in_one_place_and_values_in_another() {
    all_gone(&[
        "Key (email, reset_token)=(a@b.c, §) already exists.",
        "Key (reset_token, email)=(§, a@b.c) already exists.",
        "Key (lower(api_key))=(§) already exists.",
        "Key (email, password)=(a, b, §) is not present in table \"users\".",
        "| user | password |\n|---|---|\n| ada | § |",
        "Logins:\n\n**Password** | Role\n:--|--:\n§ | admin\n§ | guest\n\nThat is all.",
    ]);
    all_stay(&[
        "Key (email)=(a@b.c) already exists.",
        "Key (email, tenant)=(a@b.c, 7) already exists.",
        "f (x)=(y",
        "x)=(y)=(z)",
        "| user | role |\n|---|---|\n| ada | admin |",
        "| user | password |\n| ada | set |",
        "a | b\npassword | role",
    ]);
    let text = json!({"p": "Key (email, reset_token)=(a@b.c, Zq7-horse) already exists."});
    let shown = json!({"p": "Key (email, reset_token)=(a@b.c, ***) already exists."});
    let record = record("/", &[JSON], text.to_string().as_bytes());
    assert_eq!(record.body.map(|body| body.value()), Some(shown));
}

#[test]
fn names_that_are_not_written_in_latin_letters() {
    all_gone(&[
        "Пароль: §",
        "密码：§",
        "您的密码: **§**",
        "비밀번호 = §",
        "Hasło: §",
        "Новый пароль：§ ",
    ]);
    all_stay(&[
        "Пароль: обязателен",
        "密码：请联系管理员",
        "Город: Bern",
        "密码: required",
        "密码：a",
        "Hasło: zmienione",
    ]);
}

#[test]
fn words_behind_labels() {
    let pieces = |label: &str, text: &str| json!({"fields": [{"type": "mrkdwn", "text": label}, {"type": "mrkdwn", "text": text}]});
    for label in ["*Password*", "password: ", "**API key:**", "密码："] {
        let shown = shown(&pieces(label, SECRET));
        assert!(!shown.contains(SECRET), "{label}: {shown}");
    }
    for (label, text) in [
        ("*City*", "Bern-3001"),
        ("password", "Bern-3001"),
        ("*Password*", "see the vault"),
        ("*Password*", "required"),
        ("*Token:*", "rotated"),
        ("Reset your password here: ", "click below"),
    ] {
        let body = pieces(label, text);
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(body), "{label}");
    }
}

#[test]
fn what_is_inserted_into_columns_that_have_names() {
    let rows = [
        (
            "INSERT INTO u (name, password) VALUES ('ada', 'Zq7''x, y)'), ('bob', 'Lm4-Vb9Kq')",
            "ada bob",
        ),
        (
            "insert into u (\"api_key\", [mail])\n  values (md5('Zq7''x, y)'), 'a@b.c'),\n ('Lm4-Vb9Kq', N'it')",
            "a@b.c it",
        ),
        (
            r"REPLACE INTO u (`n`,`password`) VALUES (f('a', 1),'Zq7''x, y)\'Lm4-Vb9Kq'),(2,NULL)",
            "f('a', 1) NULL",
        ),
        ("INSERT INTO u (id, password) VALUES ('a17', 8841), (18, ?)", "a17 18 ?"),
        ("(password) VALUES ('Lm4-Vb9Kq", "(password) VALUES"),
    ];
    for (text, kept) in rows {
        let error = if text.contains("y)')") { "near Zq7'x, y) it is" } else { "" };
        let text = shown(&json!({"note": text, "error": error}));
        for secret in ["Zq7", "Lm4", "8841"] {
            assert!(!text.contains(secret), "{text}");
        }
        for kept in kept.split(' ').filter(|kept| !kept.is_empty()) {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }
    for text in [
        "INSERT INTO u (name, mail) VALUES ('ada', 'a@b.c')",
        "(see password) values differ (by 'far')",
        "INSERT INTO u (name, password) VALUES ($1, $2)",
        ") VALUES) VALUES (password) VALUES",
    ] {
        let record = record("/x", &[JSON], json!({ "note": text }).to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), json!({ "note": text }));
    }
}
