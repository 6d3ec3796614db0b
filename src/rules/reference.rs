//! The reference page of rule files, generated from their types: what the JSON Schema says, in prose,
//! with examples out of the shipped packs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::load::schema;
use super::packs::Pack;

const OPENING: &str = "\
# Rule files

Generated from the types by `countersign rules reference`: do not edit.

Rules are the `*.yaml` of the directory `rules.dir` in the configuration, beside the shipped ones.
`countersign rules check` reports every problem, `countersign rules test` tries the examples, and
`countersign explain` shows what the rules make of a request. Unknown keys are errors.
";

/// The shipped packs have no rules about actors.
const ACTORS: &str = include_str!("../../rules/examples/actors/actors.yaml");

/// The first example that is no longer than this is shown, or else the shortest.
const EXAMPLE_CHARS: usize = 48;

/// Nothing longer than this is shown: sections have examples key by key.
const EXAMPLE_CHARS_MAX: usize = 320;

/// The page, in Markdown.
pub fn reference() -> String {
    let schema = schema();
    let empty = Map::new();
    let definitions = schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let mut page = Page { definitions, sections: Vec::new(), examples: BTreeMap::new() };
    for text in Pack::ALL.map(Pack::text).into_iter().chain([ACTORS]) {
        if let Ok(file) = serde_saphyr::from_str::<Value>(text) {
            page.learn(schema.as_value(), "", &file);
        }
    }
    page.find(schema.as_value());
    let mut out = OPENING.to_owned();
    page.section("A file", schema.as_value(), "", &mut out);
    for (name, definition) in &page.sections {
        let node = definitions.get(definition).unwrap_or(&Value::Null);
        page.section(&format!("`{name}`"), node, definition, &mut out);
    }
    out
}

struct Page<'s> {
    definitions: &'s Map<String, Value>,
    /// The key under which a definition is first used, and its name, in the order of their use.
    sections: Vec<(String, String)>,
    /// A good example of each key of each definition.
    examples: BTreeMap<(String, String), String>,
}

impl<'s> Page<'s> {
    /// The name of the definition that a node refers to, perhaps in a list or beside null.
    fn referred(&self, node: &'s Value) -> Option<&'s str> {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit_once('/').map(|(_, name)| name)?;
            return match self.one_or_other(name) {
                Some(definition) => self.referred(definition),
                None => Some(name),
            };
        }
        let items = node.get("items").into_iter();
        let some = ["anyOf", "allOf"].iter().filter_map(|key| node.get(*key)?.as_array()).flatten();
        items.chain(some).find_map(|node| self.referred(node))
    }

    /// A definition that is nothing but a choice between types has no section of its own.
    fn one_or_other(&self, name: &str) -> Option<&'s Value> {
        self.definitions.get(name).filter(|definition| definition.get("anyOf").is_some())
    }

    /// Finds all definitions below a node.
    fn find(&mut self, node: &'s Value) {
        for (key, property) in properties(node) {
            let Some(name) = self.referred(property) else { continue };
            if !self.sections.iter().any(|(_, known)| known == name) {
                self.sections.push((key.clone(), name.to_owned()));
                if let Some(definition) = self.definitions.get(name) {
                    self.find(definition);
                }
            }
        }
    }

    /// Takes examples from a file that the node describes.
    fn learn(&mut self, node: &'s Value, definition: &str, file: &Value) {
        for (key, property) in properties(node) {
            let Some(value) = file.get(key) else { continue };
            let text = value.to_string();
            let place = (definition.to_owned(), key.clone());
            let known = self.examples.get(&place);
            let is_better =
                |known: &String| known.len() > EXAMPLE_CHARS && text.len() < known.len();
            if text.len() <= EXAMPLE_CHARS_MAX && known.is_none_or(is_better) {
                self.examples.insert(place, text);
            }
            let Some(name) = self.referred(property) else { continue };
            let Some(inner) = self.definitions.get(name) else { continue };
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for item in items {
                self.learn(inner, name, item);
            }
        }
    }

    fn section(&self, title: &str, node: &Value, definition: &str, out: &mut String) {
        // Writing to a `String` cannot fail.
        writeln!(out, "\n## {title}\n\n{}\n", description(node)).ok();
        let required = node.get("required").and_then(Value::as_array);
        let rows = properties(node).map(|(key, property)| {
            let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
            let default = if is_required { "required".to_owned() } else { default(property) };
            let meaning = match self.example(definition, key, property) {
                Some(example) => format!("{} Example: `{key}: {example}`", description(property)),
                None => description(property),
            };
            [format!("`{key}`"), self.kind(property), default, meaning]
        });
        table(["key", "type", "default", "meaning"], rows.collect(), out);
        let words = alternatives(node);
        table(["value", "meaning"], words.flat_map(|word| self.word(word)).collect(), out);
    }

    /// The example that stands with the type, or else one of the shipped packs.
    fn example(&self, definition: &str, key: &str, property: &Value) -> Option<String> {
        let own = property.get("examples").and_then(Value::as_array).and_then(|list| list.first());
        own.map(Value::to_string)
            .or_else(|| self.examples.get(&(definition.to_owned(), key.to_owned())).cloned())
    }

    /// The type of a node, in words.
    fn kind(&self, node: &Value) -> String {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
            if let Some(definition) = self.one_or_other(name) {
                return self.kind(definition);
            }
            let section = self.sections.iter().find(|(_, known)| known == name);
            return section.map_or(name.to_owned(), |(key, _)| format!("[{key}](#{key})"));
        }
        if let Some(some) =
            node.get("anyOf").or_else(|| node.get("allOf")).and_then(Value::as_array)
        {
            let kinds = some.iter().map(|node| self.kind(node)).filter(|kind| !kind.is_empty());
            return kinds.collect::<Vec<_>>().join(" or ");
        }
        let names = match node.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(name)) => vec![name.as_str()],
            _ => return "anything".to_owned(),
        };
        let word = |name: &str| match name {
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "object" => "mapping".to_owned(),
            "array" => {
                let items = node.get("items").map(|items| self.kind(items)).unwrap_or_default();
                format!("list of {items}")
            }
            other => other.to_owned(),
        };
        let kinds = names.into_iter().filter(|name| *name != "null").map(word);
        kinds.collect::<Vec<_>>().join(" or ")
    }

    /// One of the values that a node may have: a word, or a key with settings, a row each.
    fn word(&self, node: &Value) -> Vec<[String; 2]> {
        if let Some(word) = node.get("const").and_then(Value::as_str) {
            return vec![[format!("`{word}`"), description(node)]];
        }
        let words = node.get("enum").and_then(Value::as_array).into_iter().flatten();
        let mut rows: Vec<_> = words
            .filter_map(|word| Some([format!("`{}`", word.as_str()?), description(node)]))
            .collect();
        for (key, inner) in properties(node) {
            let settings: Vec<String> = properties(inner)
                .map(|(name, setting)| {
                    format!("`{name}` ({}): {}", self.kind(setting), description(setting))
                })
                .collect();
            let names: Vec<String> =
                properties(inner).map(|(name, _)| format!("{name}: …")).collect();
            let shown = format!("`{{{key}: {{{}}}}}`", names.join(", "));
            rows.push([shown, format!("{} {}", description(node), settings.join(" "))]);
        }
        rows
    }
}

fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn alternatives(node: &Value) -> impl Iterator<Item = &Value> {
    let list = node.get("oneOf").and_then(Value::as_array);
    let own = node.get("enum").map(|_| node);
    list.into_iter().flatten().chain(own)
}

fn description(node: &Value) -> String {
    node.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn default(node: &Value) -> String {
    match node.get("default") {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
        Some(Value::Object(_)) => "none".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// Writes a table, unless it is empty.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>, out: &mut String) {
    if rows.is_empty() {
        return;
    }
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(head.map(ToOwned::to_owned)));
    out.push_str(&line(head.map(|_| "---".to_owned())));
    for row in rows {
        out.push_str(&line(row.map(|cell| cell.replace('|', "\\|"))));
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn the_page_in_the_repository_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
        let page = reference();
        if env::var_os("UPDATE").is_some() {
            fs::write(file, &page).unwrap();
        }
        let written = fs::read_to_string(file).unwrap_or_default();
        assert!(written == page, "docs/rules.md: `countersign rules reference > docs/rules.md`");
    }

    #[test]
    fn every_key_has_a_type_a_meaning_and_an_example() {
        let page = reference();
        for line in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split(" | ").collect();
            assert!(cells.iter().all(|cell| cell.trim_matches(['|', ' ']).len() > 1), "{line}");
            // What has a section of its own has its examples there.
            let has_example = line.contains("Example: `") || line.contains("](#");
            assert!(cells.len() == 2 || has_example, "no example: {line}");
        }
    }
}
