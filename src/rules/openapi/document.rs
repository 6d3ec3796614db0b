//! A document → its operations, or its problems.

use super::tree::{Node, Value};
use crate::derive::{Operation, documented_path};
use crate::route::percent_decode;

/// More operations are not taken.
const OPERATIONS_MAX: usize = 20_000;

/// A reference that leads to a reference, and so on, is followed so many times.
const HOPS_MAX: usize = 8;

/// Of so many servers the paths are taken.
const SERVERS_MAX: usize = 16;

/// Longer ids are cut.
const ID_CHARS_MAX: usize = 120;

/// Members of a path item that are operations.
const METHODS: &[&str] =
    &["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// What is wrong, and where.
pub(super) struct Wrong {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) message: String,
    pub(super) remedy: &'static str,
}

/// What the operator says of a document.
pub(super) struct About<'a> {
    pub(super) id: &'a str,
    pub(super) base: Option<&'a str>,
    pub(super) host: Option<&'a str>,
}

/// Reads the operations of a document.
pub(super) fn operations(root: &Node, about: &About<'_>) -> (Vec<Operation>, Vec<Wrong>) {
    let mut reader = Reader { root, about, operations: Vec::new(), wrong: Vec::new() };
    reader.document();
    (reader.operations, reader.wrong)
}

struct Reader<'d> {
    root: &'d Node,
    about: &'d About<'d>,
    operations: Vec<Operation>,
    wrong: Vec<Wrong>,
}

/// A path of the document, as far as it is read.
struct Item<'i> {
    path: &'i str,
    bases: &'i [String],
    parameters: &'i [Node],
}

impl<'d> Reader<'d> {
    fn document(&mut self) {
        let root = self.root;
        let version = |name: &str| root.get(name).and_then(Node::text);
        let is_known = match (version("openapi"), version("swagger")) {
            (Some(version), _) => version.starts_with("3."),
            (None, Some(version)) => version == "2.0" || version == "2",
            (None, None) => {
                let message = "it says neither `openapi` nor `swagger`".to_owned();
                let remedy = "name a document of OpenAPI 3.0, 3.1 or Swagger 2";
                return self.wrong(root, message, remedy);
            }
        };
        if !is_known {
            let node = root.get("openapi").or_else(|| root.get("swagger")).unwrap_or(root);
            let message =
                format!("version `{}` is not known", cut(node.text().unwrap_or_default()));
            return self.wrong(node, message, "convert it to OpenAPI 3.0, 3.1 or Swagger 2");
        }
        let Some(paths) = root.get("paths").filter(|paths| !paths.members().is_empty()) else {
            let node = root.get("paths").unwrap_or(root);
            return self.wrong(node, "it has no `paths`".to_owned(), "name a document with paths");
        };
        let bases = match (self.about.base, root.get("basePath").and_then(Node::text)) {
            (Some(base), _) | (None, Some(base)) => vec![base.to_owned()],
            (None, None) => bases(root).unwrap_or_else(|| vec![String::new()]),
        };
        for (path, node) in paths.members() {
            if path.starts_with("x-") {
                continue;
            }
            if !path.starts_with('/') {
                let message = format!("the path `{}` does not begin with `/`", cut(path));
                self.wrong(node, message, "write the path from its first `/`");
                continue;
            }
            self.item(path, node, &bases);
            if self.operations.len() > OPERATIONS_MAX {
                let message = format!("it has more than {OPERATIONS_MAX} operations");
                self.wrong(node, message, "split it, or leave out what is not behind this proxy");
                return;
            }
        }
    }

    fn item(&mut self, path: &str, node: &'d Node, bases_known: &[String]) {
        let Some(target) = self.resolved(node) else { return };
        // In 3.1 there may be more beside a reference.
        let both = [Some(target), Some(node).filter(|node| !std::ptr::eq(*node, target))];
        for node in both.into_iter().flatten() {
            let own = bases(node).filter(|_| self.about.base.is_none());
            let parameters = node.get("parameters").map(Node::items).unwrap_or_default();
            let bases = own.as_deref().unwrap_or(bases_known);
            let item = Item { path, bases, parameters };
            for method in METHODS {
                if let Some(operation) = node.get(method) {
                    self.operation(&item, method, operation);
                }
            }
        }
    }

    fn operation(&mut self, item: &Item<'_>, method: &str, node: &'d Node) {
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("`{method}` of `{}` is no operation", cut(item.path));
            return self.wrong(node, message, "give it `operationId`, `summary` and the like");
        }
        let text = |name: &str| node.get(name).and_then(Node::text).map(ToOwned::to_owned);
        let method = method.to_ascii_uppercase();
        let operation_id = text("operationId").filter(|id| !id.trim().is_empty());
        let own = operation_id.clone().unwrap_or_else(|| format!("{method} {}", item.path));
        let action = node.get("x-countersign-action");
        let query = self.query(item, node);
        let stated = action.and_then(Node::text).map(ToOwned::to_owned);
        if let Some(action) = action
            && !stated.as_deref().is_some_and(super::super::events::is_action)
        {
            let message = format!("`x-countersign-action` of `{}` is no action", cut(&own));
            let remedy = "write a noun and a verb in lower case, as in `api_key.rotate`";
            self.wrong(action, message, remedy);
        }
        let tags = node.get("tags").map(Node::items).unwrap_or_default();
        let summary = text("summary").or_else(|| {
            let description = text("description")?;
            let first = description.trim().lines().next()?.trim().to_owned();
            (first.chars().count() <= ID_CHARS_MAX).then_some(first)
        });
        let mine = bases(node).filter(|_| self.about.base.is_none());
        for base in mine.as_deref().unwrap_or(item.bases) {
            match documented_path(base, item.path) {
                Ok(path) => self.operations.push(Operation {
                    id: format!("{}#{}", self.about.id, cut(&own)),
                    method: method.clone(),
                    path,
                    written: item.path.to_owned(),
                    host: self.about.host.map(str::to_ascii_lowercase),
                    action: stated.clone(),
                    operation_id: operation_id.clone(),
                    tag: tags.first().and_then(Node::text).map(ToOwned::to_owned),
                    summary: summary.clone().filter(|text| !text.trim().is_empty()),
                    query: query.clone(),
                }),
                Err(error) => {
                    let message = format!("the path `{}`: {error}", cut(item.path));
                    self.wrong(node, message, "correct the path, or remove it");
                }
            }
        }
    }

    /// The parameters of the query that an operation cannot do without.
    fn query(&mut self, item: &Item<'_>, operation: &'d Node) -> Vec<String> {
        let mut names = Vec::new();
        let own = operation.get("parameters").map(Node::items).unwrap_or_default();
        for parameter in item.parameters.iter().chain(own) {
            let Some(parameter) = self.resolved_parameter(parameter) else { continue };
            let text = |name: &str| parameter.get(name).and_then(Node::text);
            if text("in") == Some("query") && text("required") == Some("true") {
                let name = text("name").map(ToOwned::to_owned);
                names.extend(name.filter(|name| !names.contains(name)));
            }
        }
        names
    }

    /// A parameter; what stands in other files is not needed for names.
    fn resolved_parameter<'n>(&mut self, node: &'n Node) -> Option<&'n Node>
    where
        'd: 'n,
    {
        let is_elsewhere = node
            .get("$ref")
            .and_then(Node::text)
            .is_some_and(|reference| !reference.starts_with('#'));
        if is_elsewhere { None } else { self.resolved(node) }
    }

    /// What a node refers to, or the node itself.
    fn resolved<'n>(&mut self, node: &'n Node) -> Option<&'n Node>
    where
        'd: 'n,
    {
        let mut at: &'n Node = node;
        for _ in 0..HOPS_MAX {
            let Some(reference) = at.get("$ref") else { return Some(at) };
            let text = reference.text().unwrap_or_default();
            let Some(pointer) = text.strip_prefix('#') else {
                let message = format!("`$ref: {}` leads out of the file", cut(text));
                let remedy = "bundle the document into one file: other files are not read, \
                              and nothing is fetched";
                self.wrong(reference, message, remedy);
                return None;
            };
            let Some(found) = find(self.root, pointer) else {
                let message = format!("`$ref: {}` leads nowhere", cut(text));
                self.wrong(reference, message, "correct the reference");
                return None;
            };
            at = found;
        }
        let message = "`$ref` leads from reference to reference, and to nothing".to_owned();
        self.wrong(node, message, "let it refer to the thing itself");
        None
    }

    fn wrong(&mut self, node: &Node, message: String, remedy: &'static str) {
        let Node { line, column, .. } = node;
        self.wrong.push(Wrong { line: *line, column: *column, message, remedy });
    }
}

/// What a JSON pointer, as a fragment of a URL, leads to.
fn find<'n>(root: &'n Node, pointer: &str) -> Option<&'n Node> {
    let mut at = root;
    for step in pointer.strip_prefix('/')?.split('/') {
        let name = String::from_utf8(percent_decode(step.as_bytes()).into_owned()).ok()?;
        let name = name.replace("~1", "/").replace("~0", "~");
        at = match at.get(&name) {
            Some(member) => member,
            None => at.items().get(name.parse::<usize>().ok()?)?,
        };
    }
    Some(at)
}

/// The paths of the servers of a document, a path or an operation, if it names any.
fn bases(node: &Node) -> Option<Vec<String>> {
    let servers = node.get("servers")?.items();
    let mut bases: Vec<String> = Vec::new();
    for url in servers.iter().take(SERVERS_MAX).flat_map(urls).take(SERVERS_MAX) {
        let rest = url.split_once("://").map(|(_, rest)| rest).or_else(|| url.strip_prefix("//"));
        let path = match rest {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => url.as_str(),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_start_matches('.').trim_matches('/').to_owned();
        if !bases.contains(&path) {
            bases.push(path);
        }
    }
    (!bases.is_empty()).then_some(bases)
}

/// The addresses of a server, one for each of the values that its variables may have, the default first.
fn urls(server: &Node) -> Vec<String> {
    let mut urls: Vec<String> =
        server.get("url").and_then(Node::text).map(ToOwned::to_owned).into_iter().collect();
    for (name, variable) in server.get("variables").map(Node::members).unwrap_or_default() {
        let default = variable.get("default").and_then(Node::text).unwrap_or_default();
        let others = variable.get("enum").map(Node::items).unwrap_or_default();
        let others = others.iter().filter_map(Node::text).filter(|value| *value != default);
        let values: Vec<&str> = std::iter::once(default).chain(others).take(SERVERS_MAX).collect();
        let place = format!("{{{name}}}");
        let with = |url: &String| -> Vec<String> {
            // A variable of the host leads to the same paths.
            values.iter().map(|value| url.replace(&place, value)).collect()
        };
        if urls.iter().any(|url| url.contains(&place)) {
            urls = urls.iter().flat_map(with).take(SERVERS_MAX).collect();
        }
    }
    urls
}

/// A text of the document, for a problem or an id.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(ID_CHARS_MAX).collect()
}
