//! `--scope NAME=VALUE`, as it is given where somebody is let in.

use anyhow::{bail, ensure};

use super::screen::cell;
use crate::query::is_scope_name;

/// The names and values, in their order.
pub(super) fn parse(given: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    given.iter().map(|scope| one(scope)).collect()
}

fn one(scope: &str) -> anyhow::Result<(String, String)> {
    let shown = cell(scope);
    let Some((name, value)) = scope.split_once('=').filter(|(_, value)| !value.is_empty()) else {
        bail!("`--scope {shown}` must have the form NAME=VALUE, such as pool=blue");
    };
    ensure!(
        is_scope_name(name),
        "`--scope {shown}`: no event has a scope of that name, which has lower-case letters, digits and \
         underscores"
    );
    Ok((name.to_owned(), value.to_owned()))
}
