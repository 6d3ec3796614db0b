//! What was asked, and by whom: nothing is found without both.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;

use super::fresh::Fresh;
use super::log::Log;
use super::origin::Origin;
use super::problem::Problem;
use super::shown::Used;
use super::views::What;
use crate::access::Reader;
use crate::clock::Timestamp;
use crate::index::{Index, Search};
use crate::query::{self, FilterError, Use};

/// Parameters of one question.
const PARAMETERS: usize = 256;
/// Events of one page.
const PAGE: u32 = 1_000;
/// Characters of a name that is not known, in a warning.
const NAME_SHOWN: usize = 64;

/// Somebody who may read. Handlers cannot come by one but through authentication.
pub(crate) struct Who(pub(crate) Reader);

impl FromRequestParts<Arc<Log>> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, log: &Arc<Log>) -> Result<Self, Problem> {
        let from = Origin::of(&parts.extensions);
        let used = Used::by(&parts.headers, parts.uri.path());
        let reader = log.authenticate(&parts.headers, used, &from).await?;
        log.viewed(&reader, What::at(parts.uri.path()), &from);
        Ok(Self(reader))
    }
}

/// Which parameters a question may have beside filters, and what becomes of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// Those of this question alone.
    pub(crate) own: &'static [&'static str],
    /// `limit`, `offset` and `cursor`.
    pub(crate) page: bool,
    /// What is not known is an error: the answer must not be wider than what was asked for.
    pub(crate) strict: bool,
}

/// A question.
pub(crate) struct Asked {
    pub(crate) search: Search,
    /// The question's own parameters.
    own: Vec<(String, String)>,
    /// Those that say which events are meant, as they were given.
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
}

impl Asked {
    /// Understands the parameters for `who`, who sees what there is to see for them, and no more.
    pub(crate) fn of(
        uri: &Uri,
        who: &Who,
        allowed: Allowed,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let Query(parameters) =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
                Problem::parameters("the query is no list of NAME=VALUE", "encode it as a form is")
            })?;
        if parameters.len() > PARAMETERS {
            return Err(Problem::parameters("there are more than 256 parameters", "use fewer"));
        }
        let (mut own, mut asked, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        let mut filters = Vec::new();
        for (name, value) in parameters {
            match query::use_of(&name) {
                _ if allowed.own.contains(&name.as_str()) => own.push((name, value)),
                Some(Use::Filter) => {
                    filters.push((name.clone(), value.clone()));
                    asked.push((name, value));
                }
                Some(Use::Page) if allowed.page => asked.push((name, value)),
                Some(Use::Page) if allowed.strict => return Err(FilterError::NoPages(name).into()),
                _ if allowed.strict => return Err(FilterError::UnknownName(name).into()),
                _ => warnings.push(ignored(&name)),
            }
        }
        let pairs = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut search = query::parse(pairs, now)?;
        warnings.extend(query::doubts_at(&search, now));
        search.view = who.0.grant().view().clone();
        if search.limit > PAGE {
            search.limit = PAGE;
            warnings
                .push("`limit` is at most 1,000 here: go on with `cursor`, or export".to_owned());
        }
        Ok(Self { search, own, filters, warnings })
    }

    /// What is to be known of the answer: what of the question can find nothing, and what may be missing.
    pub(crate) async fn warned(
        &mut self,
        log: &Log,
        index: &mut Index,
        fresh: Fresh,
    ) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        log.warn_of_lag(&self.search.view, fresh, &mut warnings);
        warnings.extend(query::purged_in(index, &self.search).await);
        warnings
    }

    /// A parameter of the question's own; given twice, it is refused.
    pub(crate) fn own(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.own.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => {
                Err(Problem::parameter(name, format!("`{name}` is given twice"), "give it once"))
            }
            (value, _) => Ok(value.map(|(_, value)| value.as_str())),
        }
    }
}

fn ignored(name: &str) -> String {
    let shown: String = name.chars().take(NAME_SHOWN).collect();
    format!("`{shown}` is not a filter here, and was ignored")
}
