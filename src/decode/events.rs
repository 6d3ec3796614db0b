//! Server-sent events (`text/event-stream`, HTML Standard, section 9.2.6): a list of events with
//! their fields; data that is JSON is read.

use std::borrow::Cow;

use super::budget::Budget;
use super::json::json_within;
use super::{Node, Note};

/// Whether the end of what is read is the end of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is.
    Whole,
    /// The body goes on: what is not finished is left out.
    Cut,
}

/// Reads a stream of events. Comments are no part of it.
pub(super) fn events<'a>(
    text: &'a str,
    ending: Ending,
    budget: &mut Budget,
) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut events = Vec::new();
    let mut event = Event::default();
    for line in lines(text) {
        if line.is_empty() {
            events.extend(std::mem::take(&mut event).finish(budget)?);
        } else {
            event.line(line, budget)?;
        }
    }
    if ending == Ending::Whole {
        events.extend(event.finish(budget)?);
    }
    Ok(Node::Array(events))
}

/// Lines end with CR LF, LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ended = text.strip_suffix('\n').unwrap_or(text);
    ended.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// An event, while it is read.
#[derive(Default)]
struct Event<'a> {
    members: Vec<(Cow<'a, str>, Node<'a>)>,
    data: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    fn line(&mut self, line: &'a str, budget: &mut Budget) -> Result<(), Note> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (name, &mut self.data) {
            ("", _) => {}
            ("data", None) => self.data = Some(Cow::Borrowed(value)),
            ("data", Some(data)) => {
                let data = data.to_mut();
                data.push('\n');
                data.push_str(value);
            }
            _ => {
                budget.node()?;
                self.members.push((Cow::Borrowed(name), Node::String(Cow::Borrowed(value))));
            }
        }
        Ok(())
    }

    /// The event; `None` if there was nothing.
    fn finish(mut self, budget: &mut Budget) -> Result<Option<Node<'a>>, Note> {
        if let Some(data) = self.data {
            let node = match data {
                Cow::Borrowed(text) => read(text, budget)?,
                Cow::Owned(text) => read(&text, budget)?.into_owned(),
            };
            self.members.push((Cow::Borrowed("data"), node));
        }
        if self.members.is_empty() {
            return Ok(None);
        }
        budget.node()?;
        Ok(Some(Node::Object(self.members)))
    }
}

/// The data of an event. What begins as an object and is none may be anything.
fn read<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    let start = text.trim_start();
    if !start.starts_with(['{', '[']) {
        budget.node()?;
        return Ok(Node::String(Cow::Borrowed(text)));
    }
    match json_within(text, budget) {
        // Many streams end with `[DONE]`.
        Err(Note::InvalidJson) if start.starts_with('[') => Ok(Node::String(Cow::Borrowed(text))),
        result => result,
    }
}
