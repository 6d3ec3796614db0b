//! The parts of a rule that are about contents: patterns, conditions on values, paths, actions.

use std::path::Path;

use serde_saphyr::Spanned;

use super::check::Checked;
use super::file::{ActionFile, RedactFile, ValidatorFile};
use super::one_or_other::PathFile;
use crate::redact::{
    Action, Conditions, JsonPath, PLACES_MAX, PathGlob, Pattern, PatternError, Scheme, Validator,
};

/// Characters that `keep_ends` may show.
const ENDS_CHARS_MAX: u8 = 12;

/// The most bits that a byte can tell.
const ENTROPY_MAX: f64 = 8.0;

/// How far the paths under `under` reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// One that ends in `*` ends there, and any other goes on below.
    AsWritten,
    /// All go on below: where only what is listed is recorded, a path that is left out shows what is there.
    Below,
}

impl Checked {
    /// What must hold of values.
    pub(super) fn conditions(&mut self, file: &Path, written: &RedactFile) -> Conditions {
        let entropy = written.entropy.as_ref();
        if let Some(entropy) = entropy.filter(|bits| !(0.0..=ENTROPY_MAX).contains(&bits.value)) {
            self.at(
                file,
                entropy,
                format!("`entropy` of `{}` cannot be {}", written.id.value, entropy.value),
                "give the bits a character, from 0 to 8; 3 is above most words",
            );
        }
        let validators = written.validate.iter().copied().map(validator).collect();
        let conditions = Conditions::new(entropy.map(|bits| bits.value), validators);
        let Some(value) = &written.value else { return conditions };
        self.doubt_pattern(&written.id.value, "value", &value.value);
        match conditions.clone().shaped(&value.value) {
            Ok(shaped) => shaped,
            Err(error) => {
                let message = format!("`value` of `{}`: {error}", written.id.value);
                let remedy =
                    "write a short regular expression, or leave `value` out to select every value";
                self.at(file, value, message, remedy);
                conditions
            }
        }
    }

    /// The pattern, with its keywords.
    pub(super) fn pattern(
        &mut self,
        file: &Path,
        written: &RedactFile,
        conditions: &Conditions,
    ) -> Option<Pattern> {
        let id = &written.id.value;
        let Some(pattern) = &written.pattern else {
            if let Some(word) = written.keywords.first() {
                let message = format!("`keywords` of `{id}` have no `pattern`");
                self.at(file, word, message, "add the pattern, or remove the keywords");
            }
            if let Some(reason) = &written.everywhere {
                let message = format!("`everywhere` of `{id}` has no `pattern`");
                self.at(file, reason, message, "add the pattern, or remove it");
            }
            return None;
        };
        self.doubt_pattern(id, "pattern", &pattern.value);
        let keywords: Vec<String> =
            written.keywords.iter().map(|word| word.value.clone()).collect();
        let compiled = match &written.everywhere {
            Some(reason) if !keywords.is_empty() || reason.value.trim().is_empty() => {
                self.at(
                    file,
                    reason,
                    format!("`everywhere` of `{id}` needs a reason, and no `keywords` beside it"),
                    "say why there is no keyword, or remove `everywhere`",
                );
                return None;
            }
            Some(_) => Pattern::everywhere(&pattern.value, conditions.clone()),
            None => Pattern::new(&pattern.value, &keywords, conditions.clone()),
        };
        match compiled {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.at(file, pattern, format!("`pattern` of `{id}`: {error}"), remedy(&error));
                None
            }
        }
    }

    /// The paths below which the rule holds.
    pub(super) fn under(
        &mut self,
        file: &Path,
        rule: &str,
        written: &[Spanned<String>],
        reach: Reach,
    ) -> Vec<PathGlob> {
        let globs = self.path_globs(file, rule, written, reach);
        if let Some(first) = written.first()
            && !globs.is_empty()
            && !self.places.contains(&globs)
        {
            if self.places.len() == PLACES_MAX {
                let message = format!(
                    "`under` of `{rule}` is one list of paths too many: all rules together, shipped ones \
                     too, have at most {PLACES_MAX} different ones"
                );
                let remedy = "give it the same paths as another rule, in the same order, or leave out \
                              a shipped pack";
                self.at(file, first, message, remedy);
            } else {
                self.places.push(globs.clone());
            }
        }
        globs
    }

    fn path_globs(
        &mut self,
        file: &Path,
        rule: &str,
        written: &[Spanned<String>],
        reach: Reach,
    ) -> Vec<PathGlob> {
        let mut globs = Vec::with_capacity(written.len());
        for path in written {
            if path.value.contains("://") {
                self.at(
                    file,
                    path,
                    format!("`{}` in `under` of `{rule}` is a URL", path.value),
                    "write its path alone, such as `/users/**`",
                );
                continue;
            }
            self.doubt_under(rule, &path.value);
            let glob = match (self.shipping, reach) {
                (true, _) => PathGlob::new(&path.value),
                (false, Reach::AsWritten) => PathGlob::reaching(&path.value),
                (false, Reach::Below) => PathGlob::at_and_below(&path.value),
            };
            match glob {
                Ok(glob) => globs.push(glob),
                Err(error) => self.at(
                    file,
                    path,
                    format!("`{}` in `under` of `{rule}`: {error}", path.value),
                    "write segments between `/`, `*` for one of any name, `**` for any number",
                ),
            }
        }
        globs
    }

    /// The paths into bodies.
    pub(super) fn json_paths(
        &mut self,
        file: &Path,
        rule: &str,
        written: Option<&Spanned<PathFile>>,
    ) -> Vec<JsonPath> {
        let mut paths = Vec::new();
        let texts: Vec<&str> = match written.map(|written| &written.value) {
            Some(PathFile::One(text)) => vec![text],
            Some(PathFile::Many(several)) => several.iter().map(|one| one.value.as_str()).collect(),
            None => Vec::new(),
        };
        for text in texts {
            self.doubt_path(rule, text);
        }
        let mut path = |text: &str| match JsonPath::new(text) {
            Ok(path) => {
                paths.push(path);
                None
            }
            Err(error) => Some(format!("`{text}` in `path` of `{rule}`: {error}")),
        };
        let remedy = "write a JSONPath (RFC 9535), such as `$.messages[*].content`";
        let Some(written) = written else { return paths };
        match &written.value {
            PathFile::One(text) => {
                if let Some(message) = path(text) {
                    self.at(file, written, message, remedy);
                }
            }
            PathFile::Many(several) => {
                for one in several {
                    if let Some(message) = path(&one.value) {
                        self.at(file, one, message, remedy);
                    }
                }
                if several.is_empty() {
                    let message = format!("`path` of `{rule}` is empty");
                    self.at(file, written, message, remedy);
                }
            }
        }
        paths
    }

    /// What is done.
    pub(super) fn action(&mut self, file: &Path, written: &RedactFile) -> Action {
        match written.action {
            ActionFile::Drop => Action::Drop,
            ActionFile::Mask => Action::Mask,
            ActionFile::Fingerprint => Action::Fingerprint,
            ActionFile::Summarize => Action::Summarize,
            ActionFile::KeepEnds { first, last } => {
                if !(1..=ENDS_CHARS_MAX).contains(&first.saturating_add(last)) {
                    self.at(
                        file,
                        &written.id,
                        format!(
                            "`keep_ends` of `{}` would show {} characters",
                            written.id.value,
                            u16::from(first) + u16::from(last)
                        ),
                        "let `first` and `last` be from 1 to 12 together",
                    );
                }
                Action::KeepEnds { first, last }
            }
        }
    }
}

fn validator(written: ValidatorFile) -> Validator {
    match written {
        ValidatorFile::Luhn => Validator::Luhn,
        ValidatorFile::Iban => Validator::Iban,
        ValidatorFile::Jwt => Validator::Jwt,
        ValidatorFile::Pem => Validator::Pem,
        ValidatorFile::GithubCrc => Validator::GithubCrc,
        ValidatorFile::Base64 => Validator::Base64,
        ValidatorFile::Mixed => Validator::Mixed,
        ValidatorFile::NotWord => Validator::NotWord,
        ValidatorFile::NotLabel => Validator::NotLabel,
        ValidatorFile::NotUuid => Validator::NotUuid,
        ValidatorFile::NotHex => Validator::NotHex,
        ValidatorFile::Random => Validator::Random,
        ValidatorFile::NotStatement => Validator::NotStatement,
        ValidatorFile::NotFile => Validator::NotFile,
        ValidatorFile::Subprotocol => Validator::Subprotocol,
        ValidatorFile::Card => Validator::Number(Scheme::Card),
        ValidatorFile::Phone => Validator::Number(Scheme::Phone),
        ValidatorFile::ArCuit => Validator::Number(Scheme::ArCuit),
        ValidatorFile::AuTfn => Validator::Number(Scheme::AuTfn),
        ValidatorFile::BeNn => Validator::Number(Scheme::BeNn),
        ValidatorFile::BrCpf => Validator::Number(Scheme::BrCpf),
        ValidatorFile::BrCnpj => Validator::Number(Scheme::BrCnpj),
        ValidatorFile::CaSin => Validator::Number(Scheme::CaSin),
        ValidatorFile::ChAhv => Validator::Number(Scheme::ChAhv),
        ValidatorFile::ClRut => Validator::Number(Scheme::ClRut),
        ValidatorFile::CnId => Validator::Number(Scheme::CnId),
        ValidatorFile::CzRc => Validator::Number(Scheme::CzRc),
        ValidatorFile::DeSteuerId => Validator::Number(Scheme::DeSteuerId),
        ValidatorFile::EsNif => Validator::Number(Scheme::EsNif),
        ValidatorFile::FiHetu => Validator::Number(Scheme::FiHetu),
        ValidatorFile::FrNir => Validator::Number(Scheme::FrNir),
        ValidatorFile::GbNino => Validator::Number(Scheme::GbNino),
        ValidatorFile::IlId => Validator::Number(Scheme::IlId),
        ValidatorFile::InAadhaar => Validator::Number(Scheme::InAadhaar),
        ValidatorFile::ItCf => Validator::Number(Scheme::ItCf),
        ValidatorFile::JpMyNumber => Validator::Number(Scheme::JpMyNumber),
        ValidatorFile::MxCurp => Validator::Number(Scheme::MxCurp),
        ValidatorFile::NlBsn => Validator::Number(Scheme::NlBsn),
        ValidatorFile::NoFnr => Validator::Number(Scheme::NoFnr),
        ValidatorFile::PlPesel => Validator::Number(Scheme::PlPesel),
        ValidatorFile::PtNif => Validator::Number(Scheme::PtNif),
        ValidatorFile::RoCnp => Validator::Number(Scheme::RoCnp),
        ValidatorFile::SePnr => Validator::Number(Scheme::SePnr),
        ValidatorFile::SgNric => Validator::Number(Scheme::SgNric),
        ValidatorFile::TrTckn => Validator::Number(Scheme::TrTckn),
        ValidatorFile::UsSsn => Validator::Number(Scheme::UsSsn),
        ValidatorFile::ZaId => Validator::Number(Scheme::ZaId),
    }
}

fn remedy(error: &PatternError) -> &'static str {
    match error {
        PatternError::Syntax(_) => {
            "correct it; look-around and back-references do not exist here, and everything is ASCII"
        }
        PatternError::TooLarge => "use smaller counts, or `+` in the place of large ones",
        PatternError::MatchesNothing => "let it match at least one character",
        PatternError::NoKeyword => {
            "give it `keywords`, or say under `everywhere` why it can have none"
        }
        PatternError::Apart => "give it `keywords` of which one is in whatever it matches",
        PatternError::Keyword(_) => "use a longer fixed part of what is searched for",
        PatternError::Group(_) => "call it `secret`, or give it no name: `(?:…)`",
        PatternError::TooManyKeywords => "make several rules of it",
        PatternError::Unbounded => {
            "let it begin with a keyword, or give every `*` and `+` a bound, such as `{1,200}`"
        }
    }
}
