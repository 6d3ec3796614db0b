//! One event of the list, as its row shows it.

use super::moment::Moment;
use super::question::Question;
use super::shown::Shown;
use crate::clock::Timestamp;
use crate::query::{PENDING, Summary, SummaryActor, SummaryTarget, exactly};

/// A word with a colour and an icon: neither is needed to understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Badge {
    /// `good`, `warn`, `bad` or `quiet`.
    pub(super) tone: &'static str,
    /// The icon's name.
    pub(super) icon: &'static str,
    /// The word.
    pub(super) text: Shown,
}

/// Who acted.
pub(super) struct ActorView {
    /// What people call them.
    pub(super) label: Shown,
    /// What else tells them from others.
    pub(super) more: Option<Shown>,
    /// The kind.
    pub(super) kind: Option<Shown>,
    pub(super) icon: &'static str,
    pub(super) verified: bool,
    /// Their events.
    pub(super) link: Option<String>,
}

/// What was acted upon.
pub(super) struct TargetView {
    pub(super) kind: Shown,
    /// Its name, its id, or its kind.
    pub(super) label: Shown,
    /// The label is more than its kind.
    pub(super) has_name: bool,
    /// The id, where the label is not it.
    pub(super) id: Option<Shown>,
    /// Its events.
    pub(super) link: Option<String>,
}

/// An event, or one act of it.
pub(super) struct RowView {
    /// Unique among the rows.
    pub(super) key: String,
    /// Its page.
    pub(super) link: String,
    pub(super) moment: Moment,
    pub(super) actor: ActorView,
    pub(super) action: Option<Shown>,
    pub(super) action_icon: &'static str,
    pub(super) targets: Vec<TargetView>,
    /// Targets beyond those that are shown.
    pub(super) more_targets: usize,
    pub(super) outcome: Badge,
    pub(super) reason: Option<Shown>,
    pub(super) severity: Badge,
    pub(super) ip: Option<Shown>,
    pub(super) description: Shown,
}

/// Targets of one row.
const TARGETS: usize = 2;

impl RowView {
    pub(super) fn of(summary: Summary, question: &Question, now: Timestamp) -> Self {
        let key = match summary.act {
            Some(act) => format!("{}.{}", summary.id, act.number),
            None => summary.id.clone(),
        };
        let link = match summary.act {
            Some(act) => format!("/audit/events/{}#act-{}", summary.id, act.number),
            None => format!("/audit/events/{}", summary.id),
        };
        let asked = question.filters();
        let request = [summary.request.method.as_deref(), summary.request.path.as_deref()];
        let request: Vec<&str> = request.into_iter().flatten().collect();
        let description = summary.description.unwrap_or_else(|| request.join(" "));
        Self {
            moment: Moment::parse(&summary.time, now),
            actor: ActorView::of(&summary.actor, &asked),
            action_icon: action_icon(summary.action.as_deref().unwrap_or_default()),
            action: summary.action.as_deref().map(Shown::line),
            more_targets: summary.targets.len().saturating_sub(TARGETS),
            targets: summary
                .targets
                .iter()
                .take(TARGETS)
                .map(|target| TargetView::of(target, &asked))
                .collect(),
            outcome: outcome(Some(&summary.outcome)),
            reason: summary.reason.as_deref().map(Shown::line),
            severity: severity(summary.severity.as_deref()),
            ip: summary.source.ip.as_deref().map(Shown::line),
            description: Shown::line(&description),
            key,
            link,
        }
    }
}

impl ActorView {
    /// With a link to their events in the same window of time.
    pub(super) fn of(actor: &SummaryActor, question: &Question) -> Self {
        let known = [&actor.name, &actor.email, &actor.id];
        let mut known = known.into_iter().flatten().filter(|text| !text.is_empty());
        let label = known.next();
        let credential = actor.credential.as_ref().filter(|_| label.is_none());
        let more = known.find(|text| Some(*text) != label).or(credential);
        let find = [&actor.id, &actor.email, &actor.name].into_iter().flatten().chain(credential);
        let find = find.map(String::as_str).find(|text| !text.trim().is_empty());
        let kind = actor.kind.as_deref();
        Self {
            label: Shown::name(label.map(String::as_str).or(kind).unwrap_or("unknown")),
            more: more.map(|text| Shown::name(text)),
            kind: kind.map(Shown::line),
            icon: actor_icon(kind.unwrap_or_default()),
            verified: actor.verified,
            link: find.map(|text| question.with("actor", &exactly(text)).link()),
        }
    }
}

impl TargetView {
    /// With a link to its events in the same window of time.
    pub(super) fn of(target: &SummaryTarget, question: &Question) -> Self {
        let known = [&target.name, &target.id].into_iter().find(|text| !text.is_empty());
        let has_name = known.is_some();
        let label = known.unwrap_or(&target.kind);
        let id = (!target.id.is_empty() && label != &target.id).then(|| Shown::line(&target.id));
        let find = if target.id.is_empty() { &target.name } else { &target.id };
        let link = (!find.trim().is_empty()).then(|| {
            let asked = question.with("target", &exactly(find));
            match target.kind.trim().is_empty() {
                true => asked.link(),
                false => asked.with("resource_type", &target.kind).link(),
            }
        });
        let (kind, label) = (Shown::line(&target.kind), Shown::line(label));
        Self { kind, label, has_name, id, link }
    }
}

/// How it ended.
pub(super) fn outcome(outcome: Option<&str>) -> Badge {
    let (tone, icon) = match outcome {
        Some("success") => ("good", "check"),
        Some("denied") => ("warn", "ban"),
        Some("failure") => ("bad", "cross"),
        Some(PENDING) | None => ("quiet", "clock"),
        Some(_) => ("bad", "question"),
    };
    Badge { tone, icon, text: Shown::line(outcome.unwrap_or(PENDING)) }
}

/// How much it should worry.
pub(super) fn severity(severity: Option<&str>) -> Badge {
    let (tone, icon) = match severity {
        Some("warn") => ("warn", "alert"),
        Some("fail") => ("bad", "alert"),
        Some("info") => ("quiet", "info"),
        _ => ("quiet", "clock"),
    };
    Badge { tone, icon, text: Shown::line(severity.unwrap_or("pending")) }
}

/// By the verb of an action.
pub(super) fn action_icon(action: &str) -> &'static str {
    let (noun, verb) = action.rsplit_once('.').unwrap_or(("", action));
    match verb {
        _ if noun == "gateway" => "shield",
        _ if noun == "session" => "door",
        _ if verb.ends_with("_create") => "plus",
        _ if verb.ends_with("_revoke") => "trash",
        "create" | "add" | "invite" | "upload" | "import" | "enable" | "grant" => "plus",
        "delete" | "remove" | "revoke" | "purge" | "disable" => "trash",
        "rotate" | "reset" | "renew" | "refresh" | "restart" => "rotate",
        "sign_in" | "login" | "sign_out" | "logout" => "door",
        "export" | "download" => "download",
        "start" | "stop" | "reload" => "power",
        _ => "pencil",
    }
}

/// By the kind of an actor.
pub(super) fn actor_icon(kind: &str) -> &'static str {
    match kind {
        "user" => "person",
        "anonymous" => "ghost",
        "system" => "gear",
        "agent" => "spark",
        "webhook" => "hook",
        _ => "key",
    }
}
