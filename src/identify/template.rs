//! Texts with values in them: `{claims.sub | claims.client_id}`, `svc:{subject.cn}`.

use serde_json::Value;

use super::path::ValuePath;
use super::text::bounded;

/// A text with values in it. Between braces stand paths, of which the first that has a value counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Vec<ValuePath>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace is not closed, or not opened.
    #[error("a `{{` without its `}}`, or the other way round")]
    Braces,
    /// Nothing is taken from the request.
    #[error("it takes no value from the request")]
    Constant,
    /// What stands between braces is no path.
    #[error("`{0}` is not the path of a value")]
    Path(String),
    /// The path begins with a name that means nothing here.
    #[error("`{0}` is not known here")]
    Root(String),
}

impl Template {
    /// Reads a template whose paths begin with one of `roots`.
    pub fn parse(text: &str, roots: &[&str]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            push_text(&mut parts, before)?;
            let (inside, behind) = after.split_once('}').ok_or(TemplateError::Braces)?;
            let mut paths = Vec::new();
            for path in inside.split('|') {
                let parsed = ValuePath::parse(path)
                    .map_err(|_| TemplateError::Path(path.trim().to_owned()))?;
                if !roots.contains(&parsed.root()) {
                    return Err(TemplateError::Root(parsed.root().to_owned()));
                }
                paths.push(parsed);
            }
            parts.push(Part::Value(paths));
            rest = behind;
        }
        push_text(&mut parts, rest)?;
        if parts.iter().any(|part| matches!(part, Part::Value(_))) {
            Ok(Self(parts))
        } else {
            Err(TemplateError::Constant)
        }
    }

    /// The second names of all paths that begin with `root`.
    pub fn members<'t>(&'t self, root: &'t str) -> impl Iterator<Item = &'t str> {
        let paths = self.0.iter().flat_map(|part| match part {
            Part::Text(_) => &[][..],
            Part::Value(paths) => paths,
        });
        paths.filter(move |path| path.root() == root).filter_map(ValuePath::member)
    }

    /// Whether one of its paths leads to several values.
    pub(super) fn is_ambiguous(&self, document: &Value) -> bool {
        let mut paths = self.0.iter().flat_map(|part| match part {
            Part::Text(_) => &[][..],
            Part::Value(paths) => paths,
        });
        paths.any(|path| path.is_ambiguous(document))
    }

    /// The text, if every value in it is there.
    pub(super) fn fill(&self, document: &Value) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Value(paths) => {
                    text.push_str(&paths.iter().find_map(|path| path.find(document))?);
                }
            }
        }
        bounded(&text)
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Braces);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}
