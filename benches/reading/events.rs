//! Events as an admin API of some size makes them: many actors, a few of them busy; many actions, a few of
//! them common; targets that are made once and changed again and again; several tenants; busy days and
//! quiet nights. The same number gives the same events.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use countersign::record::{Entry, EntryKind, EventId};
use countersign::redact::Redacted;

/// Days that the events are spread over.
pub(crate) const DAYS: i64 = 92;

pub(crate) const ACTORS: u64 = 4_000;
pub(crate) const TENANTS: u64 = 300;

/// Type, area, how often of a thousand, and what is done to it.
const RESOURCES: [(&str, &str, u64, &[&str]); 16] = [
    ("user", "member", 220, &["update", "create", "invite", "disable", "delete"]),
    ("api_key", "api_key", 150, &["create", "rotate", "revoke", "update"]),
    ("project", "project", 130, &["update", "create", "archive", "delete"]),
    ("pool", "pool", 100, &["update", "create", "drain", "delete"]),
    ("budget", "billing", 80, &["update", "create"]),
    ("role", "access", 60, &["assign", "unassign", "create"]),
    ("model", "model", 60, &["enable", "disable", "update"]),
    ("deployment", "deployment", 50, &["create", "restart", "scale", "delete"]),
    ("secret", "secret", 40, &["rotate", "create", "delete"]),
    ("webhook", "webhook", 30, &["create", "update", "test", "delete"]),
    ("session", "auth", 30, &["create", "revoke"]),
    ("invoice", "billing", 20, &["finalize", "void"]),
    ("quota", "limits", 12, &["update", "reset"]),
    ("sso", "auth", 9, &["update", "enable", "disable"]),
    ("export", "data", 6, &["create", "download"]),
    ("region", "platform", 3, &["enable", "disable"]),
];

const FIRST: [&str; 20] = [
    "Ada", "Bela", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi",
    "Lena", "Mei", "Noor", "Olga", "Pavel", "Quentin", "Rosa", "Sven", "Tariq",
];
const LAST: [&str; 20] = [
    "Abe", "Brandt", "Castro", "Diallo", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov",
    "Jensen", "Kim", "Lopez", "Moreau", "Nakamura", "Okafor", "Petrov", "Rossi", "Silva", "Tanaka",
    "Weber",
];
const WORDS: [&str; 16] = [
    "blue", "north", "batch", "edge", "shadow", "canary", "alpha", "legacy", "mobile", "search",
    "payments", "nightly", "staging", "vector", "support", "research",
];
const SEGMENTS: [&str; 3] = ["v1", "admin", "orgs"];

/// Numbers that look random (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Below `end`, all alike.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// Below `end`, low numbers far more often than high ones.
    pub(crate) fn skewed(&mut self, end: u64) -> u64 {
        let share = (self.below(1 << 20) as f64) / f64::from(1 << 20);
        ((share * share * share) * end as f64) as u64
    }
}

pub(crate) struct Actor {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
}

pub(crate) fn actor(number: u64) -> Actor {
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number / 20));
    let kind = match number % 50 {
        47 => "api",
        48 => "system",
        49 => "agent",
        _ => "user",
    };
    let id = format!("{}_{:05x}", if kind == "user" { "usr" } else { "svc" }, number * 7919);
    let name =
        if number < 400 { format!("{first} {last}") } else { format!("{first} {last} {number}") };
    let email = format!("{}.{}{number}@example.com", first.to_lowercase(), last.to_lowercase());
    Actor { kind, id, name, email }
}

pub(crate) fn tenant(number: u64) -> String {
    format!("{}-{number}", pick(&WORDS, number))
}

fn pick<'a>(from: &[&'a str], number: u64) -> &'a str {
    from.get((number % from.len() as u64) as usize).copied().unwrap_or_default()
}

/// What a request was, from its number alone.
pub(crate) struct Made {
    id: EventId,
    scope: String,
    pub(crate) action: String,
    pub(crate) target_id: String,
    pub(crate) target_name: String,
    intent: String,
    completion: String,
}

/// The first `count` of so many events, of which the last would be at `end`.
pub(crate) struct Events {
    pub(crate) count: u64,
    pub(crate) of: u64,
    pub(crate) end: DateTime<Utc>,
}

impl Events {
    /// When an event arrives: by day more than by night.
    fn time(&self, number: u64, dice: &mut Dice) -> DateTime<Utc> {
        let span = Duration::days(DAYS).num_milliseconds();
        let day = 86_400_000;
        let even = (number as f64 + 0.5) / self.of as f64 * span as f64;
        let (days, share) = ((even / day as f64).floor(), (even / day as f64).fract());
        let wave = share - (std::f64::consts::TAU * share).sin() * 0.11;
        let begin = self.end - Duration::milliseconds(span);
        let at = ((days + wave) * day as f64) as i64 + dice.below(3) as i64;
        begin + Duration::milliseconds(at)
    }

    /// When the last of them arrives.
    pub(crate) fn now(&self) -> i64 {
        let last = self.count.saturating_sub(1);
        self.time(last, &mut Dice::new(last ^ 0x5eed)).timestamp_millis()
    }

    pub(crate) fn made(&self, number: u64) -> Made {
        let dice = &mut Dice::new(number ^ 0x5eed);
        let at = self.time(number, dice);
        let mut place = dice.below(1000);
        let mut resource = RESOURCES.first();
        for candidate in &RESOURCES {
            resource = Some(candidate);
            if place < candidate.2 {
                break;
            }
            place -= candidate.2;
        }
        let (kind, category, _, verbs) = resource.copied().unwrap_or(("x", "x", 0, &["update"]));
        let verb = pick(verbs, dice.skewed(verbs.len() as u64));
        let who = actor(dice.skewed(ACTORS));
        let tenant = tenant(dice.skewed(TENANTS));
        let pool = pick(&WORDS, dice.skewed(8));
        // What is made is new; what is changed was made some time ago.
        let of = if verb == "create" { number } else { dice.skewed(self.of / 10 + 10) };
        let target_id = format!("{kind}_{:07x}", of.wrapping_mul(2_654_435_761) % (1 << 28));
        let target_name = format!("{} {} {}", pick(&WORDS, of), pick(&WORDS, of / 16), of % 997);
        let id = EventId::new(at);
        let (time, action) = (stamp(at), format!("{kind}.{verb}"));
        let (request, status) = (uuid(dice), status(dice));
        let segment = pick(&SEGMENTS, kind.len() as u64);
        let path = format!("/{segment}/{kind}s/{target_id}");
        let Actor { kind: actor_type, id: actor_id, name, email } = &who;
        let ip = dice.below(1 << 16);
        let intent = format!(
            r#"{{"action":"{action}","actor":{{"auth":"bearer","email":"{email}","id":"{actor_id}","name":"{name}","type":"{actor_type}","verified":true}},"category":"{category}","description":"{kind} {target_name} {verb}d by {name}","id":"{id}","request":{{"body":{{"name":"{target_name}","pool":"{pool}","settings":{{"limit":{ip},"notify":true,"token":{{"redacted":"credential.token"}}}}}},"headers":{{"accept":"application/json","authorization":"Bearer *** jwt","content-type":"application/json"}},"method":"POST","path":"{path}","route":"/{segment}/{kind}s/{{id}}","size":{ip}}},"request_id":"{request}","rule":"{kind}.{verb}","scope":{{"pool":"{pool}","tenant":"{tenant}"}},"source":{{"ip":"10.0.{}.{}","user_agent":"admin-cli/3.4.1"}},"targets":[{{"id":"{target_id}","name":"{target_name}","type":"{kind}"}}],"time":"{time}"}}"#,
            ip / 256,
            ip % 256,
        );
        let (outcome, severity, reason) = ending(status, dice);
        let duration = 3 + dice.skewed(900);
        let end = stamp(at + Duration::milliseconds(duration as i64));
        let completion = format!(
            r#"{{"completed_at":"{end}","description":"{kind} {target_name} {verb}d by {name}{reason}","duration_ms":{duration},"id":"{id}","outcome":"{outcome}",{reason_field}"redactions":[{{"count":1,"location":"request.header.authorization","rule":"credential.header"}}],"response":{{"body":{{"id":"{target_id}","name":"{target_name}","state":"active"}},"release":"held","size":182,"status":{status}}},"severity":"{severity}","upstream_ms":{duration}}}"#,
            reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") },
            reason_field =
                if reason.is_empty() { String::new() } else { format!(r#""reason":"{reason}","#) },
        );
        let scope = format!(r#"{{"pool":"{pool}","tenant":"{tenant}"}}"#);
        Made { id, scope, action, target_id, target_name, intent, completion }
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn uuid(dice: &mut Dice) -> String {
    let (high, low) = (dice.roll(), dice.roll());
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-a{:03x}-{:012x}", (low >> 48) & 0xfff, low & 0xffff_ffff_ffff)
}

fn status(dice: &mut Dice) -> u16 {
    match dice.below(1000) {
        0..900 => 200,
        900..930 => 403,
        930..960 => 409,
        960..985 => 422,
        985..995 => 500,
        _ => 504,
    }
}

fn ending(status: u16, dice: &mut Dice) -> (&'static str, &'static str, &'static str) {
    match status {
        200 if dice.below(40) == 0 => ("success", "warn", ""),
        200 => ("success", "info", ""),
        403 => ("denied", "warn", "forbidden"),
        409 => ("failure", "warn", "in_use"),
        422 => ("failure", "warn", "invalid_request"),
        500 => ("failure", "fail", "internal_error"),
        _ => ("unknown", "fail", "upstream_timeout"),
    }
}

/// The entries of a ledger: most completions come soon after their intents, some late, a few never.
pub(crate) struct Entries {
    events: Events,
    next: u64,
    seq: u64,
    /// Due at this sequence number: id, intent, scope and document.
    waiting: VecDeque<(u64, EventId, u64, String, String)>,
    late: VecDeque<(u64, EventId, u64, String, String)>,
}

impl Entries {
    pub(crate) fn of(events: Events) -> Self {
        Self { events, next: 0, seq: 0, waiting: VecDeque::new(), late: VecDeque::new() }
    }

    /// The next entries; none at the end.
    pub(crate) fn batch(&mut self, size: usize) -> Vec<Entry> {
        let mut batch = Vec::with_capacity(size);
        while batch.len() < size {
            let Some(entry) = self.entry() else { break };
            self.seq += 1;
            batch.push(entry);
        }
        batch
    }

    fn entry(&mut self) -> Option<Entry> {
        let ended = self.next >= self.events.count;
        for queue in [&mut self.waiting, &mut self.late] {
            if queue.front().is_some_and(|(due, ..)| *due <= self.seq || ended) {
                let (_, id, intent, scope, doc) = queue.pop_front()?;
                return Some(entry(id, Some(intent), &scope, doc));
            }
        }
        if ended {
            return None;
        }
        let made = self.events.made(self.next);
        let fate = self.next.wrapping_mul(0x9e37_79b9) % 1000;
        self.next += 1;
        let seq = self.seq + 1;
        let half = (made.id, seq, made.scope.clone(), made.completion);
        let (id, intent, scope, doc) = half;
        match fate {
            0 => {}
            1..20 => self.late.push_back((seq + 3000, id, intent, scope, doc)),
            _ => self.waiting.push_back((seq + 4, id, intent, scope, doc)),
        }
        Some(entry(made.id, None, &made.scope, made.intent))
    }
}

fn entry(id: EventId, intent: Option<u64>, scope: &str, doc: String) -> Entry {
    let kind = if intent.is_some() { EntryKind::Completion } else { EntryKind::Intent };
    let scope = serde_json::from_str(scope).unwrap_or_default();
    Entry { kind, id, intent, scope, doc: Redacted::system(doc) }
}
