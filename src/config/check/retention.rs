//! How long events stay.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Checker;
use crate::archive::Place as Archive;
use crate::clock::Timestamp;
use crate::config::file::{Days, HoldFile, RetentionFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::derive::categories;
use crate::problem::Problem;
use crate::retain::{Hold, Keep, KeptIn, Policy};

/// A hundred years.
const DAYS_MAX: u32 = 36_500;
/// More holds than this are a mistake.
const HOLDS: usize = 1000;
const HOUR: Duration = Duration::from_secs(3600);

impl Checker<'_> {
    pub(super) fn retention(&mut self, setting: &Setting<RetentionFile>) -> Policy {
        let none = RetentionFile::default();
        let file = setting.value().unwrap_or(&none);
        let (mut categories, mut misspelt) = (BTreeMap::new(), BTreeMap::new());
        for (category, days) in file.categories.value().into_iter().flatten() {
            categories.extend(self.days(days).map(|keep| (category.clone(), keep)));
            let place = days.place_or(file.categories.place_or(Place::WHOLE));
            misspelt.extend(self.misspelt(category, place).map(|it| (category.clone(), it)));
        }
        let policy = Policy {
            default: self.days(&file.days).unwrap_or(Keep::Forever),
            categories,
            misspelt,
            archive: self.archive(&file.archive),
            holds: self.holds(&file.holds),
            interval: self.duration(
                "interval",
                &file.interval,
                HOUR,
                Duration::from_secs(1)..=24 * HOUR,
            ),
        };
        if policy.purges() && file.archive.is_unset() {
            self.problem(
                file.days.place_or(setting.place_or(Place::WHOLE)),
                "it is not said what becomes of events that are too old: `archive` is missing",
                "name a directory, such as `archive: countersign-archive`, or write `archive: none` \
                 to have them deleted for good",
            );
        }
        policy
    }

    /// Things of an API give categories their names as well, so that only what is nearly the name of a known
    /// one counts as a mistake.
    fn misspelt(&self, category: &str, place: Place) -> Option<Problem> {
        if categories().any(|known| known == category) {
            return None;
        }
        let distance = |known: &str| strsim::osa_distance(known, &category.to_lowercase());
        let meant = categories().min_by_key(|known| distance(known))?;
        let near = if meant.len() < 8 { 1 } else { 2 };
        (distance(meant) <= near).then(|| {
            self.findings.made(
                place,
                format!("no event has the category `{category}`: its time holds for nothing"),
                format!("did you mean `{meant}`? otherwise let a rule give it to events"),
            )
        })
    }

    fn days(&mut self, setting: &Setting<Days>) -> Option<Keep> {
        let (text, place) = setting.given()?;
        match text.0.parse() {
            Ok(days @ 1..=DAYS_MAX) => Some(Keep::Days(days)),
            _ if text.0 == "forever" => Some(Keep::Forever),
            _ => {
                self.problem(
                    place,
                    format!("`{}` is no number of days", text.0),
                    "write a whole number from 1 to 36500, or `forever`",
                );
                None
            }
        }
    }

    fn archive(&mut self, setting: &Setting<String>) -> KeptIn {
        let Some((text, place)) = setting.given() else { return KeptIn::Nothing };
        if text == "none" {
            return KeptIn::Nothing;
        }
        match Archive::parse(text) {
            Ok(archive) => KeptIn::Archive(archive),
            Err(error) => {
                self.problem(
                    place,
                    format!("`archive` cannot be `{text}`: {error}"),
                    format!("{}; or `none`", error.remedy()),
                );
                KeptIn::Nothing
            }
        }
    }

    fn holds(&mut self, setting: &Setting<Vec<Setting<HoldFile>>>) -> Vec<Hold> {
        let Some((files, place)) = setting.given() else { return Vec::new() };
        if files.len() > HOLDS {
            self.problem(
                place,
                format!("there are {} holds", files.len()),
                format!("have at most {HOLDS}: one filter can name a whole scope"),
            );
            return Vec::new();
        }
        let mut holds: Vec<Hold> = Vec::new();
        for file in files {
            let Some(hold) = self.hold(file) else { continue };
            if holds.iter().any(|other| other.name == hold.name) {
                self.problem(
                    file.place_or(place),
                    format!("two holds have the name `{}`", hold.name),
                    "give each its own name: it stands in the record of every purge",
                );
            }
            holds.push(hold);
        }
        holds
    }

    fn hold(&mut self, setting: &Setting<HoldFile>) -> Option<Hold> {
        let (file, outer) = setting.given()?;
        let name = self.required_text("name", &file.name, outer, "`case-7`");
        let filter = self.required_text("filter", &file.filter, outer, "`actor=ada@example.com`");
        let until = match file.until.given() {
            None => None,
            Some((text, place)) => {
                let time = text.parse::<Timestamp>();
                if time.is_err() {
                    self.problem(
                        place,
                        format!("`until` is no time: `{text}`"),
                        "write it as RFC 3339, such as `2027-01-31T00:00:00Z`",
                    );
                }
                time.ok()
            }
        };
        let reason = file.reason.value().cloned().unwrap_or_default();
        let ((name, _), (filter, place)) = (name?, filter?);
        let hold = Hold::new(name.to_owned(), filter.to_owned(), reason, until);
        hold.map_err(|error| {
            let message = format!("the filter of the hold `{name}` cannot be used: {error}");
            self.problem(place, message, error.remedy());
        })
        .ok()
    }
}
