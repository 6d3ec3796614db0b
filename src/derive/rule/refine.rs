//! What a rule makes of what the convention says, field by field.

use std::cell::OnceCell;

use super::super::body::{TARGETS_MAX, Value};
use super::super::naming::{Naming, TOO_MANY, naming};
use super::super::nouns::known_category;
use super::super::text::CHARS_MAX;
use super::{Facts, Matched, Place};
use crate::record::{Actor, RequestRecord, ResponseRecord, Target};

/// In a sentence a value is cut here, so that the rest is still read.
const VALUE_CHARS_MAX: usize = 80;

/// Names a request by the rule for it, and what the rule leaves out by convention.
pub fn named(request: &RequestRecord, actor: &Actor, place: &Place<'_>) -> Naming {
    let mut naming = naming(request);
    if let Some(matched) = place.rules.find(request, &naming, place) {
        naming.refine(matched, request, actor);
    }
    naming
}

impl Naming {
    /// The id of the rule that named it.
    pub fn rule(&self) -> Option<&str> {
        self.matched.as_ref().map(|matched| matched.rule.id.as_str())
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
            self.is_one = true;
        }
        if let Some(category) = &rule.category {
            self.category.clone_from(category);
            for act in &mut self.acts {
                act.category.clone_from(category);
            }
        }
        if rule.path.is_template() {
            self.route = Some(rule.path.as_str().to_owned());
        }
        let facts = self.facts(&matched, request, actor, None);
        let targets = self.ruled_targets(&matched, &facts, &self.targets);
        let counted = rule.target.id.as_ref().filter(|_| targets.len() == TARGETS_MAX);
        let counted = counted.and_then(|template| template.render_all(&facts).1);
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
        if rule.target.id.is_some() {
            self.notes.retain(|note| *note != TOO_MANY);
            self.notes.extend(counted.map(|_| TOO_MANY));
            self.sentence.count = counted;
        }
        self.targets = targets;
        self.sentence.scope.clone_from(&whole);
        for act in &mut self.acts {
            act.sentence.scope.clone_from(&whole);
        }
        self.scope = whole;
        self.describe();
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
        let ids = match &rule.id {
            Some(template) => template.render_all(facts).0,
            None => first.id.clone().into_iter().collect(),
        };
        let names = match &rule.name {
            Some(template) => template.render_all(facts).0,
            None => first.name.clone().into_iter().collect(),
        };
        if ids.len() > 1 || names.len() > 1 {
            return paired(&kind(&first), ids, names);
        }
        let (id, name) = (ids.into_iter().next(), names.into_iter().next());
        let name = name.filter(|name| Some(name) != id.as_ref());
        vec![Target { kind: kind(&first), id, name }]
    }

    /// The rule's sentence of what was done, if all its values are known.
    pub(in crate::derive) fn ruled_description(
        &self,
        mut facts: Facts<'_>,
        verb: &str,
        targets: &[Target],
    ) -> Option<String> {
        let template = self.matched.as_ref()?.rule.description.as_ref()?;
        facts.target = targets.first().filter(|_| targets.len() == 1).cloned();
        verb.clone_into(&mut facts.verb);
        template.render(&facts, VALUE_CHARS_MAX)
    }
}

/// Several targets; names are theirs only if there is one for each.
fn paired(kind: &str, ids: Vec<String>, names: Vec<String>) -> Vec<Target> {
    let target = |id, name| Target { kind: kind.to_owned(), id, name };
    if ids.is_empty() {
        return names.into_iter().map(|name| target(None, Some(name))).collect();
    }
    let mut names = Some(names).filter(|names| names.len() == ids.len()).into_iter().flatten();
    ids.into_iter().map(|id| target(Some(id), names.next())).collect()
}
