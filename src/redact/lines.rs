//! Lines that give values to names, in texts that cannot be read as the documents that they are: YAML
//! with templates in it or with errors, settings, files that describe images.

use std::ops::Range;

use super::carrier::Carrier;
use super::glob::squash;
use super::loose::quoted_at;
use super::memo::Role;
use super::pairs::{may_be_beside, role};
use super::seen::MASK;
use super::text::Edit;
use super::walk::Walk;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// So many lines with names make a document.
const NAMED_MIN: usize = 2;

/// Words before a name and a value that are told apart by blanks alone.
const SETTING: [&str; 5] = ["ENV ", "setenv ", "SetEnv ", "setx ", "SETX "];

/// A line with a name in it.
struct Line<'t> {
    /// Where the name begins in its line; before it may be dashes.
    column: usize,
    name: &'t str,
    /// What stands after the name, up to the end of the line.
    value: Range<usize>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `name: value`
    Colon,
    /// `name = value`
    Equals,
    /// `name=value`, which is looked at elsewhere.
    Joined,
    /// `ENV name value`
    Setting,
    /// `name`, a tab, `value`
    Tab,
}

/// What is known on the way through the lines.
#[derive(Default)]
struct Way {
    /// Up to here all is known to be a value.
    done: usize,
    /// The column of a name whose value stands in the lines below, its rule, and whether all of them
    /// are the value.
    below: Option<(usize, usize, bool)>,
    /// The column of a member that names what another one beside it holds, and the rule for that.
    naming: Option<(usize, Option<usize>)>,
}

impl Walk<'_> {
    /// Takes out what stands under names in the lines of a text.
    pub(super) fn lines(&mut self, text: &str, edits: &mut Vec<Edit>) {
        if memchr::memchr(b'\n', text.as_bytes()).is_none() && !is_setting(text) {
            return;
        }
        let is_named = |range: &Range<usize>| {
            line_at(text, range).is_some_and(|line| line.form != Form::Joined)
        };
        let is_document = ranges(text).filter(is_named).take(NAMED_MIN).count() == NAMED_MIN;
        let mut way = Way::default();
        for range in ranges(text) {
            if range.end <= way.done && way.done > 0 {
                continue;
            }
            let line = line_at(text, &range);
            if self.is_below(text, &range, line.as_ref(), &mut way, edits) {
                continue;
            }
            let Some(line) = line else { continue };
            let told = text.get(line.value.clone()).unwrap_or_default().trim();
            if is_document || told.ends_with('\\') || line.form == Form::Setting {
                self.line(text, &line, told, &mut way, edits);
            }
        }
    }

    /// Whether a line belongs to a name above it.
    fn is_below(
        &mut self,
        text: &str,
        range: &Range<usize>,
        line: Option<&Line<'_>>,
        way: &mut Way,
        edits: &mut Vec<Edit>,
    ) -> bool {
        let Some((column, rule, is_text)) = way.below else { return false };
        let whole = text.get(range.clone()).unwrap_or_default();
        let bare = whole.trim();
        if bare.is_empty() || bare.starts_with('#') && !is_text {
            return true;
        }
        let indent = whole.len() - whole.trim_start().len();
        let is_item = !is_text && indent == column && bare.starts_with("- ");
        if indent <= column && !is_item {
            way.below = None;
            return false;
        }
        match line.filter(|_| !is_text) {
            // The members of an object, of which some tell what it is about.
            Some(line) => {
                let mut squashed = String::new();
                squash(line.name, &mut squashed);
                let is_about = self.policy.spared(&squashed).contains(&rule);
                if !is_about && self.rule_of_told(line.name, MASKED_VALUE).is_none() {
                    self.take(text, line.value.clone(), rule, edits);
                    return true;
                }
                false
            }
            None => {
                let start = range.end - whole.trim_start().len();
                self.take(text, start..range.end, rule, edits);
                true
            }
        }
    }

    fn line(
        &mut self,
        text: &str,
        line: &Line<'_>,
        told: &str,
        way: &mut Way,
        edits: &mut Vec<Edit>,
    ) {
        if way.naming.is_some_and(|(column, _)| line.column < column) {
            way.naming = None;
        }
        let is_block = told.starts_with(['|', '>', '&', '!']) || told.is_empty();
        let whole = self.rule_of_content(Carrier::Member, line.name, None).filter(|_| is_block);
        let own = whole.or_else(|| self.rule_of_told(line.name, told.trim_matches(['"', '\''])));
        let beside = match (role(line.name), way.naming) {
            (Role::Value, Some((column, rule))) if column == line.column => rule,
            _ => None,
        };
        if own.is_none() && role(line.name) == Role::Naming && !told.is_empty() {
            let name = told.trim_matches(['"', '\'']);
            let rule = self.rule_of_content(Carrier::Member, name, None);
            if rule.is_some() || !may_be_beside(line.name) {
                way.naming = Some((line.column, rule));
            }
        }
        let Some(rule) = own.or(beside) else { return };
        if told.starts_with("<<") || told.starts_with("\"\"\"") || told.starts_with("'''") {
            return;
        }
        // What it stands for may be anywhere.
        if told.starts_with('*') && told != MASK {
            self.take(text, 0..text.len(), rule, edits);
            way.done = text.len();
            return;
        }
        let range = extent(text, line, told);
        way.done = range.end;
        if line.form == Form::Colon && range.end <= line.value.end {
            way.below = Some((line.column, rule, !told.is_empty()));
        }
        self.take(text, range, rule, edits);
    }
}

/// Whether a text begins with a word that sets a name.
pub(super) fn is_setting(text: &str) -> bool {
    let text = text.trim_start();
    SETTING.iter().any(|word| text.starts_with(word))
}

/// A value of which nothing is known.
const MASKED_VALUE: &str = "?";

/// How far a value goes that begins in a line.
fn extent(text: &str, line: &Line<'_>, told: &str) -> Range<usize> {
    let value = text.get(line.value.clone()).unwrap_or_default();
    let from = line.value.end - value.trim_start().len();
    if told.starts_with(['"', '\''])
        && let Some((range, _)) = quoted_at(text, from)
    {
        return range;
    }
    let count =
        |open: char, close: char| told.matches(open).count().abs_diff(told.matches(close).count());
    if told.starts_with(['{', '[']) && count('{', '}') + count('[', ']') > 0 {
        return from..text.len();
    }
    let mut end = line.value.end;
    while text.get(from..end).is_some_and(|value| value.trim_end().ends_with('\\')) {
        let rest = text.get(end + 1..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        end += 1 + rest.find('\n').unwrap_or(rest.len());
    }
    from..end
}

/// Where the lines of a text are, without what ends them.
fn ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split('\n').map(move |line| {
        let start = at;
        at += line.len() + 1;
        start..start + line.len()
    })
}

/// The name at the beginning of a line, and what stands after it.
fn line_at<'t>(text: &'t str, range: &Range<usize>) -> Option<Line<'t>> {
    let line = text.get(range.clone())?;
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    let bare = rest.strip_prefix("RUN ").unwrap_or(rest);
    let set = SETTING.iter().find_map(|word| bare.strip_prefix(word));
    let rest = set.or_else(|| rest.strip_prefix("export ")).unwrap_or(rest).trim_start();
    let column = line.len() - rest.len();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let rest = quote.map_or(rest, |quote| rest.strip_prefix(quote).unwrap_or(rest));
    let in_name = |c: char| c.is_alphanumeric() || "_-./$".contains(c);
    let length = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
    let name = rest.get(..length)?;
    if name.is_empty() || length > NAME_BYTES_MAX || name.starts_with(['-', '/']) {
        return None;
    }
    let rest = rest.get(length..)?;
    let rest = quote.map_or(rest, |quote| rest.strip_prefix(quote).unwrap_or(rest));
    let after = rest.trim_start();
    let is_blank = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\\']);
    let (form, value) = if let Some(value) = after.strip_prefix(':').filter(|rest| is_blank(rest)) {
        (Form::Colon, value)
    } else if let Some(value) = after.strip_prefix('=').or_else(|| after.strip_prefix(":=")) {
        let apart = after.len() < rest.len() || value.starts_with([' ', '\t', '\\']);
        (if apart { Form::Equals } else { Form::Joined }, value)
    } else if set.is_some() && after.len() < rest.len() {
        (Form::Setting, after)
    } else if rest.starts_with('\t') && !after.is_empty() {
        (Form::Tab, after)
    } else {
        return None;
    };
    let is_comparison = value.starts_with('=');
    let value = range.end - value.len()..range.end;
    (!is_comparison).then_some(Line { column, name, value, form })
}
