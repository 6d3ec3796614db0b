//! Templates of rules that say who acts.

use std::path::Path;

use serde_saphyr::Spanned;

use super::file::{ActorFile, FromFile};
use crate::identify::{ClientCertificate, ProofRule, Template, TemplateError};
use crate::problem::nearest;
use crate::rules::check::Checked;

impl Checked {
    pub(super) fn template(
        &mut self,
        file: &Path,
        from: FromFile,
        name: &str,
        given: Option<&Spanned<String>>,
    ) -> Option<Template> {
        let given = given?;
        let roots = roots(from);
        match Template::parse(&given.value, roots) {
            Ok(template) => {
                if from == FromFile::Mtls {
                    self.of_certificate(file, given, &template);
                }
                Some(template)
            }
            Err(_) if roots.is_empty() => {
                let message = format!("`{name}` means nothing with `from: {}`", from.name());
                self.at(file, given, message, "remove it: it is the table that says who");
                None
            }
            Err(error) => {
                let remedy = match error {
                    TemplateError::Root(_) => {
                        let known: Vec<String> = roots.iter().map(|r| format!("`{r}`")).collect();
                        format!("with `from: {}` begin with {}", from.name(), known.join(", "))
                    }
                    TemplateError::Constant => {
                        format!("write `\"{{{}}}\"` or the like", example(from))
                    }
                    TemplateError::Braces | TemplateError::Path(_) => {
                        "write names with dots in braces, `[\"…\"]` for unusual names, `|` between \
                         alternatives"
                            .to_owned()
                    }
                };
                self.at(file, given, format!("`{name}`: {error}"), &remedy);
                None
            }
        }
    }

    /// What a certificate does not have names nobody.
    fn of_certificate(&mut self, file: &Path, given: &Spanned<String>, template: &Template) {
        for (root, known) in ClientCertificate::known() {
            for name in template.members(root).filter(|name| !known.contains(name)) {
                let message = format!("`{root}.{name}` is nothing that is read of a certificate");
                let remedy = match nearest(name, known.iter().copied()) {
                    Some(name) => format!("did you mean `{root}.{name}`?"),
                    None => {
                        let all = known.iter().map(|name| format!("`{root}.{name}`"));
                        format!("use {}", all.collect::<Vec<_>>().join(", "))
                    }
                };
                self.at(file, given, message, &remedy);
            }
        }
    }

    /// The rule for Basic, of which a second one never decides: the first reads whatever it would.
    pub(super) fn first_basic(&mut self, file: &Path, written: &ActorFile) -> Option<ProofRule> {
        if self.actors.iter().any(|rule| matches!(rule.proof, ProofRule::Basic)) {
            let place = (written.from.referenced.line(), written.from.referenced.column());
            let message = "a second rule with `from: basic` never decides".to_owned();
            self.of_place(file, place, message, "make one rule of them");
        }
        Some(ProofRule::Basic)
    }
}

/// Names with which the paths of templates begin.
fn roots(from: FromFile) -> &'static [&'static str] {
    match from {
        FromFile::Jwt => &["claims"],
        FromFile::Basic => &["user"],
        FromFile::Header => &["value", "header"],
        FromFile::ApiKey => &[],
        FromFile::Mtls => &["subject", "san", "issuer", "serial"],
        FromFile::Introspect | FromFile::SignIn => &["body"],
    }
}

fn example(from: FromFile) -> &'static str {
    match from {
        FromFile::Jwt => "claims.sub",
        FromFile::Basic => "user",
        FromFile::Header | FromFile::ApiKey => "value",
        FromFile::Mtls => "subject.cn",
        FromFile::Introspect => "body:$.id",
        FromFile::SignIn => "body:$.username",
    }
}

/// Where the id stands by convention, if the rule does not say.
pub(super) fn default_id(from: FromFile) -> Option<Template> {
    let text = match from {
        FromFile::Mtls => "{subject.cn | san.email | san.uri | san.dns}",
        FromFile::SignIn => "{body:$.username | body:$.email | body:$.login | body:$.user}",
        _ => return None,
    };
    Template::parse(text, roots(from)).ok()
}
