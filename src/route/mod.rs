//! Which route a request takes, and whether it is provably harmless.
//!
//! Owns matching by host, path and method. Does not know the configuration's files, stores, or the
//! proxy; the upstream gets the client's bytes, whatever was matched here.
//!
//! An application may understand a path in more than one way: percent-decoded once, twice or not at
//! all, with `..` resolved before or after, with or without `;parameters`. Nobody here knows
//! which. So a path is matched by all of its plausible [`Readings`]:
//!
//! - a route that audits takes a request if *any* reading lies under its paths;
//! - a route that audits less (bypass, gateway, level `none`) takes it only if *all* do.
//!
//! The same holds for methods: a signal that overrides the method may mean any method, so it
//! fulfils the methods of a route that audits and never those of one that audits less. Hence
//! whatever a client does to its request can only lead to more auditing.
//!
//! A route may be for well-known endpoints of models only (`generation`), with the same caution; where
//! a path alone could be anybody's, the body has to say so as well.
//!
//! And for paths: where a field names another one (`X-Original-URL`), or takes something off it
//! (`SCRIPT_NAME`), any path is plausible. And for hosts: those that fields name (`X-Forwarded-Host`) are
//! plausible besides the request's own ([`Elsewhere`]).
//!
//! Known limit: a body is not read for this, so `_method` in a form does not choose between
//! routes. Restrict routes that audit less by path rather than by method.

mod elsewhere;
mod generation;
mod host;
mod percent;
mod readings;
mod safety;
mod table;
#[cfg(test)]
mod tests;

pub use elsewhere::{Asked, Elsewhere, NOWHERE, is_path_header, other_paths};
pub use generation::{Call, Shape, is_model};
pub(crate) use host::{host_matches, normal_host};
pub use percent::percent_decode;
pub use readings::Readings;
pub use safety::{
    Safety, has_override_parameter, is_override_header, is_override_parameter, safety,
};
pub use table::{ByBody, Pattern, RouteTable};
