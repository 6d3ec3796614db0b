//! What an operator wrote that is no mistake by its form, and can match nothing, or not what is meant:
//! `rules check` says so in a note.

use std::fs;
use std::path::Path;

use super::check::Checked;

/// What stands in the paths of other programs before what is in the body.
const ROOTS: [&str; 4] = ["$.request.", "$.response.", "$.req.", "$.res."];
const CARRIERS: [&str; 4] = ["body", "headers", "query", "cookies"];

/// How flags stand behind a pattern in other languages.
const FLAGS: &str = "gimsuxy";
const FLAGS_MAX: usize = 4;

impl Checked {
    /// A name of a member, a header, a cookie or a parameter.
    pub(super) fn doubt_name(&mut self, rule: &str, selector: &str, name: &str) {
        if self.shipping {
            return;
        }
        let at = format!("`{name}` in `{selector}` of `{rule}`");
        if name.contains([',', ';']) {
            self.doubts.push(format!(
                "{at} is one name, of which the letters and digits are compared; write several as a list, \
                 `[one, other]`"
            ));
        } else if selector == "keys" && name.contains('.') {
            self.doubts.push(format!(
                "{at} is a name with a dot in it, and no member of an object; for that use `path`, as in \
                 `$..user.name`"
            ));
        }
    }

    /// A path below which something holds.
    pub(super) fn doubt_under(&mut self, rule: &str, path: &str) {
        if self.shipping {
            return;
        }
        let at = format!("`{path}` in `under` of `{rule}`");
        if path.contains(char::is_whitespace) {
            self.doubts.push(format!(
                "{at} has a blank, and what stands before it is a part of the path; write the path alone: rules \
                 for redaction hold for all methods"
            ));
        }
        if let Some(named) = path.split('/').find(|segment| segment.starts_with(':')) {
            self.doubts
                .push(format!("{at}: `{named}` is a segment of this name; write `*` for any one"));
        }
    }

    /// A path into documents.
    pub(super) fn doubt_path(&mut self, rule: &str, path: &str) {
        if self.shipping {
            return;
        }
        let behind = ROOTS.iter().find_map(|root| path.strip_prefix(root));
        let is_one = |behind: &str| CARRIERS.iter().any(|carrier| behind.starts_with(carrier));
        if behind.is_some_and(is_one) {
            self.doubts.push(format!(
                "`{path}` in `path` of `{rule}` begins in the body: `$` is the document that was sent, and `in` \
                 says in which half"
            ));
        }
    }

    /// A regular expression.
    pub(super) fn doubt_pattern(&mut self, rule: &str, field: &str, pattern: &str) {
        let is_odd = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if let Some(odd) = pattern.chars().find(is_odd) {
            let code = u32::from(odd);
            self.doubts.push(format!(
                "`{field}` of `{rule}` has a character that no text has (U+{code:04X}): in double quotes YAML \
                 reads `\\b` as that; write it in single quotes"
            ));
        }
        let flags = pattern.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
        let are_flags = |flags: &str| {
            (1..=FLAGS_MAX).contains(&flags.len()) && flags.chars().all(|flag| FLAGS.contains(flag))
        };
        if flags.is_some_and(|(_, flags)| are_flags(flags)) {
            self.doubts.push(format!(
                "`{field}` of `{rule}` is looked for with the slashes around it; leave them out, and write \
                 `(?i)` before it for letters of either case"
            ));
        }
    }

    /// Directories in that of the rules: what is in them is not read.
    pub(super) fn doubt_directories(&mut self, dir: &Path) {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        // What a mounted ConfigMap keeps its files in begins with two dots.
        let is_hidden = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy().starts_with('.'));
            name.unwrap_or(true)
        };
        let has_rules = |path: &Path| {
            let mut files = fs::read_dir(path).into_iter().flatten().flatten();
            files.any(|file| is_rule_file(&file.path()))
        };
        let mut found: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && !is_hidden(path) && has_rules(path))
            .collect();
        found.sort();
        for path in found {
            self.doubts.push(format!(
                "the files in {} are not read: rules stand in the directory itself",
                path.display()
            ));
        }
    }
}

/// Whether rules are read from a file of this name.
pub(super) fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(doubt: impl Fn(&mut Checked)) -> Vec<String> {
        let mut checked = Checked::default();
        doubt(&mut checked);
        checked.doubts
    }

    #[test]
    fn what_can_match_nothing_is_noted() {
        for (doubt, told) in [
            (doubts(|all| all.doubt_name("a", "keys", "note, memo")), "one name"),
            (doubts(|all| all.doubt_name("a", "keys", "user.name")), "`$..user.name`"),
            (doubts(|all| all.doubt_under("a", "POST /doors")), "all methods"),
            (doubts(|all| all.doubt_under("a", "/users/:id/doors")), "`:id` is a segment"),
            (doubts(|all| all.doubt_path("a", "$.request.body.note")), "begins in the body"),
            (doubts(|all| all.doubt_pattern("a", "pattern", "\u{8}acme_x")), "U+0008"),
            (doubts(|all| all.doubt_pattern("a", "pattern", "/acme_x/i")), "`(?i)`"),
        ] {
            let [doubt] = doubt.as_slice() else { panic!("{told}: {doubt:?}") };
            assert!(doubt.contains(told), "{doubt}");
        }
    }

    #[test]
    fn what_may_match_is_not() {
        let found = doubts(|all| {
            all.doubt_name("a", "keys", "licence_*");
            all.doubt_name("a", "headers", "x-acme");
            all.doubt_under("a", "/models/*:generate");
            all.doubt_path("a", "$.request.note");
            all.doubt_path("a", "$.response.status");
            all.doubt_pattern("a", "pattern", "(?x) acme_\n\t[a-z]+");
            all.doubt_pattern("a", "pattern", "/acme/[a-z]+/invoices");
        });
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn directories_with_rules_are_noted() {
        let dir = tempfile::tempdir().unwrap();
        for (name, file) in [("inner", "a.yaml"), ("..data", "a.yaml"), ("docs", "a.md")] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join(file), "").unwrap();
        }
        let found = doubts(|all| all.doubt_directories(dir.path()));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.iter().all(|doubt| doubt.contains("inner are not read")));
    }
}
