//! Who says, beside tokens, who somebody is, and what they may do.

use std::env;
use std::fs;
use std::time::Duration;

use http::HeaderName;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::Checker;
use super::values::Pem;
use crate::access::{Grant, GroupGrant, Role};
use crate::config::checked::{Oidc, TrustedHeader};
use crate::config::file::{GrantFile, OidcFile, OneOrMany, RoleFile, TrustedHeaderFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::identify::{Endpoint, Secret};

/// More grants than this are a mistake.
const GRANTS: usize = 1000;
/// The longest secret, issuer, label or name, in bytes.
const TEXT_MAX: usize = 1024;

/// Fields that mean something else, and that clients send.
const NO_USERS: [&str; 7] =
    ["authorization", "cookie", "host", "origin", "user-agent", "accept", "x-forwarded-for"];

impl Checker<'_> {
    pub(super) fn trusted_header(
        &mut self,
        setting: &Setting<TrustedHeaderFile>,
    ) -> Option<TrustedHeader> {
        let (file, outer) = setting.given()?;
        let user = self.required_text("user", &file.user, outer, "`X-Forwarded-User`");
        let user = user.and_then(|(text, place)| self.field("user", text, place));
        let groups = file.groups.given();
        let groups = groups.and_then(|(text, place)| self.field("groups", text, place));
        let given = file.peers.given();
        if file.peers.is_unset() || given.is_some_and(|(peers, _)| peers.as_slice().is_empty()) {
            self.problem(
                given.map_or(outer, |(_, place)| place),
                "`peers` is missing or empty: nobody could be believed who they are",
                "name the address of the proxy in front, such as `127.0.0.1`",
            );
        }
        let peers = self.trusted_proxies(&file.peers);
        let secret = self.proxy_secret(file);
        let grants = self.grants(&file.grants, outer);
        Some(TrustedHeader { user: user?, groups, peers, secret, grants })
    }

    fn proxy_secret(&mut self, file: &TrustedHeaderFile) -> Option<(HeaderName, Secret)> {
        let place = file.secret_file.place_or(file.secret_env.place_or(Place::WHOLE));
        let secret = self.secret("secret", &file.secret_file, &file.secret_env);
        let field = file.secret_header.given();
        let is_given = !file.secret_file.is_unset() || !file.secret_env.is_unset();
        if field.is_some() != is_given {
            self.problem(
                file.secret_header.place_or(place),
                "of `secret_header` and the secret only one is given",
                "give both, `secret_header` and `secret_file` or `secret_env`, or none",
            );
        }
        let (text, place) = field?;
        Some((self.field("secret_header", text, place)?, secret?))
    }

    pub(super) fn oidc(&mut self, setting: &Setting<OidcFile>) -> Option<Oidc> {
        let (file, outer) = setting.given()?;
        let issuer = self.required_text("issuer", &file.issuer, outer, "`https://id.example.com`");
        let issuer = issuer.and_then(|(text, place)| self.issuer(text, place));
        let client_id = self.required_text("client_id", &file.client_id, outer, "`countersign`");
        let client_secret =
            self.secret("client_secret", &file.client_secret_file, &file.client_secret_env);
        let scopes = match file.scopes.value() {
            Some(scopes) => self.asked_for(scopes),
            None => vec!["profile".to_owned(), "email".to_owned()],
        };
        let grants = self.grants(&file.grants, outer);
        let authorities = self.authorities(&file.ca);
        let second = Duration::from_secs(1);
        let timeout = self.duration("timeout", &file.timeout, 5 * second, second..=60 * second);
        let (issuer, endpoint) = issuer?;
        let label = file.label.value().cloned().unwrap_or(endpoint.host);
        Some(Oidc {
            issuer,
            client_id: client_id?.0.to_owned(),
            client_secret,
            label: label.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect(),
            scopes,
            claim: file.claim.value().map_or("groups", String::as_str).to_owned(),
            grants,
            authorities,
            timeout,
        })
    }

    pub(super) fn required_text<'s>(
        &mut self,
        name: &str,
        setting: &'s Setting<String>,
        outer: Place,
        example: &str,
    ) -> Option<(&'s str, Place)> {
        if setting.is_unset() {
            self.problem(
                outer,
                format!("`{name}` is missing"),
                format!("add it, such as {example}"),
            );
        }
        let (text, place) = setting.given()?;
        if (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Some((text, place));
        }
        self.problem(
            place,
            format!("`{name}` is empty, too long, or has control characters"),
            format!("write it such as {example}"),
        );
        None
    }

    fn field(&mut self, name: &str, text: &str, place: Place) -> Option<HeaderName> {
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(field) if !NO_USERS.contains(&field.as_str()) => Some(field),
            _ => {
                self.problem(
                    place,
                    format!("`{name}` cannot be `{text}`"),
                    "name a header field that only the proxy sets, such as `X-Forwarded-User`",
                );
                None
            }
        }
    }

    fn issuer(&mut self, text: &str, place: Place) -> Option<(String, Endpoint)> {
        let remedy = "write it as in the provider's discovery document: `https://id.example.com`";
        match Endpoint::parse(text) {
            Some(endpoint) if !text.contains('?') && (endpoint.tls || endpoint.is_here()) => {
                Some((text.to_owned(), endpoint))
            }
            Some(endpoint) if !endpoint.tls => {
                let message = format!("the issuer `{text}` is not protected by TLS");
                self.problem(place, message, "use `https`");
                None
            }
            // What stands before an `@` may be a password.
            _ => {
                self.problem(place, "`issuer` is no URL of a provider", remedy);
                None
            }
        }
    }

    /// A secret, from the one of both places that is given.
    pub(super) fn secret(
        &mut self,
        name: &str,
        in_file: &Setting<String>,
        in_environment: &Setting<String>,
    ) -> Option<Secret> {
        let remedy = "give the secret in one of both places, as one line";
        let (text, place) = match (in_file.given(), in_environment.given()) {
            (Some(_), Some((_, place))) => {
                let message = format!("both `{name}_file` and `{name}_env` are given");
                self.problem(place, message, remedy);
                return None;
            }
            (Some((file, place)), None) => match fs::read_to_string(self.readable(file)) {
                Ok(text) => (text.trim_end_matches(['\r', '\n']).to_owned(), place),
                Err(error) => {
                    let message = format!("`{name}_file` cannot be read: `{file}`: {error}");
                    let remedy = "name a file that this user may read; it is relative to the \
                                  configuration file";
                    self.problem(place, message, remedy);
                    return None;
                }
            },
            (None, Some((variable, place))) => match env::var(variable) {
                Ok(text) => (text, place),
                Err(_) => {
                    let message = format!("the environment variable `{variable}` is not set");
                    self.problem(place, message, format!("set it, or use `{name}_file`"));
                    return None;
                }
            },
            (None, None) => return None,
        };
        if (1..=TEXT_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Some(Secret::new(text));
        }
        self.problem(place, "the secret is empty, too long, or more than a line", remedy);
        None
    }

    fn asked_for(&mut self, scopes: &OneOrMany) -> Vec<String> {
        let mut asked = Vec::new();
        for (scope, place) in scopes.as_slice().iter().filter_map(Setting::given) {
            let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
            if scope.is_empty() || scope.len() > TEXT_MAX || !scope.bytes().all(fits) {
                let message = format!("`{scope}` is no scope that a provider knows");
                self.problem(place, message, "write names such as `profile`, `email`, `groups`");
            } else if scope != "openid" {
                asked.push(scope.clone());
            }
        }
        asked
    }

    fn authorities(&mut self, setting: &Setting<String>) -> Vec<Vec<u8>> {
        let Some(file) = self.pem("ca", setting, Pem::Certificates) else { return Vec::new() };
        let certificates = CertificateDer::pem_file_iter(file).into_iter().flatten();
        certificates.filter_map(|one| one.ok().map(|one| one.to_vec())).collect()
    }

    fn grants(
        &mut self,
        setting: &Setting<Vec<Setting<GrantFile>>>,
        outer: Place,
    ) -> Vec<GroupGrant> {
        let (files, place) = setting.given().map_or((&[][..], outer), |(all, at)| (&**all, at));
        if files.is_empty() && (setting.is_unset() || setting.given().is_some()) {
            self.problem(
                place,
                "`grants` is missing or empty: nobody could get in",
                "say what a group may do: `grants: [{ group: auditors, role: viewer, all_scopes: \
                 true }]`",
            );
        }
        let files = self.at_most(GRANTS, "grants", files, place);
        files.iter().filter_map(|file| self.group_grant(file)).collect()
    }

    fn group_grant(&mut self, setting: &Setting<GrantFile>) -> Option<GroupGrant> {
        let (file, outer) = setting.given()?;
        let group = self.required_text("group", &file.group, outer, "`auditors`");
        if file.role.is_unset() {
            self.problem(outer, "`role` is missing", "write one of `owner`, `admin`, `viewer`");
        }
        let role = match file.role.value()? {
            RoleFile::Owner => Role::Owner,
            RoleFile::Admin => Role::Admin,
            RoleFile::Viewer => Role::Viewer,
        };
        let mut scopes = Vec::new();
        let written = file.scopes.value().map_or(&[][..], OneOrMany::as_slice);
        for (scope, place) in written.iter().filter_map(Setting::given) {
            match scope.split_once('=') {
                Some((name, value)) => scopes.push((name.to_owned(), value.to_owned())),
                None => {
                    let message = format!("`{scope}` is no scope");
                    self.problem(place, message, "write `NAME=VALUE`, such as `pool=blue`");
                    return None;
                }
            }
        }
        let grant = match file.all_scopes.value() {
            Some(true) if scopes.is_empty() => Ok(Grant::everything(role)),
            Some(true) => Err(crate::access::GrantError::SomeAndAll),
            _ => Grant::within(role, scopes),
        };
        match grant {
            Ok(grant) => Some(GroupGrant { group: group?.0.to_owned(), grant }),
            Err(error) => {
                self.problem(
                    file.scopes.place_or(outer),
                    format!("role and scopes do not go together: {error}"),
                    "give `scopes: [NAME=VALUE]` or `all_scopes: true` to an admin or a viewer",
                );
                None
            }
        }
    }
}
