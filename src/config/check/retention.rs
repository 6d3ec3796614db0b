//! How long events stay.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Checker;
use crate::archive::Place as Archive;
use crate::clock::Timestamp;
use crate::config::file::{Days, HoldFile, RetentionFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::derive::{categories, category_of, scopes};
use crate::retain::{Hold, Keep, KeptIn, Name, Policy, Strange, nearest};

/// A hundred years.
const DAYS_MAX: u32 = 36_500;
/// More holds than this are a mistake.
const HOLDS: usize = 1000;
const HOUR: Duration = Duration::from_secs(3600);

impl Checker<'_> {
    pub(super) fn retention(&mut self, setting: &Setting<RetentionFile>) -> Policy {
        let none = RetentionFile::default();
        let file = setting.value().unwrap_or(&none);
        let (mut categories, mut strange) = (BTreeMap::new(), Vec::new());
        for (category, days) in file.categories.value().into_iter().flatten() {
            categories.extend(self.days(days).map(|keep| (category.clone(), keep)));
            let place = days.place_or(file.categories.place_or(Place::WHOLE));
            strange.extend(self.strange_category(category, place));
        }
        let holds = self.holds(&file.holds, &mut strange);
        let policy = Policy {
            default: self.days(&file.days).unwrap_or(Keep::Forever),
            categories,
            strange,
            archive: self.archive(&file.archive),
            holds,
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
    /// one counts as a mistake; and some of these things are of a category with another name.
    fn strange_category(&self, category: &str, place: Place) -> Option<Strange> {
        if categories().any(|known| known == category) {
            return None;
        }
        let meant = nearest(category, categories()).map(str::to_owned);
        let other = category_of(category);
        if meant.is_none() && other.is_none() {
            return None;
        }
        let remedy = other.map(|other| format!("events about that have the category `{other}`"));
        let problem = self.findings.made(
            place,
            format!("no event has the category `{category}`: its time holds for nothing"),
            remedy.unwrap_or_default(),
        );
        Some(Strange { name: Name::Category(category.to_owned()), problem, meant })
    }

    /// Scopes that no convention gives: other than categories, they are of a few things alone.
    fn strange_scopes(&self, hold: &Hold, place: Place) -> Vec<Strange> {
        let unknown = hold.scopes().filter(|name| scopes().all(|known| known != *name));
        let strange = |name: &str| {
            Strange {
            name: Name::Scope(name.to_owned()),
            problem: self.findings.made(
                place,
                format!(
                    "neither a rule nor a convention gives events the scope `{name}`: the hold `{}` may \
                     hold nothing",
                    hold.name
                ),
                "the console and the API say what a filter finds".to_owned(),
            ),
            meant: nearest(name, scopes()).map(str::to_owned),
        }
        };
        unknown.map(strange).collect()
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
            Ok(archive) => KeptIn::Archive(archive.absolute()),
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

    fn holds(
        &mut self,
        setting: &Setting<Vec<Setting<HoldFile>>>,
        strange: &mut Vec<Strange>,
    ) -> Vec<Hold> {
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
            let at = file.value().map_or(place, |hold| hold.filter.place_or(place));
            strange.extend(self.strange_scopes(&hold, at));
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
