//! What a rule makes of what the convention says, field by field.

use super::super::body::{TARGETS_MAX, Value};
use super::super::naming::{Known, Naming, TOO_MANY, naming_at};
use super::super::nouns::known_category;
use super::super::text::CHARS_MAX;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::verbs::of_action;
use super::super::words::{singular, spoken};
use super::join::{Taken, joined};
use super::template::Rendered;
use super::{Facts, Matched, Place, Template};
use crate::record::{Actor, ActorKind, BodyRecord, RequestRecord, ResponseRecord, Target};

/// In a sentence a value is cut here, so that the rest is still read.
const VALUE_CHARS_MAX: usize = 80;

/// Names a request by the rule for it, and what the rule leaves out by convention.
pub fn named(request: &RequestRecord, actor: &Actor, place: &Place<'_>) -> Naming {
    named_traced(request, actor, place, &mut Trace::off())
}

/// The same, and where each field came from.
pub fn named_traced(
    request: &RequestRecord,
    actor: &Actor,
    place: &Place<'_>,
    trace: &mut Trace,
) -> Naming {
    let body = request.body.as_ref().map(BodyRecord::tree);
    let is_somebodys = !matches!(actor.kind, ActorKind::Anonymous | ActorKind::Webhook);
    let plain = Known { is_somebodys, ..Known::default() };
    let mut naming = naming_at(request, body, plain, trace);
    if naming.is_call && !naming.is_at_endpoint && place.rules.names(request, place) {
        trace.forget(|_| true);
        let known = Known { is_routed: true, ..plain };
        naming = naming_at(request, body, known, trace);
    }
    // What a call does is said by its body.
    if !naming.is_call
        && let Some(operation) = place.rules.operation(request, body, &naming, place)
    {
        trace.forget(|_| true);
        let known = Known { documented: Some(&operation.rule.path), is_routed: true, ..plain };
        naming = naming_at(request, body, known, trace);
        naming.refine(operation, Whose::Document, request, actor, trace);
        naming.documented = naming.matched.take();
    }
    if let Some(matched) = place.rules.find(request, body, &naming, place) {
        naming.refine(matched, Whose::Rules, request, actor, trace);
    }
    naming
}

/// Where a rule was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::derive) enum Whose {
    /// By the operator.
    Rules,
    /// In a document.
    Document,
}

impl Matched {
    /// Who says what a key of it says.
    pub(in crate::derive) fn by(&self, whose: Whose, key: &str) -> By {
        let id = self.rule.id.clone();
        match whose {
            Whose::Rules => By::Rule { id, key: key.to_owned() },
            Whose::Document => By::Operation { id, key: documented_key(key).to_owned() },
        }
    }

    /// The value of a scope; the scope is gone if there is none.
    fn scope(
        &self,
        whose: Whose,
        (name, template): (&str, &Template),
        facts: &Facts<'_>,
        trace: &mut Trace,
    ) -> Option<String> {
        let rendered = template.render_traced(facts, CHARS_MAX, trace);
        if !trace.is_on() {
            return rendered.map(|(text, _)| text);
        }
        let field = Field::Scope(name.to_owned());
        match rendered {
            Some((text, from)) => {
                trace.note(field, || (self.by(whose, &format!("scope.{name}")), from));
                Some(text)
            }
            None => {
                trace.forget(|known| *known == field);
                None
            }
        }
    }
}

/// What a document has in the place of a key.
fn documented_key(key: &str) -> &str {
    match key {
        "action" | "target.type" => "operationId, tags and summary",
        "description" => "summary",
        "target.id" => "parameters",
        _ => "path",
    }
}

impl Naming {
    /// The id of the rule that named it, or else of the operation.
    pub fn rule(&self) -> Option<&str> {
        let matched = self.matched.as_ref().or(self.documented.as_ref());
        matched.map(|matched| matched.rule.id.as_str())
    }

    fn refine(
        &mut self,
        matched: Matched,
        whose: Whose,
        request: &RequestRecord,
        actor: &Actor,
        trace: &mut Trace,
    ) {
        let rule = matched.rule.as_ref();
        let is_kind =
            |target: &Target| rule.target.kind.as_ref().is_none_or(|it| *it == target.kind);
        // A rule that says what the convention says changes no sentence: one that was pasted.
        let is_same =
            rule.action.as_ref() == Some(&self.action) && self.targets.iter().all(is_kind);
        if !matched.is_lesser {
            self.refine_action(&matched, whose, trace);
        }
        if let Some(category) = &rule.category {
            self.category.clone_from(category);
            for act in &mut self.acts {
                act.category.clone_from(category);
            }
            trace.note(Field::Category, || (matched.by(whose, "category"), Vec::new()));
        }
        if rule.path.is_template() {
            self.route = Some(rule.path.as_str().to_owned());
            trace.note(Field::Route, || (matched.by(whose, "match.path"), Vec::new()));
        }
        let facts = self.facts(&matched, request, actor, None);
        let targets = self.ruled_targets(&matched, whose, &facts, &self.targets, trace);
        let counted = rule.target.id.as_ref().filter(|_| targets.len() == TARGETS_MAX);
        let counted = counted.and_then(|template| template.render_all(&facts, &Trace::off()).count);
        let mut whole = self.scope.clone();
        for (name, template) in &rule.scope {
            match matched.scope(whose, (name, template), &facts, trace) {
                Some(value) => whole.insert(name.clone(), value),
                None => whole.remove(name),
            };
        }
        if !self.targets.iter().all(is_kind) || rule.target.id.is_some() {
            self.sentence.kind = None;
            self.sentence.part = None;
            self.sentence.owner = None;
            (self.sentence.outer, self.sentence.owners) = (Vec::new(), 0);
        }
        if let (Some(kind), Some(_), Whose::Rules) = (&rule.target.kind, &rule.action, whose)
            && !is_same
        {
            self.say_noun(kind);
        }
        if rule.target.id.is_some() {
            self.notes.retain(|note| *note != TOO_MANY);
            self.notes.extend(counted.map(|_| TOO_MANY));
            self.sentence.count = counted;
        }
        self.targets = targets;
        // What one of the requests in it contradicts does not say where the whole belongs.
        whole.retain(|name, value| {
            !self.within.iter().any(|own| own.get(name).is_some_and(|other| other != value))
        });
        trace.forget(|field| matches!(field, Field::Scope(name) if !whole.contains_key(name)));
        self.sentence.scope.clone_from(&whole);
        for act in &mut self.acts {
            let own = std::mem::take(&mut act.sentence.scope);
            act.sentence.scope.clone_from(&whole);
            if !self.within.is_empty() {
                act.sentence.scope.extend(own);
            }
        }
        self.scope = whole;
        self.describe();
        self.matched = Some(matched);
    }

    fn refine_action(&mut self, matched: &Matched, whose: Whose, trace: &mut Trace) {
        let rule = matched.rule.as_ref();
        let noun = self.action.split_once('.').map_or("", |(noun, _)| noun);
        let read = || rule.read.then(|| format!("{noun}.read"));
        let Some(action) = rule.action.clone().or_else(read) else { return };
        let key = if rule.action.is_some() { "action" } else { "read" };
        trace.note(Field::Action, || (matched.by(whose, key), Vec::new()));
        let by = By::Convention("the area of the action's noun");
        trace.note(Field::Category, || (by, vec![Origin::Event("action".to_owned())]));
        // What the operator gives one name is one thing; a document only knows the path.
        self.is_one = whose == Whose::Rules;
        if action == self.action {
            // Somebody signs in, whoever says so; what is done to several has the operator's name.
            if self.is_one && of_action(&self.sentence.verb) != self.sentence.verb {
                self.sentence.verb = of_action(&self.sentence.verb).to_owned();
            }
            return;
        }
        let (noun, verb) = action.split_once('.').unwrap_or((&action, "request"));
        let part = self.sentence.part.take();
        // Several are told of in the plural.
        let is_said = |part: &String| {
            let rest = noun.strip_suffix(part).or_else(|| noun.strip_suffix(&singular(part)));
            rest.is_some_and(|rest| rest.ends_with('_'))
        };
        self.sentence.part = part.filter(is_said);
        self.sentence.verb = verb.to_owned();
        self.sentence.kind = None;
        self.category = known_category(noun).unwrap_or(noun).to_owned();
        self.action = action;
    }

    /// Has the sentence say the action's noun, where the rule has another type of target:
    /// `topic_permission.delete` takes no user away, but the topic permission of one.
    fn say_noun(&mut self, kind: &str) {
        let Some((noun, _)) = self.action.split_once('.') else { return };
        let last = |name: &str| name.rsplit('_').next().map(ToOwned::to_owned);
        let own = noun.strip_prefix(kind).map(|rest| rest.strip_prefix('_'));
        match own {
            Some(own) => self.sentence.part = own.map(ToOwned::to_owned),
            None if last(noun) == last(kind) => {}
            // Whoever is a member is one.
            None if known_category(noun) == Some("member") => {
                self.sentence.kind = Some(spoken(noun));
            }
            None => self.sentence.part = Some(noun.to_owned()),
        }
    }

    /// What templates may use so far; the event's own fields are filled in by whoever needs them.
    pub(in crate::derive) fn facts<'r>(
        &'r self,
        matched: &'r Matched,
        request: &'r RequestRecord,
        actor: &'r Actor,
        response: Option<(&'r ResponseRecord, Option<&'r Value<'r>>)>,
    ) -> Facts<'r> {
        Facts {
            request,
            response: response.map(|(response, _)| response),
            response_body: response.and_then(|(_, body)| body),
            params: &matched.params,
            actor,
            target: None,
            scope: &self.scope,
            is_accepted: false,
            verb: self.sentence.verb.clone(),
        }
    }

    /// The targets as the rule has them, over those that are known otherwise.
    pub(in crate::derive) fn ruled_targets(
        &self,
        matched: &Matched,
        whose: Whose,
        facts: &Facts<'_>,
        known: &[Target],
        trace: &mut Trace,
    ) -> Vec<Target> {
        let rule = &matched.rule.target;
        let kind = |target: &Target| rule.kind.clone().unwrap_or_else(|| target.kind.clone());
        if rule.kind.is_some() {
            for position in 0..known.len().max(1) {
                let by = || (matched.by(whose, "target.type"), Vec::new());
                trace.note(Field::Kind(position), by);
            }
        }
        // Of several targets nothing tells which of them a name is of.
        if rule.id.is_none() && (rule.name.is_none() || known.len() > 1) {
            return known
                .iter()
                .map(|target| Target { kind: kind(target), ..target.clone() })
                .collect();
        }
        let first = known.first().cloned().unwrap_or_default();
        let ids = rule.id.as_ref().map(|template| template.render_all(facts, trace));
        let names = rule.name.as_ref().map(|template| template.render_all(facts, trace));
        let own_name = first.name.as_ref().filter(|_| known.len() == 1);
        let targets = joined(
            &kind(&first),
            taken(ids.as_ref(), first.id.as_ref()),
            taken(names.as_ref(), own_name),
        );
        if trace.is_on() {
            let ids = ids.map(|ids| (matched.by(whose, "target.id"), ids.from));
            let names = names.map(|names| (matched.by(whose, "target.name"), names.from));
            noted(&targets, ids.as_ref(), names.as_ref(), trace);
        }
        targets
    }

    /// A rule's sentence of what was done, if all its values are known.
    pub(in crate::derive) fn ruled_description(
        &self,
        matched: &Matched,
        mut facts: Facts<'_>,
        (verb, is_accepted): (&str, bool),
        targets: &[Target],
        trace: &Trace,
    ) -> Option<(String, Vec<Origin>)> {
        let template = matched.rule.description.as_ref().filter(|_| !matched.is_lesser)?;
        facts.target = targets.first().filter(|_| targets.len() == 1).cloned();
        verb.clone_into(&mut facts.verb);
        facts.is_accepted = is_accepted;
        template.render_traced(&facts, VALUE_CHARS_MAX, trace)
    }
}

/// What a template gives, or else what is known.
fn taken(rendered: Option<&Rendered>, known: Option<&String>) -> Vec<Taken> {
    match rendered {
        Some(rendered) => rendered.texts.clone(),
        None => known.into_iter().map(|text| Taken::known(text)).collect(),
    }
}

/// Notes where ids and names come from; what no template gives is left as it is.
fn noted(
    targets: &[Target],
    ids: Option<&(By, Vec<Origin>)>,
    names: Option<&(By, Vec<Origin>)>,
    trace: &mut Trace,
) {
    let kind = trace.of(&Field::Kind(0)).map(|kind| (kind.by.clone(), kind.from.clone()));
    let has = |at: usize, member: fn(&Target) -> bool| targets.get(at).is_some_and(member);
    trace.forget(|field| match field {
        Field::Kind(at) => *at >= targets.len(),
        Field::Id(at) => !has(*at, |target| target.id.is_some()),
        Field::Name(at) => !has(*at, |target| target.name.is_some()),
        _ => false,
    });
    for (position, target) in targets.iter().enumerate() {
        if let Some(kind) = kind.clone().filter(|_| position > 0) {
            trace.note(Field::Kind(position), || kind);
        }
        if let Some(by) = ids.filter(|_| target.id.is_some()) {
            trace.note(Field::Id(position), || by.clone());
        }
        if let Some(by) = names.filter(|_| target.name.is_some()) {
            trace.note(Field::Name(position), || by.clone());
        }
    }
}
