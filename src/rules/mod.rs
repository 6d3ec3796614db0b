//! Rule files: YAML of the operator and the shipped packs → one checked, compiled [`RuleSet`].
//!
//! Owns the files' form, their checks and their examples. Does not know HTTP or stores; what a
//! compiled rule does is the business of the stage that it is compiled for.
//!
//! Invariant: a [`RuleSet`] is whole. Every problem in every file is reported, and then there is
//! no rule set at all.

mod actors;
mod check;
mod content;
mod doubts;
mod events;
mod examples;
mod file;
mod lists;
mod load;
mod one_or_other;
mod openapi;
mod packs;
mod reference;
mod rejections;
mod suggest;
#[cfg(test)]
mod tests;
mod try_body;
mod wording;

pub use actors::{
    ActorFile, FromFile, KeyHolderFile, KeyTableFile, KindFile, ServerFile, TextsFile,
    TokenKeysFile, WrittenActor,
};
pub use events::example::{EventExampleFile, ExpectedEventFile};
pub use events::file::{
    EventFile, MatchFile, OutcomeFile, OutcomeIs, RouteKindFile, SeverityFile, StatusFile,
    TargetFile, WhenFile,
};
pub use examples::{Difference, Expected, Tried, Unmet};
pub use file::{
    ActionFile, ExamplesFile, KeepFile, RecordOnlyFile, RedactFile, RulesFile, SideFile,
    ValidatorFile,
};
pub use load::{RuleSet, Written, load, schema};
pub use one_or_other::{BodyFile, ExampleFile, PathFile};
pub use openapi::file::OpenapiFile;
pub use packs::Pack;
pub use reference::reference;
pub use rejections::file::{AnswerFile, AnswerWhenFile, AnswersFile, RejectionFile};
pub use suggest::{SUGGESTIONS, Suggester, WhyNot};
