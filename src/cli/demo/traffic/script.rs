//! The script: who sends what, in which order, and what the API answers.
//!
//! Ids are those that the sample API gives: users from 1001, other rows by kind.

use std::fmt;

use http::Method;
use serde_json::{Value, json};

use crate::cli::demo::planted;

/// Somebody, or something, that uses the API.
#[derive(Clone, Copy)]
pub(super) struct Actor {
    pub(super) credentials: Credentials,
    pub(super) user_agent: &'static str,
}

/// How an actor proves who it is.
#[derive(Clone, Copy)]
pub(super) enum Credentials {
    None,
    /// A whole `Authorization` header.
    Authorization(&'static str),
    Bearer(&'static str),
    /// The secret of the API key with this number.
    GatewayKey(u32),
    ApiKey(&'static str),
    /// The cookie of the last login.
    Session,
}

/// The body of a request.
pub(super) enum Body {
    None,
    Json(Value),
    /// `application/x-www-form-urlencoded`, encoded.
    Form(String),
    Csv(String),
}

/// One request, and the status that the API gives.
pub(super) struct Step {
    pub(super) actor: Actor,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Body,
    pub(super) expect: u16,
    /// The response does not end by itself.
    pub(super) endless: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{} {path}", self.method)
    }
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const STRANGER: Actor = Actor { credentials: Credentials::None, user_agent: BROWSER };
const ANNA: Actor = Actor { credentials: Credentials::Session, user_agent: BROWSER };
const BELA: Actor = Actor {
    credentials: Credentials::Authorization(planted::BELA_BASIC),
    user_agent: "curl/8.14.1",
};
const CAROL: Actor =
    Actor { credentials: Credentials::Authorization(planted::CAROL_BASIC), user_agent: BROWSER };
const TERRAFORM: Actor = Actor {
    credentials: Credentials::Bearer(planted::TERRAFORM_TOKEN),
    user_agent: "Terraform/1.12.2",
};
const PIPELINE: Actor = Actor {
    credentials: Credentials::ApiKey(planted::PIPELINE_KEY),
    user_agent: "deploy-pipeline/4.2",
};
const NOTEBOOK: Actor =
    Actor { credentials: Credentials::GatewayKey(1), user_agent: "OpenAI/Python 1.99.1" };
const NIGHTLY: Actor =
    Actor { credentials: Credentials::GatewayKey(2), user_agent: "nightly-batch/0.9" };
/// Has a key that the API never gave out.
const LEFTOVER: Actor =
    Actor { credentials: Credentials::GatewayKey(0xdead), user_agent: "python-requests/2.32" };

/// The whole script.
pub(super) fn steps() -> Vec<Step> {
    let mut script = Script(Vec::new());
    morning(&mut script);
    infrastructure(&mut script);
    keys(&mut script);
    gateway(&mut script);
    budget_runs_out(&mut script);
    clearing_up(&mut script);
    script.0
}

struct Script(Vec<Step>);

impl Script {
    fn step(&mut self, actor: Actor, method: Method, path: &str, body: Body, expect: u16) {
        let path = path.to_owned();
        self.0.push(Step { actor, method, path, body, expect, endless: false });
    }

    fn read(&mut self, actor: Actor, path: &str, expect: u16) {
        self.step(actor, Method::GET, path, Body::None, expect);
    }

    fn json(&mut self, actor: Actor, method: Method, path: &str, body: Value, expect: u16) {
        self.step(actor, method, path, Body::Json(body), expect);
    }

    fn form(&mut self, actor: Actor, path: &str, fields: String, expect: u16) {
        self.step(actor, Method::POST, path, Body::Form(fields), expect);
    }

    fn act(&mut self, actor: Actor, path: &str, expect: u16) {
        self.step(actor, Method::POST, path, Body::None, expect);
    }

    fn delete(&mut self, actor: Actor, path: &str, expect: u16) {
        self.step(actor, Method::DELETE, path, Body::None, expect);
    }

    fn chat(&mut self, actor: Actor, model: &str, prompt: &str, expect: u16) {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
        self.json(actor, Method::POST, "/v1/chat/completions", body, expect);
    }
}

fn login(password: &str) -> String {
    format!("username=anna&password={password}")
}

/// Anna signs in, at the second try, and looks after her people.
fn morning(s: &mut Script) {
    s.read(STRANGER, "/login", 200);
    s.form(STRANGER, "/login", login(planted::WRONG_PASSWORD), 401);
    s.form(STRANGER, "/login", login(planted::ANNA_PASSWORD), 302);
    s.read(ANNA, "/admin/settings", 200);
    let settings = format!(
        "organization=Acme+Freight+%26+Sons&smtp_host=mail.acme.example&smtp_password={}",
        planted::SMTP_PASSWORD
    );
    s.form(ANNA, "/admin/settings", settings, 303);
    s.read(ANNA, "/admin/settings", 200);
    s.read(ANNA, "/admin/users", 200);
    let dora = json!({
        "email": "dora@acme.example",
        "name": "Dóra Nagy",
        "role": "admin",
        "password": planted::NEW_PASSWORD,
    });
    s.json(ANNA, Method::POST, "/admin/users", dora.clone(), 201);
    s.json(ANNA, Method::POST, "/admin/users", dora, 409);
    s.json(ANNA, Method::POST, "/admin/users", json!({ "name": "No Address" }), 422);
    s.json(ANNA, Method::PATCH, "/admin/users/1004", json!({ "role": "viewer" }), 200);
    s.act(ANNA, "/admin/users/1004/invite", 200);
    s.act(ANNA, "/admin/users/1099/suspend", 404);
    s.json(CAROL, Method::PATCH, "/admin/users/1003", json!({ "role": "owner" }), 403);
    s.read(CAROL, "/admin/users/1003", 200);
    let lines = format!(
        "emil@acme.example,Emil Horn,{0}\nfatma@acme.example,Fatma Demir,{0}\n",
        planted::CSV_PASSWORD
    );
    s.step(ANNA, Method::POST, "/admin/users/import", Body::Csv(lines), 200);
    s.act(ANNA, "/admin/users/1005/suspend", 200);
    s.act(STRANGER, "/admin/users/1001/suspend", 401);
}

/// Terraform and Béla set up providers, pools and budgets.
fn infrastructure(s: &mut Script) {
    s.read(TERRAFORM, "/admin/providers", 200);
    let provider = json!({
        "name": "southwind",
        "models": ["southwind-1"],
        "credentials": {
            "api_key": planted::PROVIDER_KEY,
            "headers": { "Authorization": format!("Bearer {}", planted::NESTED_TOKEN) },
        },
        "region": "eu-central",
    });
    s.json(TERRAFORM, Method::POST, "/admin/providers", provider, 201);
    let rotated = json!({ "credentials": { "api_key": planted::PROVIDER_KEY } });
    s.json(TERRAFORM, Method::PATCH, "/admin/providers/prv_5e1f0002", rotated, 200);
    s.json(TERRAFORM, Method::POST, "/admin/pools", json!({ "name": "support" }), 201);
    let pool = json!({ "name": "support", "requests_per_minute": 120, "region": "eu-central" });
    s.json(TERRAFORM, Method::PUT, "/admin/pools/pool_5e1f0003", pool, 200);
    let budget = json!({ "pool": "support", "limit_cents": 20_000 });
    s.json(TERRAFORM, Method::POST, "/api/v1/budgets", budget.clone(), 201);
    s.json(TERRAFORM, Method::POST, "/api/v1/budgets", budget, 409);
    let hook = json!({ "url": "https://hooks.acme.example/audit", "events": ["key.created"] });
    let path = format!("/admin/webhooks?dry_run=false&access_token={}", planted::QUERY_TOKEN);
    s.json(TERRAFORM, Method::POST, &path, hook, 201);
    s.act(BELA, "/admin/maintenance/reindex", 500);
    s.act(BELA, "/admin/providers/prv_5e1f0001/disable", 200);
    s.act(BELA, "/admin/providers/prv_5e1f0001/enable", 200);
    let wrong = json!({ "limit_cents": "plenty" });
    s.json(BELA, Method::PATCH, "/api/v1/budgets/bud_5e1f0002", wrong, 422);
    s.read(BELA, "/api/v1/budgets", 200);
    s.0.push(Step {
        actor: ANNA,
        method: Method::GET,
        path: "/api/v1/events".to_owned(),
        body: Body::None,
        expect: 200,
        endless: true,
    });
}

/// The life of API keys.
fn keys(s: &mut Script) {
    let key = json!({ "name": "ci deploy", "pool": "support" });
    s.json(PIPELINE, Method::POST, "/admin/api-keys", key.clone(), 201);
    s.json(PIPELINE, Method::POST, "/admin/api-keys", key, 409);
    s.json(PIPELINE, Method::POST, "/admin/api-keys", json!({ "name": "no pool" }), 422);
    s.read(PIPELINE, "/admin/api-keys/key_5e1f0003", 200);
    s.act(PIPELINE, "/admin/api-keys/key_5e1f0003/rotate", 200);
    s.act(BELA, "/admin/api-keys/key_5e1f0003/pause", 200);
    s.act(BELA, "/admin/api-keys/key_5e1f0003/resume", 200);
    let renamed = json!({ "name": "ci deploy (eu)" });
    s.json(ANNA, Method::PATCH, "/admin/api-keys/key_5e1f0003", renamed, 200);
    let spare = json!({ "name": "spare", "pool": "research" });
    s.json(ANNA, Method::POST, "/admin/api-keys", spare, 201);
    s.act(ANNA, "/admin/api-keys/key_5e1f0004/revoke", 200);
    s.act(ANNA, "/admin/api-keys/key_5e1f0004/resume", 409);
    s.act(ANNA, "/admin/api-keys/key_5e1f00ff/rotate", 404);
    s.act(CAROL, "/admin/api-keys/key_5e1f0003/rotate", 403);
    s.read(ANNA, "/admin/api-keys", 200);
}

/// What an LLM gateway lets through, and what it turns away.
fn gateway(s: &mut Script) {
    s.read(NOTEBOOK, "/v1/models", 200);
    s.chat(NOTEBOOK, "northwind-large", "Summarise the delivery notes of May.", 200);
    let streamed = json!({
        "model": "northwind-small",
        "stream": true,
        "messages": [{ "role": "user", "content": "Which customers are late?" }],
    });
    s.json(NOTEBOOK, Method::POST, "/v1/chat/completions", streamed, 200);
    s.chat(NOTEBOOK, "northwind-gigantic", "Hello?", 404);
    let leak = format!("Why does this not work: git clone https://{}@git", planted::PROMPT_TOKEN);
    s.chat(NOTEBOOK, "northwind-large", &leak, 400);
    s.chat(LEFTOVER, "northwind-large", "Am I still here?", 401);
    for invoice in 1..=5 {
        let prompt = format!("Classify invoice {invoice}.");
        s.chat(NIGHTLY, "southwind-1", &prompt, if invoice <= 3 { 200 } else { 429 });
    }
    s.act(BELA, "/admin/api-keys/key_5e1f0002/pause", 200);
    s.chat(NIGHTLY, "southwind-1", "Classify invoice 6.", 403);
}

/// A budget is used up, and raised.
fn budget_runs_out(s: &mut Script) {
    s.chat(NOTEBOOK, "northwind-large", "Draft a letter to the carrier.", 200);
    s.chat(NOTEBOOK, "northwind-large", "Make it shorter.", 402);
    s.chat(NOTEBOOK, "northwind-large", "Please.", 402);
    let raised = json!({ "limit_cents": 1_000 });
    s.json(CAROL, Method::PATCH, "/api/v1/budgets/bud_5e1f0001", raised.clone(), 403);
    s.json(BELA, Method::PATCH, "/api/v1/budgets/bud_5e1f0001", raised, 200);
    s.chat(NOTEBOOK, "northwind-large", "Make it shorter.", 200);
}

/// The evening: what is no longer needed goes.
fn clearing_up(s: &mut Script) {
    s.delete(ANNA, "/admin/users/1005", 204);
    s.delete(ANNA, "/admin/users/1005", 404);
    s.delete(BELA, "/admin/api-keys/key_5e1f0004", 204);
    s.form(ANNA, "/admin/pools/pool_5e1f0002", "_method=delete".to_owned(), 303);
    s.act(BELA, "/api/v1/budgets/bud_5e1f0002/reset", 200);
    s.delete(TERRAFORM, "/admin/webhooks/hook_5e1f0001", 204);
    s.read(BELA, "/api/v1/sessions", 200);
    s.form(STRANGER, "/login", login(planted::WRONG_PASSWORD), 401);
    s.act(ANNA, "/logout", 302);
    s.read(ANNA, "/admin/users", 401);
}
