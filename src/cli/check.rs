//! `countersign check`: every problem in the configuration and the rules, at once.

mod names;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::{Config, Examined, RouteKind, examine};
use crate::problem::{Problem, Problems};
use crate::retain::{Given, Policy};
use crate::rules::Pack;

/// Where the configuration is looked for when it is not named.
pub(super) const DEFAULT_CONFIG: &str = "config/countersign.yaml";

/// Report every problem in the configuration and the rules, before they are used
///
/// Each problem is shown with file, line, column and what to do about it. The examples in the rules
/// are tried. Host names of upstreams that do not resolve here are warnings. Nothing is started and
/// nothing is written. Exit codes: 0 all is well, 1 there are problems, 2 nothing to check.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// The configuration file [default: config/countersign.yaml if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the rule files of this directory, instead of the one that the configuration names
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// How a check ended; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// No problem.
    Fine = 0,
    /// At least one problem.
    Problems = 1,
    /// There was nothing to check.
    Nothing = 2,
}

/// Checks rules: the operator's directory, if there is one, and whether the shipped ones are in
/// force.
pub type CheckRules<'a> = &'a dyn Fn(Option<&Path>, &[Pack]) -> Result<Sound, Problems>;

/// What was found out about rules in which nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sound {
    /// In a few words, what was found in order.
    pub text: String,
    /// What they give to events.
    pub given: Given,
}

/// Runs the check and writes what it found to `out`.
pub fn run(args: &Args, check_rules: CheckRules<'_>, out: &mut dyn Write) -> io::Result<Verdict> {
    let config_file = args.config.clone().or_else(|| {
        let default = Path::new(DEFAULT_CONFIG);
        default.exists().then(|| default.to_owned())
    });
    if config_file.is_none() && args.rules.is_none() {
        writeln!(
            out,
            "there is nothing to check: `{DEFAULT_CONFIG}` does not exist\n  remedy: name a file \
             with `--config FILE`, or a directory of rules with `--rules DIR`"
        )?;
        return Ok(Verdict::Nothing);
    }
    let mut problems = Vec::new();
    let mut fine = Vec::new();
    // The rules are checked whatever is wrong with the rest, as far as it is known which.
    let understood = match config_file.as_deref().map(examine) {
        Some(Examined::Fine(config)) => {
            fine.push(summary(&config));
            Some(config)
        }
        Some(Examined::Wrong { problems: found, understood }) => {
            problems.extend(found.0);
            understood
        }
        None => None,
    };
    let warnings = understood.as_ref().map(|config| names::unresolved(&config.upstreams));
    for warning in warnings.iter().flatten() {
        writeln!(out, "warning: {warning}")?;
    }
    for name in understood.iter().flat_map(Config::insecure) {
        writeln!(
            out,
            "warning: upstream `{name}`: `insecure` accepts any certificate, whatever `ca` says; for tests only"
        )?;
    }
    let (dir, packs, policy) = match understood {
        Some(config) => (config.rules_dir, config.packs, config.retention),
        None => (None, Pack::DEFAULT.to_vec(), Policy::default()),
    };
    // A directory of the configuration that does not exist was reported with it.
    let dir = args.rules.clone().or_else(|| dir.filter(|dir| dir.is_dir()));
    let mut hints = Vec::new();
    match check_rules(dir.as_deref(), &packs) {
        Ok(Sound { text, given }) => {
            fine.push(text);
            let doubts = policy.doubts(&given);
            problems.extend(doubts.mistakes);
            hints = doubts.hints;
        }
        Err(found) => problems.extend(found.0),
    }
    if problems.is_empty() {
        writeln!(out, "ok: {}", fine.join(", "))?;
        for Problem { file, line, message, remedy, .. } in &hints {
            writeln!(out, "hint: {}:{line}: {message}; {remedy}", file.display())?;
        }
        return Ok(Verdict::Fine);
    }
    writeln!(out, "{}", Problems(problems))?;
    Ok(Verdict::Problems)
}

fn summary(config: &Config) -> String {
    let counts = [
        (config.listeners.len(), "listener"),
        (config.upstreams.len(), "upstream"),
        (config.routes.len(), "route"),
    ];
    let texts = counts.map(|(n, noun)| format!("{n} {noun}{}", if n == 1 { "" } else { "s" }));
    let generation = config.routes.iter().find(|route| route.generation);
    let told = generation.map(|route| {
        let what = match route.kind {
            RouteKind::Admin => "audited",
            RouteKind::Gateway => "gateway traffic, of which rejections are recorded",
            RouteKind::Bypass => "not recorded",
        };
        format!(" (`{}`: where models generate is {what})", route.name)
    });
    texts.join(", ") + &told.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: Option<&Path>, rules: Option<&str>, rules_fine: bool) -> (Verdict, String) {
        let args = Args { config: config.map(Path::to_owned), rules: rules.map(PathBuf::from) };
        let check_rules = |dir: Option<&Path>, packs: &[Pack]| {
            let seen = format!("rules: dir {dir:?}, packs {packs:?}");
            let problem = Problem {
                file: "rules.yaml".into(),
                line: 1,
                column: 2,
                message: seen.clone(),
                remedy: "none".to_owned(),
            };
            let (categories, scopes) = (["securitys".to_owned()], ["region".to_owned()]);
            let given = Given { categories: categories.into(), scopes: scopes.into() };
            let sound = Sound { text: seen, given };
            if rules_fine { Ok(sound) } else { Err(Problems(vec![problem])) }
        };
        let mut out = Vec::new();
        let verdict = run(&args, &check_rules, &mut out).unwrap();
        (verdict, String::from_utf8(out).unwrap())
    }

    fn write(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_category_that_is_nearly_one_of_those_that_there_are_is_a_mistake() {
        for (category, meant) in [
            ("securty", Some("security")),
            ("Security", Some("security")),
            ("members", Some("member")),
            ("security", None),
            ("orders", None),
            // A rule gives it to events.
            ("securitys", None),
        ] {
            let file = write(&format!(
                "upstreams: {{admin: http://127.0.0.1:9000}}\nretention:\n  days: 30\n  archive: none\n  \
                 categories:\n    {category}: forever\n"
            ));
            let (verdict, text) = check(Some(file.path()), None, true);
            let expected = meant.map_or(Verdict::Fine, |_| Verdict::Problems);
            assert_eq!(verdict, expected, "{category}: {text}");
            if let Some(meant) = meant {
                assert!(text.contains(&format!("did you mean `{meant}`?")), "{text}");
                assert!(text.contains(":6:"), "{text}");
            }
        }
    }

    #[test]
    fn a_scope_that_nothing_gives_is_a_mistake_where_it_is_nearly_one_and_else_worth_a_hint() {
        let rows = [
            ("scope.poool=blue", "", Verdict::Problems, "did you mean `pool`?"),
            ("scope.regoin=eu", "", Verdict::Problems, "did you mean `region`?"),
            ("scope.warehouse=7", "", Verdict::Fine, "hint: "),
            ("scope.pool=blue", "", Verdict::Fine, "ok: "),
            ("scope.region=eu", "", Verdict::Fine, "ok: "),
            ("scope.pool=blue", "user: 40", Verdict::Fine, "have the category `member`"),
            ("scope.pool=blue", "order: 40", Verdict::Fine, "ok: "),
        ];
        for (filter, category, expected, said) in rows {
            let file = write(&format!(
                "upstreams: {{admin: http://127.0.0.1:9000}}\nretention:\n  days: 30\n  archive: none\n  \
                 categories: {{{category}}}\n  holds: [{{name: h, filter: '{filter}', reason: r}}]\n"
            ));
            let (verdict, text) = check(Some(file.path()), None, true);
            assert_eq!(verdict, expected, "{filter}: {text}");
            assert!(text.contains(said), "{filter}: {text}");
            let is_hinted = said != "ok: " && expected == Verdict::Fine;
            assert_eq!(text.contains("hint: "), is_hinted, "{filter}: {text}");
        }
    }

    #[test]
    fn fine() {
        let file = write("upstreams: {admin: http://127.0.0.1:9000}\n");
        let (verdict, text) = check(Some(file.path()), None, true);
        assert_eq!(verdict, Verdict::Fine);
        let expected = "ok: 1 listener, 1 upstream, 2 routes (`generation`: where models generate is \
                        gateway traffic, of which rejections are recorded), rules: dir None, packs \
                        [Credentials, Tokens, Texts, Prompts, Gateway]\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn problems_of_configuration_and_rules_together() {
        let file = write("upstreams: {admin: 127.0.0.1:9000}\nrules: {packs: [], dir: no}\n");
        let (verdict, text) = check(Some(file.path()), None, false);
        assert_eq!(verdict, Verdict::Problems);
        assert!(text.contains(":1:20: `127.0.0.1:9000` is no URL of an upstream"), "{text}");
        assert!(text.contains("rules.yaml:1:2: rules: dir None, packs []"), "{text}");
        assert!(text.ends_with("3 problems\n"), "{text}");
    }

    #[test]
    fn to_accept_any_certificate_is_told() {
        let tls = "tls: {insecure: true}";
        let file =
            write(&format!("upstreams: {{admin: {{addresses: [\"127.0.0.1:9000\"], {tls}}}}}\n"));
        let (verdict, text) = check(Some(file.path()), None, true);
        assert_eq!(verdict, Verdict::Fine);
        assert!(text.starts_with("warning: upstream `admin`: `insecure` accepts any"), "{text}");
    }

    #[test]
    fn a_name_that_does_not_resolve_is_a_warning() {
        let file = write("upstreams: {admin: \"http://no.such.host.invalid:9000\"}\n");
        let (verdict, text) = check(Some(file.path()), None, true);
        assert_eq!(verdict, Verdict::Fine);
        let warning = "warning: upstream `admin`: `no.such.host.invalid:9000` does not resolve: ";
        assert!(text.starts_with(warning) && text.contains("\nok: "), "{text}");
    }

    #[test]
    fn default_file_of_the_repository() {
        let (verdict, text) = check(None, Some("elsewhere"), true);
        assert_eq!(verdict, Verdict::Fine);
        assert!(text.contains("dir Some(\"elsewhere\")"), "{text}");
    }

    #[test]
    fn file_that_does_not_exist() {
        let (verdict, text) = check(Some(Path::new("no/such.yaml")), None, true);
        assert_eq!(verdict, Verdict::Problems);
        assert!(text.starts_with("no/such.yaml: cannot be read: "), "{text}");
    }
}
