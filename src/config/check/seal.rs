//! Checkpoints: how often, under which name, and where they go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Checker;
use crate::config::checked::{Seal, SealEndpoint, Witness};
use crate::config::file::{SealEndpointFile, SealFile, WitnessFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::identify::Endpoint;
use crate::seal::VerifierKey;

/// More witnesses than this are a mistake: each is asked for every checkpoint.
const WITNESSES: usize = 16;
/// The longest name of an installation, in bytes.
const NAME_MAX: usize = 128;

impl Checker<'_> {
    pub(super) fn seal(&mut self, setting: &Setting<SealFile>) -> Seal {
        let none = SealFile::default();
        let file = setting.value().unwrap_or(&none);
        let range = Duration::from_millis(100)..=Duration::from_secs(3600);
        let path = file.file.given().and_then(|(text, place)| self.published_file(text, place));
        let witnesses = file.witnesses.value().map(Vec::as_slice).unwrap_or_default();
        if witnesses.len() > WITNESSES {
            self.problem(
                file.witnesses.place_or(Place::WHOLE),
                format!("there are more than {WITNESSES} witnesses"),
                "leave some out: each is asked to sign every checkpoint",
            );
        }
        Seal {
            enabled: file.enabled.value().copied().unwrap_or(true),
            name: file.name.given().and_then(|(name, place)| self.installation(name, place)),
            interval: self.duration("interval", &file.interval, Duration::from_secs(1), range),
            file: path,
            log: file.log.value().copied().unwrap_or(true),
            endpoint: self.seal_endpoint(&file.endpoint),
            witnesses: witnesses.iter().filter_map(|witness| self.witness(witness)).collect(),
        }
    }

    fn installation(&mut self, name: &str, place: Place) -> Option<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        let is_path = name.split('/').all(|part| !part.is_empty());
        if name.len() <= NAME_MAX && is_path && name.chars().all(fits) {
            return Some(name.to_owned());
        }
        self.problem(
            place,
            format!("`{name}` cannot be the name of an installation"),
            format!(
                "use at most {NAME_MAX} letters, digits, `.`, `_`, `-`, and `/` in between, such as \
                 `audit.example.com/production`"
            ),
        );
        None
    }

    fn published_file(&mut self, text: &str, place: Place) -> Option<PathBuf> {
        let path = PathBuf::from(text);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if !text.is_empty() && !path.is_dir() && parent.is_none_or(Path::is_dir) {
            return Some(path);
        }
        self.problem(
            place,
            format!("`{text}` is not a file that checkpoints can be appended to"),
            "name a file; it is made if it is missing, and its directory must be there",
        );
        None
    }

    fn seal_endpoint(&mut self, setting: &Setting<SealEndpointFile>) -> Option<SealEndpoint> {
        let (file, outer) = setting.given()?;
        let example = "`https://checkpoints.example.com/countersign`";
        let url = self.required_text("url", &file.url, outer, example);
        let endpoint = url.and_then(|(url, place)| self.asked(url, place));
        let token = self.secret("token", &file.token_file, &file.token_env);
        Some(SealEndpoint { endpoint: endpoint?, token })
    }

    fn witness(&mut self, setting: &Setting<WitnessFile>) -> Option<Witness> {
        let (file, outer) = setting.given()?;
        let url = self.required_text("url", &file.url, outer, "`https://witness.example.com`");
        let endpoint = url.and_then(|(url, place)| {
            self.asked(&format!("{}/add-checkpoint", url.trim_end_matches('/')), place)
        });
        let key = self.required_text("key", &file.key, outer, "`witness.example.com+ID+KEY`");
        let key = key.and_then(|(text, place)| match text.parse::<VerifierKey>() {
            Ok(key) if key.is_witness() => Some(key),
            _ => {
                self.problem(
                    place,
                    "`key` is not the verifier key of a witness",
                    "write the key as the witness publishes it: `NAME+ID+KEY`, for cosignature/v1",
                );
                None
            }
        });
        Some(Witness { endpoint: endpoint?, key: key? })
    }

    /// A server that is asked over TLS, or on this machine.
    fn asked(&mut self, url: &str, place: Place) -> Option<Endpoint> {
        let endpoint = Endpoint::parse(url).filter(|endpoint| endpoint.tls || endpoint.is_here());
        if endpoint.is_none() {
            self.problem(
                place,
                format!("`{url}` cannot be asked"),
                "write an address with `https://`; without TLS only one on this machine can be asked",
            );
        }
        endpoint
    }
}
