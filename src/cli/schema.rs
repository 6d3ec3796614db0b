//! `countersign schema`: the JSON Schema of what operators write.

use std::io::{self, Write};

use schemars::Schema;

use crate::config;

/// Print the JSON Schema of the configuration or of rule files
///
/// Editors complete and check with it: save it with
/// `countersign schema config > countersign.schema.json`, and begin the configuration with
/// `# yaml-language-server: $schema=countersign.schema.json`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the schema is for
    #[arg(value_enum)]
    pub what: What,
}

/// What there is a schema for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// The configuration file
    Config,
    /// Rule files
    Rules,
}

/// Writes the schema to `out`, ending in a line feed.
pub fn run(args: &Args, rules: fn() -> Schema, out: &mut dyn Write) -> io::Result<()> {
    let schema = match args.what {
        What::Config => config::schema(),
        What::Rules => rules(),
    };
    serde_json::to_writer_pretty(&mut *out, &schema)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_schema_that_was_asked_for() {
        let titles = [(What::Config, "countersign configuration"), (What::Rules, "rules")];
        for (what, title) in titles {
            let mut out = Vec::new();
            let rules = || schemars::json_schema!({ "title": "rules" });
            run(&Args { what }, rules, &mut out).unwrap();
            let schema: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(schema["title"], title);
            assert_eq!(out.last(), Some(&b'\n'));
        }
    }
}
