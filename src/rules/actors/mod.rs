//! Rules that say who acts: what is written → checked rules.

mod file;
mod read;
mod texts;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use serde_saphyr::Spanned;

pub use file::{
    ActorFile, FromFile, KeyHolderFile, KeyTableFile, KindFile, ServerFile, TextsFile,
    TokenKeysFile,
};

use self::read::Protection;
use self::texts::default_id;
use super::check::Checked;
use crate::identify::{
    ActorRule, Algorithm, Asked, Carrier, ClientCredentials, Introspection, KeySource, ProofRule,
    Secret, TokenKeys, TokenRule, is_of_http,
};
use crate::record::ActorKind;

/// The default of `leeway`.
const LEEWAY: Duration = Duration::from_secs(30);
/// The default of `keys.refresh`.
const REFRESH: Duration = Duration::from_secs(900);
/// The default of `keys.timeout`.
const KEYS_TIMEOUT: Duration = Duration::from_secs(2);
/// The default of `cache`.
const CACHE: Duration = Duration::from_secs(60);
/// The default of `timeout`.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Where something stands.
type Place = (u64, u64);

/// Where a rule that says who acts is written, and what it says.
#[derive(Debug, Clone)]
pub struct WrittenActor {
    /// Its file, as the operator named it.
    pub file: PathBuf,
    /// The line of its `from`, from 1.
    pub line: u64,
    /// What it reads.
    pub from: &'static str,
    texts: [Option<String>; 3],
}

impl WrittenActor {
    /// Its template for `id`, `name` or `email`.
    pub fn template(&self, key: &str) -> Option<&str> {
        let position = ["id", "name", "email"].iter().position(|known| *known == key)?;
        self.texts.get(position)?.as_deref()
    }
}

impl Checked {
    /// Checks one rule that says who acts.
    pub(super) fn actor(&mut self, file: &Path, written: &ActorFile) {
        let from = written.from.value;
        self.misplaced(file, written);
        let kind = written.kind.map(read::kind);
        let proof = match from {
            FromFile::Jwt => self.jwt(file, written),
            FromFile::Basic => self.first_basic(file, written),
            FromFile::Header => self
                .required(file, from, "header", written.header.as_ref())
                .and_then(|name| self.field_of_proxy(file, name))
                .map(ProofRule::Header),
            FromFile::ApiKey => {
                let carrier = self.carrier(file, written, HeaderName::from_static("x-api-key"));
                let named = self.required(file, from, "table", written.table.as_ref());
                let default = kind.unwrap_or(ActorKind::Api);
                let table = named.map(|named| self.api_keys(file, named, default));
                carrier.zip(table).map(|(carrier, table)| ProofRule::ApiKey(carrier, table))
            }
            FromFile::Mtls => Some(ProofRule::Mtls),
            FromFile::Introspect => self.introspect(file, written).map(ProofRule::Introspect),
            FromFile::SignIn => {
                let paths = self.required(file, from, "paths", written.paths.as_ref());
                let paths = paths.and_then(|paths| self.paths_of(file, paths));
                paths.map(ProofRule::SignIn)
            }
        };
        let mut template = |name, given| self.template(file, from, name, given);
        let id = template("id", written.id.as_ref());
        let name = template("name", written.name.as_ref());
        let email = template("email", written.email.as_ref());
        let Some(proof) = proof else { return };
        let rule = ActorRule { id: id.or_else(|| default_id(from)), name, email, kind, proof };
        self.normal.push(format!("actor {rule:?}"));
        self.actors.push(rule);
        let text = |given: &Option<Spanned<String>>| given.as_ref().map(|it| it.value.clone());
        let texts = [&written.id, &written.name, &written.email].map(text);
        let line = written.from.referenced.line();
        let (file, from) = (file.to_owned(), from.name());
        self.actors_written.push(WrittenActor { file, line, from, texts });
    }

    fn jwt(&mut self, file: &Path, written: &ActorFile) -> Option<ProofRule> {
        let carrier = self.carrier(file, written, AUTHORIZATION);
        let keys = self.required(file, FromFile::Jwt, "keys", written.keys.as_ref());
        let keys = keys.and_then(|keys| self.token_keys(file, keys));
        let leeway = self.time(file, "leeway", written.leeway.as_ref(), LEEWAY);
        let texts = |given: &Option<Spanned<TextsFile>>| {
            given.as_ref().map(|given| given.value.0.clone()).unwrap_or_default()
        };
        for (name, given) in [("issuer", &written.issuer), ("audience", &written.audience)] {
            self.not_empty(file, name, given.as_ref());
        }
        let (keys, symmetric) = keys?;
        let algorithms = self.algorithms(file, written.algorithms.as_ref(), symmetric);
        let rule = TokenRule {
            keys,
            algorithms,
            issuers: texts(&written.issuer),
            audiences: texts(&written.audience),
            leeway: i64::try_from(leeway.as_secs()).unwrap_or_default(),
        };
        Some(ProofRule::Jwt(carrier?, rule))
    }

    /// The keys, and whether they are a shared secret.
    fn token_keys(
        &mut self,
        file: &Path,
        written: &Spanned<TokenKeysFile>,
    ) -> Option<(TokenKeys, bool)> {
        let keys = &written.value;
        let given = [&keys.file, &keys.url, &keys.secret_file, &keys.secret_env];
        if given.iter().filter(|given| given.is_some()).count() != 1 {
            let message = "`keys` needs one source of keys".to_owned();
            self.at(
                file,
                written,
                message,
                "give one of `file`, `url`, `secret_file`, `secret_env`",
            );
            return None;
        }
        for (name, given) in
            [("ca", &keys.ca), ("refresh", &keys.refresh), ("timeout", &keys.timeout)]
        {
            if let (Some(place), None) = (given, &keys.url) {
                let message = format!("`{name}` means nothing without `url`");
                self.at(file, place, message, "remove it");
            }
        }
        if let Some(named) = &keys.file {
            return Some((TokenKeys::Here(self.key_set(file, named)?), false));
        }
        if let Some(url) = &keys.url {
            let refresh = self.time(file, "refresh", keys.refresh.as_ref(), REFRESH);
            let timeout = self.wait(file, keys.timeout.as_ref(), KEYS_TIMEOUT);
            let protection = Protection::unless(keys.insecure);
            let endpoint = self.endpoint(file, url, keys.ca.as_ref(), protection)?;
            let source = KeySource { endpoint, refresh, timeout };
            self.normal.push(format!("source {source:?}"));
            let position = self.sources.iter().position(|known| *known == source);
            let position = position.unwrap_or_else(|| {
                self.sources.push(source);
                self.sources.len() - 1
            });
            return Some((TokenKeys::Source(position), false));
        }
        let (in_file, in_environment) = (keys.secret_file.as_ref(), keys.secret_env.as_ref());
        let secret = self.shared_secret(file, in_file, in_environment)?;
        Some((TokenKeys::Here(secret), true))
    }

    /// The accepted algorithms: never those of another kind of key.
    fn algorithms(
        &mut self,
        file: &Path,
        written: Option<&Spanned<TextsFile>>,
        symmetric: bool,
    ) -> Vec<Algorithm> {
        let of_kind = |algorithm: &Algorithm| algorithm.is_symmetric() == symmetric;
        let known = || {
            Algorithm::NAMES
                .iter()
                .filter(|(_, algorithm)| of_kind(algorithm))
                .map(|(name, _)| *name)
        };
        let Some(written) = written else {
            return known().filter_map(Algorithm::named).collect();
        };
        self.not_empty(file, "algorithms", Some(written));
        let mut accepted = Vec::new();
        for name in &written.value.0 {
            match Algorithm::named(name).filter(of_kind) {
                Some(algorithm) => accepted.push(algorithm),
                None => {
                    let message = format!("`{name}` is no algorithm for these keys");
                    let known: Vec<String> = known().map(|name| format!("`{name}`")).collect();
                    self.at(file, written, message, &format!("use {}", known.join(", ")));
                }
            }
        }
        accepted
    }

    fn introspect(&mut self, file: &Path, written: &ActorFile) -> Option<Introspection> {
        let cache = self.time(file, "cache", written.cache.as_ref(), CACHE);
        let timeout = self.wait(file, written.timeout.as_ref(), TIMEOUT);
        let cookies = written.cookie.as_ref().map(|it| it.value.0.clone()).unwrap_or_default();
        let with = match &written.with {
            Some(with) => {
                self.not_empty(file, "with", Some(with));
                let names = with.value.0.iter();
                names.filter_map(|name| self.field_at(file, with, name)).collect()
            }
            None if cookies.is_empty() => vec![AUTHORIZATION, COOKIE],
            None => vec![COOKIE],
        };
        let asked = match (&written.get, &written.server) {
            (Some(path), None) => {
                if written.id.is_none() {
                    let message = "the rule does not say where the id stands".to_owned();
                    self.at(file, path, message, "add `id`, such as `\"{body:$.id}\"`");
                }
                self.path_of(file, path).map(|path| Asked::Application { path })
            }
            (None, Some(server)) => self.server(file, server).map(Asked::Server),
            _ => {
                let message = "`introspect` needs somebody to ask".to_owned();
                let remedy = "give one of `get: /path` and `server: {url: …}`";
                self.at(file, &written.from, message, remedy);
                None
            }
        };
        Some(Introspection { asked: asked?, with, cookies, cache, timeout })
    }

    fn server(
        &mut self,
        file: &Path,
        written: &Spanned<ServerFile>,
    ) -> Option<crate::identify::Endpoint> {
        let ServerFile { url, client_id, secret_file, secret_env, ca, insecure } = &written.value;
        let endpoint = self.endpoint(file, url, ca.as_ref(), Protection::unless(*insecure));
        if secret_file.is_some() == secret_env.is_some() {
            let message = "the client's secret is missing, or given twice".to_owned();
            self.at(file, url, message, "give one of `secret_file` and `secret_env`");
            return None;
        }
        let secret = self.secret(file, secret_file.as_ref(), secret_env.as_ref())?;
        let secret = Secret::new(String::from_utf8_lossy(&secret).into_owned());
        let client = Some(ClientCredentials { id: client_id.clone(), secret });
        Some(crate::identify::Endpoint { client, ..endpoint? })
    }

    fn carrier(
        &mut self,
        file: &Path,
        written: &ActorFile,
        default: HeaderName,
    ) -> Option<Carrier> {
        match (&written.header, &written.cookie) {
            (None, None) => Some(Carrier::Header(default)),
            (Some(name), None) => self.field(file, name).map(Carrier::Header),
            (None, Some(cookie)) => match cookie.value.0.as_slice() {
                [name] if !name.is_empty() => Some(Carrier::Cookie(name.clone())),
                _ => {
                    let message = "`cookie` names one cookie here".to_owned();
                    self.at(file, cookie, message, "write a rule for each cookie");
                    None
                }
            },
            (Some(_), Some(cookie)) => {
                let message = "the credential is either in a header or in a cookie".to_owned();
                self.at(file, cookie, message, "write a rule for each, or remove one of the two");
                None
            }
        }
    }

    fn required<'w, T>(
        &mut self,
        file: &Path,
        from: FromFile,
        name: &str,
        given: Option<&'w Spanned<T>>,
    ) -> Option<&'w Spanned<T>> {
        if given.is_none() {
            let place = self.entry;
            let message = format!("`from: {}` needs `{name}`", from.name());
            let remedy = format!("add it; `countersign schema rules` describes `{name}`");
            self.of_place(file, place, message, &remedy);
        }
        given
    }

    fn not_empty(&mut self, file: &Path, name: &str, given: Option<&Spanned<TextsFile>>) {
        if let Some(given) = given.filter(|given| given.value.0.is_empty()) {
            self.at(file, given, format!("`{name}` is an empty list"), "fill it, or leave it out");
        }
    }

    fn field_of_proxy(&mut self, file: &Path, written: &Spanned<String>) -> Option<HeaderName> {
        let field = self.field(file, written)?;
        if !is_of_http(&field) {
            return Some(field);
        }
        let what = format!("`{field}` is a field of HTTP itself, which says nobody's name");
        self.at(file, written, what, "name the one that your proxy sets: `x-forwarded-user`");
        None
    }

    fn field(&mut self, file: &Path, written: &Spanned<String>) -> Option<HeaderName> {
        self.field_at(file, written, &written.value)
    }

    fn field_at<T>(&mut self, file: &Path, place: &Spanned<T>, name: &str) -> Option<HeaderName> {
        let field = HeaderName::from_bytes(name.as_bytes()).ok();
        if field.is_none() {
            let message = format!("`{name}` cannot be the name of a header field");
            self.at(file, place, message, "use letters, digits and `-`, without a colon or spaces");
        }
        field
    }

    fn paths_of(&mut self, file: &Path, written: &Spanned<TextsFile>) -> Option<Vec<String>> {
        self.not_empty(file, "paths", Some(written));
        if let Some(path) = written.value.0.iter().find(|path| !path.starts_with('/')) {
            let message = format!("`{path}` is no path");
            self.at(file, written, message, "begin it with `/`");
            return None;
        }
        Some(written.value.0.clone())
    }

    fn path_of(&mut self, file: &Path, written: &Spanned<String>) -> Option<String> {
        let path = &written.value;
        let well_formed = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        if !well_formed || path.contains('#') {
            let message = format!("`{path}` is no path of the application");
            self.at(file, written, message, "write a path in ASCII that begins with `/`");
            return None;
        }
        Some(path.clone())
    }

    /// Settings that mean nothing for this kind of rule.
    fn misplaced(&mut self, file: &Path, written: &ActorFile) {
        use FromFile::{ApiKey, Header, Introspect, Jwt, SignIn};
        let place = |location: &serde_saphyr::Location| (location.line(), location.column());
        let text = |given: &Option<Spanned<String>>| given.as_ref().map(|it| place(&it.referenced));
        let texts =
            |given: &Option<Spanned<TextsFile>>| given.as_ref().map(|it| place(&it.referenced));
        self.entry = place(&written.from.referenced);
        let settings: [(&str, Option<Place>, &[FromFile]); 13] = [
            ("header", text(&written.header), &[Jwt, ApiKey, Header]),
            ("cookie", texts(&written.cookie), &[Jwt, ApiKey, Introspect]),
            ("keys", written.keys.as_ref().map(|keys| place(&keys.referenced)), &[Jwt]),
            ("algorithms", texts(&written.algorithms), &[Jwt]),
            ("issuer", texts(&written.issuer), &[Jwt]),
            ("audience", texts(&written.audience), &[Jwt]),
            ("leeway", text(&written.leeway), &[Jwt]),
            ("table", text(&written.table), &[ApiKey]),
            ("get", text(&written.get), &[Introspect]),
            ("with", texts(&written.with), &[Introspect]),
            ("cache", text(&written.cache), &[Introspect]),
            ("timeout", text(&written.timeout), &[Introspect]),
            ("paths", texts(&written.paths), &[SignIn]),
        ];
        for (name, given, meant_for) in settings {
            let from = written.from.value;
            if let Some(place) = given.filter(|_| !meant_for.contains(&from)) {
                let message = format!("`{name}` means nothing with `from: {}`", from.name());
                self.of_place(file, place, message, "remove it, or correct `from`");
            }
        }
    }
}
