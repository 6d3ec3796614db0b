//! `countersign rules`: for those who write rules.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::check::{DEFAULT_CONFIG, Verdict};
use super::screen::printable;
use crate::config::{Examined, examine};
use crate::problem::Problems;
use crate::rules::{self, Difference, Expected, Pack, RuleSet, Tried, Unmet};

/// Checks rule files, and tries the examples in them.
///
/// The rules are those of a directory, or those that a configuration names, together with the shipped
/// ones. Exit codes: 0 all is well, 1 there are problems.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Report every problem in the rule files, and examples that are not met, each with its place and
    /// a remedy
    Check(Source),
    /// Try every example of every rule; show what is not as it should be
    Test(TestArgs),
    /// Print the reference page of rule files, in Markdown
    Reference,
}

/// Which rules.
#[derive(Debug, Default, clap::Args)]
struct Source {
    /// The directory of rule files
    #[arg(value_name = "DIR", conflicts_with_all = ["config", "rules"])]
    dir: Option<PathBuf>,
    /// The same, as other subcommands name it
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    rules: Option<PathBuf>,
    /// The configuration that names it [default: config/countersign.yaml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Default, clap::Args)]
struct TestArgs {
    #[command(flatten)]
    source: Source,
    /// Only rules whose id begins with this
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
}

/// Runs the subcommand and writes what it found to `out`.
pub fn run(args: &Args, out: &mut dyn Write) -> io::Result<Verdict> {
    let (source, only) = match &args.what {
        What::Reference => {
            out.write_all(rules::reference().as_bytes())?;
            return Ok(Verdict::Fine);
        }
        What::Check(source) => (source, None),
        What::Test(args) => (&args.source, Some(args.rule.as_deref().unwrap_or_default())),
    };
    let rules = match load(source) {
        Ok(rules) => rules,
        Err(problems) => return report(&problems, out),
    };
    let Some(prefix) = only else {
        if let Err(problems) = rules.test_examples() {
            return report(&problems, out);
        }
        let tried = rules.try_examples("");
        for why in tried.iter().flat_map(|tried| &tried.unproven) {
            writeln!(out, "note: {why}; add one under `examples`")?;
        }
        for doubt in rules.doubts() {
            writeln!(out, "note: {doubt}")?;
        }
        let (count, digest) = (rules.redaction_rules(), rules.digest());
        let events = rules.events();
        let documented = match events.operations() {
            0 => String::new(),
            operations => format!(", {operations} operations of documents"),
        };
        let (named, rejections) = (events.len(), events.rejections().iter().count());
        writeln!(
            out,
            "ok: {count} redaction rules, {named} rules for events{documented}, {rejections} for \
             rejections, digest {digest}"
        )?;
        return Ok(Verdict::Fine);
    };
    match rules.try_examples(prefix) {
        Ok(tried) if tried.rules == 0 => {
            writeln!(out, "there is no rule whose id begins with `{prefix}`")?;
            Ok(Verdict::Problems)
        }
        Ok(tried) => show(&tried, out),
        Err(problems) => report(&problems, out),
    }
}

fn load(source: &Source) -> Result<RuleSet, Problems> {
    if let Some(dir) = source.dir.as_ref().or(source.rules.as_ref()) {
        return rules::load(Some(dir), &Pack::DEFAULT);
    }
    let default = Path::new(DEFAULT_CONFIG);
    let file = source.config.as_deref().or_else(|| default.exists().then_some(default));
    let Some(file) = file else { return rules::load(None, &Pack::DEFAULT) };
    match examine(file) {
        Examined::Fine(config) => rules::load(config.rules_dir.as_deref(), &config.packs),
        // What else is wrong with it is the business of `countersign check`.
        Examined::Wrong { understood: Some(config), .. } => {
            rules::load(config.rules_dir.as_deref(), &config.packs)
        }
        Examined::Wrong { problems, understood: None } => Err(problems),
    }
}

fn report(problems: &Problems, out: &mut dyn Write) -> io::Result<Verdict> {
    writeln!(out, "{problems}")?;
    Ok(Verdict::Problems)
}

fn show(tried: &Tried, out: &mut dyn Write) -> io::Result<Verdict> {
    for unmet in &tried.unmet {
        show_one(unmet, out)?;
    }
    if !tried.without.is_empty() {
        writeln!(out, "without examples: {}", tried.without.join(", "))?;
    }
    for why in &tried.unproven {
        writeln!(out, "note: {why}")?;
    }
    let Tried { rules, examples, unmet, .. } = tried;
    if unmet.is_empty() {
        writeln!(out, "ok: {examples} examples of {rules} rules")?;
        return Ok(Verdict::Fine);
    }
    writeln!(out, "{} of {examples} examples of {rules} rules are not met", unmet.len())?;
    Ok(Verdict::Problems)
}

/// A difference between what should be recorded and what would be.
fn show_one(unmet: &Unmet, out: &mut dyn Write) -> io::Result<()> {
    let Unmet { rule, file, line, column, expected, example, redacted } = unmet;
    let what = match expected {
        Expected::Hit => "should redact something here",
        Expected::Miss => "should leave this alone",
        Expected::Event(_) => "should make another event of this",
    };
    writeln!(out, "{}:{line}:{column}: rule `{rule}` {what}", file.display())?;
    if let Expected::Event(differences) = expected {
        writeln!(out, "    {}", printable(example))?;
        for Difference { field, should, is } in differences {
            let is = is.as_deref().unwrap_or("(nothing)");
            writeln!(out, "  - {field}: {}\n  + {field}: {}", printable(should), printable(is))?;
        }
        return writeln!(out, "  remedy: {}\n", unmet.remedy());
    }
    let (should, is) = match redacted {
        Some(redacted) => (example.as_str(), redacted.as_str()),
        None => ("***", example.as_str()),
    };
    for (sign, text) in [('-', should), ('+', is)] {
        for line in text.lines() {
            writeln!(out, "  {sign} {line}")?;
        }
    }
    writeln!(out, "  remedy: {}\n", unmet.remedy())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn rules(line: &[&str]) -> (Verdict, String) {
        let line = Line::try_parse_from([&["rules"], line].concat()).unwrap();
        let mut out = Vec::new();
        let verdict = run(&line.args, &mut out).unwrap();
        (verdict, String::from_utf8(out).unwrap())
    }

    fn dir(text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        dir
    }

    #[test]
    fn check_reports_problems_with_their_places() {
        let good = dir("redact:\n  - {id: a, keys: [a], do: drop}\n");
        let (verdict, text) = rules(&["check", good.path().to_str().unwrap()]);
        assert_eq!(verdict, Verdict::Fine);
        assert!(
            text.starts_with("ok: ") && text.contains(" redaction rules, 0 rules for events, "),
            "{text}"
        );
        let bad = dir("redact:\n  - {id: a, pattern: 'abc(', do: drop}\n");
        let (verdict, text) = rules(&["check", bad.path().to_str().unwrap()]);
        assert_eq!(verdict, Verdict::Problems);
        assert!(text.contains("a.yaml:2:22: `pattern` of `a`: it is no regular"), "{text}");
        assert!(text.ends_with("1 problem\n"), "{text}");
    }

    #[test]
    fn check_notes_patterns_that_no_example_proves() {
        for (keywords, examples, note) in [
            ("['123']", "", "note: no example shows that the pattern of `a.p` finds anything"),
            (
                "[acme_, zzz]",
                "hit: [acme_12345678]",
                "note: no example of `a.p` has its keyword `zzz`",
            ),
            ("[acme_]", "hit: [acme_12345678]", ""),
        ] {
            let dir = dir(&format!(
                "redact:\n  - id: a.p\n    pattern: 'acme_[0-9]{{8}}'\n    keywords: {keywords}\n    \
                 do: drop\n    examples: {{{examples}}}\n"
            ));
            let (verdict, text) = rules(&["check", "--rules", dir.path().to_str().unwrap()]);
            assert_eq!(verdict, Verdict::Fine, "{text}");
            assert!(text.contains(note) && text.contains("note:") != note.is_empty(), "{text}");
        }
        let dir = dir("redact:\n  - {id: a, keys: [a], value: '[', do: drop}\n");
        let (_, text) = rules(&["check", dir.path().to_str().unwrap()]);
        assert!(text.contains("`value` of `a`: it is no regular expression: unclosed"), "{text}");
    }

    #[test]
    fn test_shows_differences() {
        let dir = dir(
            "redact:\n  - id: a.b\n    pattern: 'tok-[a-z]{4,9}'\n    keys: [pin]\n    do: mask\n    examples:\n      \
             hit: [tok-abcd, tok-abc]\n      miss: [see tok-abcdef now, PIN]\n  - {id: a.c, keys: [c], do: mask}\n",
        );
        let path = dir.path().to_str().unwrap();
        let (verdict, text) = rules(&["test", path, "--rule", "a."]);
        assert_eq!(verdict, Verdict::Problems);
        let text = text.replace(path, "rules");
        assert_eq!(
            text,
            "rules/a.yaml:7:23: rule `a.b` should redact something here\n  - ***\n  + tok-abc\n  \
             remedy: widen a selector, or correct the example\n\n\
             rules/a.yaml:8:14: rule `a.b` should leave this alone\n  - see tok-abcdef now\n  + see *** now\n  \
             remedy: narrow a selector, except the name under `keep`, or correct the example\n\n\
             rules/a.yaml:8:34: rule `a.b` should leave this alone\n  - PIN\n  + PIN=***\n  \
             remedy: narrow a selector, except the name under `keep`, or correct the example\n\n\
             without examples: a.c\n\
             3 of 4 examples of 2 rules are not met\n"
        );
        let (verdict, text) = rules(&["test", path, "--rule", "nothing"]);
        assert_eq!(verdict, Verdict::Problems);
        assert_eq!(text, "there is no rule whose id begins with `nothing`\n");
    }

    #[test]
    fn test_shows_differences_of_events() {
        let dir = dir(
            "events:\n  - id: e.a\n    match: { path: '/x/{id}' }\n    examples:\n      \
                       - { request: PUT /x/5, event: { action: x.update, target: { id: '6' }, outcome: failure } }\n",
        );
        let path = dir.path().to_str().unwrap();
        let (verdict, text) = rules(&["test", path, "--rule", "e."]);
        assert_eq!(verdict, Verdict::Problems);
        assert_eq!(
            text.replace(path, "rules"),
            "rules/a.yaml:5:20: rule `e.a` should make another event of this\n    PUT /x/5\n  \
             - outcome: failure\n  + outcome: success\n  - target.id: 6\n  + target.id: 5\n  \
             remedy: correct the rule, or the example\n\n\
             1 of 1 examples of 1 rules are not met\n"
        );
        let (verdict, text) = rules(&["check", path]);
        assert_eq!(verdict, Verdict::Problems);
        assert!(text.contains("`target.id` is `5`, not `6`"), "{text}");
    }

    #[test]
    fn the_shipped_rules_alone() {
        let (verdict, text) = rules(&["test", "--rule", "token.github."]);
        assert_eq!(verdict, Verdict::Fine);
        assert_eq!(text, "ok: 12 examples of 3 rules\n");
    }
}
