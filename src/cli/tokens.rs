//! `countersign tokens`: who may read the log over HTTP.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use chrono::{DateTime, SecondsFormat};
use clap::ValueEnum;

use super::place::LedgerArgs;
use super::scopes;
use super::screen::{cell, table};
use crate::access::{Access, Grant, GrantError, Kept, NewToken, Role};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::index::View;
use crate::query;

/// Make, list and revoke the tokens with which the log is read over HTTP
///
/// Changes hold at once, also while the proxy runs, which puts them on record; if none runs, the next
/// one does. Whoever may write to the ledger's directory may make tokens.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign tokens create --name ada --role owner
  countersign tokens create --name ci --role viewer --scope pool=blue --expires 30d
  countersign tokens revoke bootstrap")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token and print it, once
    Create(CreateArgs),
    /// Show the tokens that there are and were, without the tokens themselves
    List(ListArgs),
    /// End a token at once
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    #[command(flatten)]
    data: DataArgs,
    /// By what people know it
    #[arg(long)]
    name: String,
    /// owner (everything), admin (its scopes: read and export) or viewer (its scopes: read)
    #[arg(long, value_enum)]
    role: RoleArg,
    /// Only events of this scope, such as pool=blue; of one name any of the values, of several
    /// names all
    #[arg(long, value_name = "NAME=VALUE")]
    scope: Vec<String>,
    /// Every event, for an admin or viewer
    #[arg(long, conflicts_with = "scope")]
    all_scopes: bool,
    /// When it ends to hold: a span such as 12h or 30d, a time (RFC 3339), or never
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: String,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The token's name or id
    token: String,
}

#[derive(Debug, clap::Args)]
struct DataArgs {
    /// The directory of the ledger
    #[arg(long = "data", value_name = "DIR", default_value = "countersign-data")]
    dir: PathBuf,
    /// The configuration of the proxy, which says where its directory is
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    Owner,
    Admin,
    Viewer,
}

/// Runs the subcommand. A new token alone goes to `out`, what is said about it to standard error.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = SystemClock.now();
    match &args.what {
        What::Create(args) => {
            let new = wanted(args, now)?;
            let token = open(&args.data)?.create(&new, now)?;
            writeln!(out, "{}", token.reveal())?;
            eprintln!("this is the only time that the token can be read; it is sent as");
            eprintln!("  Authorization: Bearer TOKEN");
        }
        What::List(args) => list(&open(&args.data)?.list()?, now, out)?,
        What::Revoke(args) => {
            if !open(&args.data)?.revoke(&args.token, now)? {
                bail!("no token in force has the name or id `{}`", cell(&args.token));
            }
            writeln!(out, "revoked")?;
        }
    }
    Ok(())
}

fn open(args: &DataArgs) -> anyhow::Result<Access> {
    let at = LedgerArgs { config: args.config.clone(), ..LedgerArgs::default() };
    let dir = at.locate(&args.dir)?.dir;
    if !dir.is_dir() {
        bail!(
            "there is no directory `{}`: name the ledger's directory with --data, or the configuration with \
             --config, or start `countersign run` first",
            dir.display()
        );
    }
    Ok(Access::open(&dir)?)
}

fn wanted(args: &CreateArgs, now: Timestamp) -> anyhow::Result<NewToken> {
    let role = match args.role {
        RoleArg::Owner => Role::Owner,
        RoleArg::Admin => Role::Admin,
        RoleArg::Viewer => Role::Viewer,
    };
    let scopes = scopes::parse(&args.scope)?;
    let grant = match args.all_scopes {
        true => Grant::everything(role),
        false => match Grant::within(role, scopes) {
            Err(GrantError::NoScopes) => {
                bail!("with `--role {role}`, give `--scope NAME=VALUE` or `--all-scopes`")
            }
            grant => grant?,
        },
    };
    Ok(NewToken { name: args.name.clone(), grant, expires: expiry(&args.expires, now)? })
}

fn expiry(text: &str, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    if text == "never" {
        return Ok(None);
    }
    let time = match query::span(text) {
        Some(span) => now.checked_add_signed(span),
        None => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    match time {
        Some(time) if time > now => Ok(Some(time)),
        Some(_) => bail!("`--expires {text}` has passed already"),
        None => bail!(
            "`--expires {text}` is no time: write a span such as 12h or 30d, a time such as \
             2027-01-01T00:00:00Z, or never"
        ),
    }
}

fn list(tokens: &[Kept], now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    if tokens.is_empty() {
        writeln!(out, "no tokens")?;
        return Ok(());
    }
    let head = ["NAME", "ROLE", "SCOPES", "STATE", "CREATED", "EXPIRES", "ID"];
    let rows = tokens.iter().map(|token| cells(token, now));
    writeln!(out, "{}", table(head, rows))?;
    Ok(())
}

fn cells(token: &Kept, now: Timestamp) -> [String; 7] {
    let time = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let state = match token.revoked {
        Some(revoked) => format!("revoked {}", time(revoked)),
        None if token.holds(now) => "in force".to_owned(),
        None => "expired".to_owned(),
    };
    [
        cell(&token.name),
        token.grant.role().to_string(),
        cell(&scopes_of(token.grant.view())),
        state,
        time(token.created),
        token.expires.map_or_else(|| "never".to_owned(), time),
        cell(&token.id),
    ]
}

fn scopes_of(view: &View) -> String {
    let View::Scopes(scopes) = view else { return "all".to_owned() };
    let each = scopes
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_token_ends() {
        let now: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        let rows = [
            ("never", Some(None)),
            ("12h", Some(Some("2026-07-01T12:00:00Z"))),
            ("30d", Some(Some("2026-07-31T00:00:00Z"))),
            ("2027-01-01T00:00:00Z", Some(Some("2027-01-01T00:00:00Z"))),
            ("2020-01-01T00:00:00Z", None),
            ("0s", None),
            ("soon", None),
            ("99999999999999d", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let expected = expected.map(|time| time.map(|time| time.parse::<Timestamp>().unwrap()));
            assert_eq!(expiry(text, now).ok(), expected, "{text}");
        }
    }

    #[test]
    fn tokens_are_made_listed_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let say = |line: &[&str]| {
            #[derive(clap::Parser)]
            struct Line {
                #[command(flatten)]
                args: Args,
            }
            let data = dir.path().to_str().unwrap();
            let data = ["--data", data];
            let line = ["tokens"].iter().chain(line).chain(&data).copied();
            let line = <Line as clap::Parser>::try_parse_from(line).map_err(|e| e.to_string())?;
            let mut out = Vec::new();
            run(&line.args, &mut out).map_err(|error| format!("{error:#}"))?;
            Ok::<_, String>(String::from_utf8(out).unwrap())
        };
        let token = say(&["create", "--name", "a", "--role", "owner"]).unwrap();
        assert!(token.starts_with("countersign_"), "{token}");
        let scoped = ["create", "--name", "b", "--role", "viewer", "--scope", "pool=blue"];
        say(&scoped).unwrap();
        for (refused, why) in [
            (&["create", "--name", "c", "--role", "viewer"][..], "--all-scopes"),
            (&["create", "--name", "a", "--role", "owner"], "another name"),
            (&["create", "--name", "c", "--role", "admin", "--scope", "blue"], "NAME=VALUE"),
            (&["create", "--name", "c", "--role", "owner", "--scope", "a=b"], "owner sees"),
            (
                &["create", "--name", "c", "--role", "owner", "--all-scopes", "--scope", "a=b"],
                "cannot",
            ),
            (&["create", "--name", "c", "--role", "viewer", "--scope", "POOL=a"], "lower-case"),
            (&["create", "--name", "c", "--role", "king"], "king"),
            (&["revoke", "c"], "no token"),
        ] {
            let error = say(refused).unwrap_err();
            assert!(error.contains(why), "{refused:?}: {error}");
        }
        say(&["revoke", "a"]).unwrap();
        let listed = say(&["list"]).unwrap();
        assert!(!listed.contains(token.trim()), "{listed}");
        for part in ["a     owner", "all        revoked", "b     viewer  pool=blue  in force"] {
            assert!(listed.contains(part), "{part}: {listed}");
        }
    }
}
