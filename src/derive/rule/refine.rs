//! What a rule makes of what the convention says, field by field.

use std::cell::OnceCell;

use super::super::body::Value;
use super::super::naming::{Naming, naming, naming_at};
use super::super::nouns::known_category;
use super::super::text::CHARS_MAX;
use super::{Facts, Matched, Place};
use crate::record::{Actor, RequestRecord, ResponseRecord, Target};

/// In a sentence a value is cut here, so that the rest is still read.
const VALUE_CHARS_MAX: usize = 80;

/// Names a request by the rule for it, and what the rule leaves out by convention.
pub fn named(request: &RequestRecord, actor: &Actor, place: &Place<'_>) -> Naming {
    let mut naming = naming(request);
    // What a call does is said by its body.
    if !naming.is_call
        && let Some(operation) = place.rules.operation(request, &naming, place)
    {
        naming = naming_at(request, Some(&operation.rule.path));
        naming.refine(operation, request, actor);
        naming.documented = naming.matched.take();
    }
    if let Some(matched) = place.rules.find(request, &naming, place) {
        naming.refine(matched, request, actor);
    }
    naming
}

impl Naming {
    /// The id of the rule that named it, or else of the operation.
    pub fn rule(&self) -> Option<&str> {
        let matched = self.matched.as_ref().or(self.documented.as_ref());
        matched.map(|matched| matched.rule.id.as_str())
    }

    fn refine(&mut self, matched: Matched, request: &RequestRecord, actor: &Actor) {
        let rule = matched.rule.as_ref();
        let noun = self.action.split_once('.').map_or("", |(noun, _)| noun);
        let read = || rule.read.then(|| format!("{noun}.read"));
        if let Some(action) = rule.action.clone().or_else(read) {
            let (noun, verb) = action.split_once('.').unwrap_or((&action, "request"));
            let part = self.sentence.part.take();
            self.sentence.part = part.filter(|part| noun.ends_with(&format!("_{part}")));
            self.sentence.verb = verb.to_owned();
            self.sentence.kind = None;
            self.category = known_category(noun).unwrap_or(noun).to_owned();
            self.action = action;
        }
        if let Some(category) = &rule.category {
            self.category.clone_from(category);
        }
        if rule.path.is_template() {
            self.route = Some(rule.path.as_str().to_owned());
        }
        let facts = self.facts(&matched, request, actor, None);
        let targets = self.ruled_targets(&matched, &facts, &self.targets);
        let scope: Vec<_> =
            rule.scope.iter().map(|(name, from)| (name, from.render(&facts, CHARS_MAX))).collect();
        let mut whole = self.scope.clone();
        for (name, value) in scope {
            match value {
                Some(value) => whole.insert(name.clone(), value),
                None => whole.remove(name),
            };
        }
        if rule.target.kind.is_some() || rule.target.id.is_some() {
            self.sentence.kind = None;
            self.sentence.part = None;
            self.sentence.owner = None;
        }
        self.targets = targets;
        self.sentence.scope.clone_from(&whole);
        self.scope = whole;
        self.description = self.sentence.intent(&self.targets);
        self.matched = Some(matched);
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
            request_body: OnceCell::new(),
            response: response.map(|(response, _)| response),
            response_body: response.and_then(|(_, body)| body),
            params: &matched.params,
            actor,
            target: None,
            scope: &self.scope,
            verb: self.sentence.verb.clone(),
        }
    }

    /// The targets as the rule has them, over those that are known otherwise.
    pub(in crate::derive) fn ruled_targets(
        &self,
        matched: &Matched,
        facts: &Facts<'_>,
        known: &[Target],
    ) -> Vec<Target> {
        let rule = &matched.rule.target;
        let kind = |target: &Target| rule.kind.clone().unwrap_or_else(|| target.kind.clone());
        if rule.id.is_none() && rule.name.is_none() {
            return known
                .iter()
                .map(|target| Target { kind: kind(target), ..target.clone() })
                .collect();
        }
        let first = known.first().cloned().unwrap_or_default();
        let id = match &rule.id {
            Some(template) => template.render(facts, CHARS_MAX),
            None => first.id.clone(),
        };
        let name = match &rule.name {
            Some(template) => template.render(facts, CHARS_MAX),
            None => first.name.clone(),
        };
        let name = name.filter(|name| Some(name) != id.as_ref());
        vec![Target { kind: kind(&first), id, name }]
    }

    /// A rule's sentence of what was done, if all its values are known.
    pub(in crate::derive) fn ruled_description(
        &self,
        matched: &Matched,
        mut facts: Facts<'_>,
        verb: &str,
        targets: &[Target],
    ) -> Option<String> {
        let template = matched.rule.description.as_ref()?;
        facts.target = targets.first().filter(|_| targets.len() == 1).cloned();
        verb.clone_into(&mut facts.verb);
        template.render(&facts, VALUE_CHARS_MAX)
    }
}
