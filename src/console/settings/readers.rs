//! Who may read the log, and how they get in; never a secret.

use std::sync::Arc;

use super::{Group, group, none, span};
use crate::access::{EVERYBODY, Grant, GroupGrant};
use crate::api::Log;
use crate::config::{Oidc, Reading, TrustedHeader};
use crate::console::moment::Moment;
use crate::console::shown::Shown;
use crate::index::View;

/// A token in force.
pub(super) struct TokenView {
    pub(super) name: Shown,
    pub(super) role: &'static str,
    pub(super) sees: Shown,
    pub(super) made: Moment,
    /// When it ends, if ever.
    pub(super) ends: Option<Moment>,
}

/// The tokens in force; none where they cannot be read.
pub(super) async fn tokens(log: &Arc<Log>) -> Option<Vec<TokenView>> {
    let now = log.clock.now();
    let moment = |time: crate::clock::Timestamp| Moment::of_ms(time.timestamp_millis(), now);
    let tokens = log.tokens().await.ok()?.into_iter().map(|token| TokenView {
        name: Shown::line(&token.name),
        role: token.grant.role().as_str(),
        sees: Shown::line(&sees(&token.grant)),
        made: moment(token.created),
        ends: token.expires.map(moment),
    });
    Some(tokens.collect())
}

/// How readers get in beside tokens, and what they may do then.
pub(super) fn groups(reading: &Reading) -> Vec<Group> {
    let public = reading.public_url.as_ref().map(|public| {
        let scheme = if public.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", public.authority, public.prefix)
    });
    let own = group(
        "Reading",
        vec![
            ("Address", reading.address.to_string()),
            ("Public address", public.unwrap_or_default()),
            ("Sessions unused", span(reading.sessions.idle)),
            ("Sessions at most", span(reading.sessions.total)),
            ("Identity provider", none(reading.oidc.iter().map(|it| it.label.clone()).collect())),
            (
                "Trusted header",
                none(reading.trusted_header.iter().map(|it| it.user.to_string()).collect()),
            ),
        ],
    );
    let oidc = reading.oidc.as_ref().map(provider);
    let header = reading.trusted_header.as_ref().map(proxy);
    [Some(own), oidc, header].into_iter().flatten().collect()
}

fn provider(oidc: &Oidc) -> Group {
    let secret = if oidc.client_secret.is_some() { "has one" } else { "none: a public client" };
    let mut facts = vec![
        ("Issuer", oidc.issuer.clone()),
        ("Client", oidc.client_id.clone()),
        ("Client's secret", secret.to_owned()),
        ("Asked for", oidc.scopes.join(", ")),
        ("Groups in", oidc.claim.clone()),
        ("Answers within", span(oidc.timeout)),
    ];
    facts.extend(grants(&oidc.grants));
    group(&format!("Identity provider {}", oidc.label), facts)
}

fn proxy(header: &TrustedHeader) -> Group {
    let peers: Vec<String> = header.peers.iter().map(ToString::to_string).collect();
    let groups = header.groups.as_ref().map(ToString::to_string);
    let secret = header.secret.as_ref().map(|(field, _)| format!("must be in {field}"));
    let mut facts = vec![
        ("User in", header.user.to_string()),
        ("Groups in", groups.unwrap_or_else(|| "nothing: everybody is in * alone".to_owned())),
        ("Believed from", peers.join(", ")),
        ("Secret", none(secret.unwrap_or_default())),
    ];
    facts.extend(grants(&header.grants));
    group("Trusted header", facts)
}

/// What groups may do, in the order in which they count.
fn grants(grants: &[GroupGrant]) -> impl Iterator<Item = (&'static str, String)> {
    grants.iter().enumerate().map(|(place, GroupGrant { group, grant })| {
        let whose = match group.as_str() {
            EVERYBODY => "everybody".to_owned(),
            group => format!("group “{group}”"),
        };
        let name = if place == 0 { "The first that fits" } else { "Else" };
        (name, format!("{whose}: {}, {}", grant.role(), sees(grant)))
    })
}

fn sees(grant: &Grant) -> String {
    let scopes = match grant.view() {
        View::Everything => return "every event".to_owned(),
        View::Scopes(scopes) => scopes.iter(),
    };
    let scopes = scopes.map(|(name, values)| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        format!("{name}={}", values.join(" or "))
    });
    format!("events with {}", scopes.collect::<Vec<_>>().join(" and "))
}
