//! Changes between two states that were read, one before the request and one after it.

use std::collections::HashSet;

use super::asked::Asked;
use super::diff::diff_asked;
use super::secrets::{self, Secret};
use super::{CHANGES_MAX, Changes, Note, shows};
use crate::decode::{Node, Number};
use crate::derive::body;
use crate::derive::naming::Naming;
use crate::derive::signs::{Tells, is_error_inside};
use crate::record::{BodyRecord, Change, ChangesSource, ResponseRecord};
use crate::redact::JsonPath;

/// Steps that finding all ignored values of a state may take.
const WORK_MAX: usize = 1_000_000;

/// When a state was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the request was sent.
    Before,
    /// After its response had come.
    After,
}

impl Moment {
    /// The name in metrics, and to the application; stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// Why a state could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// It took too long.
    Timeout,
    /// The application was not reached, or the connection broke off.
    Unreachable,
    /// It answered that the caller may not see it (401, 403, 407).
    Refused,
    /// It answered with a redirect, which is not followed.
    Redirected,
    /// It answered with another status than 200, 203, 404 or 410.
    Status,
    /// The answer is larger than may be captured of a response.
    TooLarge,
    /// The answer is no object and no list.
    Unreadable,
    /// The rule's `at` leads nowhere in the answer.
    NoState,
    /// A value that the path needs is not there, is redacted, or could lead elsewhere.
    NoPath,
    /// The path may be read in several ways.
    AmbiguousPath,
    /// A GET of the path is itself recorded, or goes another way than the request.
    NotARead,
    /// The caller's credential holds for one request only.
    BoundCredential,
    /// The request may stand for another method or path.
    Override,
    /// Too many states are being read, or too much is captured.
    Busy,
    /// The last readings there were not answered in time; none is tried for a while.
    Paused,
    /// The response is being streamed: what it does may not be done.
    Streaming,
}

impl Unseen {
    /// The name in the record and in metrics; stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "snapshot_timeout",
            Self::Unreachable => "snapshot_unreachable",
            Self::Refused => "snapshot_refused",
            Self::Redirected => "snapshot_redirected",
            Self::Status => "snapshot_status",
            Self::TooLarge => "snapshot_too_large",
            Self::Unreadable => "snapshot_unreadable",
            Self::NoState => "snapshot_no_state",
            Self::NoPath => "snapshot_no_path",
            Self::AmbiguousPath => "snapshot_ambiguous_path",
            Self::NotARead => "snapshot_not_a_read",
            Self::BoundCredential => "snapshot_bound_credential",
            Self::Override => "snapshot_override",
            Self::Busy => "snapshot_busy",
            Self::Paused => "snapshot_paused",
            Self::Streaming => "snapshot_streaming",
        }
    }
}

/// What reading a state came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// A state: an object or a list.
    State(BodyRecord),
    /// There is nothing.
    Absent,
    /// It is not known.
    Unseen(Unseen),
}

impl Shown {
    /// What an answer shows, redacted: 404 and 410 say that there is nothing.
    pub fn of(answer: &ResponseRecord) -> Self {
        match answer.status {
            200 | 203 => {}
            404 | 410 => return Self::Absent,
            401 | 403 | 407 => return Self::Unseen(Unseen::Refused),
            300..=399 => return Self::Unseen(Unseen::Redirected),
            _ => return Self::Unseen(Unseen::Status),
        }
        match (&answer.body, answer.truncated, answer.unread) {
            (_, true, _) => Self::Unseen(Unseen::TooLarge),
            _ if says_error(answer) => Self::Unseen(Unseen::Status),
            (Some(body), false, None) if is_state(body.tree()) => Self::State(body.clone()),
            _ => Self::Unseen(Unseen::Unreadable),
        }
    }
}

/// Whether an answer tells of an error in the place of a state, for all that its status says.
fn says_error(answer: &ResponseRecord) -> bool {
    let body = answer.sketch.as_ref().or(answer.body.as_ref());
    body.is_some_and(|body| {
        let tree = body.tree();
        is_error_inside(tree, Tells::Result) || is_status_told(tree)
    })
}

/// Members that stand beside the status of an error.
const OF_ERRORS: [&str; 9] =
    ["detail", "details", "error", "errors", "message", "msg", "reason", "timestamp", "title"];

/// Whether an object that is no thing, since it has no id, says that it is an answer of this status.
fn is_status_told(tree: &Node<'_>) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| tree.get(name).is_some());
    let is_error =
        |name: &&str| matches!(tree.get(name), Some(Node::Number(Number::Integer(400..=599))));
    let is_told = ["status", "statusCode", "status_code"].iter().any(is_error);
    let is_alone = tree.members().len() == 1;
    is_told
        && (is_alone || has(&OF_ERRORS))
        && !has(&["id", "_id", "uuid", "Id", "ID", "name", "url"])
}

/// The two states.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Before the request.
    pub before: Shown,
    /// After its response.
    pub after: Shown,
}

impl Observed {
    /// Whether the request brought into being what was not there.
    pub fn is_creation(&self) -> bool {
        matches!((&self.before, &self.after), (Shown::Absent, Shown::State(_)))
    }

    /// What its states call the thing, that before first: a deletion says no name. Where the id of the
    /// thing was `sent`, and is not that of the path, its states may be those of another.
    pub(in crate::derive) fn name(
        &self,
        naming: &Naming,
        kind: &str,
        sent: Option<&str>,
    ) -> Option<String> {
        [Moment::Before, Moment::After].into_iter().find_map(|moment| {
            let state = self.tree(naming, moment).ok()??;
            let is_it = sent.is_none() || body::id(&state, kind).as_deref() == sent;
            body::name(&state, kind).filter(|_| is_it)
        })
    }

    /// The id that the states show of whoever is signed in.
    pub(in crate::derive) fn id(&self, naming: &Naming, kind: &str) -> Option<String> {
        [Moment::Before, Moment::After].into_iter().find_map(|moment| {
            let state = self.tree(naming, moment).ok()??;
            body::id(&state, kind)
        })
    }

    /// The changes between the states, or else those that the request `set`, with the reason.
    pub(super) fn changes(
        &self,
        naming: &Naming,
        (set, secrets): (Changes, Vec<Secret>),
        asked: &Asked<'_>,
        status: Option<u16>,
    ) -> Changes {
        let (before, after) =
            match (self.tree(naming, Moment::Before), self.tree(naming, Moment::After)) {
                (Ok(before), Ok(after)) => (before, after),
                (Err(unseen), _) => {
                    return instead(set, &[Note::BeforeUnavailable.as_str(), unseen.as_str()]);
                }
                (_, Err(unseen)) => {
                    return instead(set, &[Note::AfterUnavailable.as_str(), unseen.as_str()]);
                }
            };
        if before.is_none() && after.is_none() {
            return instead(set, &[Note::NotFound.as_str()]);
        }
        let nothing = Node::Object(Vec::new());
        let (old, new) = (before.as_ref().unwrap_or(&nothing), after.as_ref().unwrap_or(&nothing));
        let kind = naming.targets.first().map(|target| target.kind.as_str()).unwrap_or_default();
        let mut difference = diff_asked(old, new, asked);
        let shows = |path: &str| shows::has(old, kind, path) || shows::has(new, kind, path);
        let untold = secrets::untold(secrets, kind, new, &difference);
        let whole = self.ignored(naming);
        let is_ignored = |path: &str| whole.iter().any(|state| shows::has(state, kind, path));
        let untold = untold.into_iter().filter(|it| shows(it) || !is_ignored(it));
        let (masked, absent): (Vec<_>, Vec<_>) = untold.partition(|it| shows(it));
        if after.is_some() {
            let room = CHANGES_MAX.saturating_sub(difference.hidden.len());
            difference.hidden.extend(masked.into_iter().take(room));
        }
        let mut changes = Changes {
            list: difference.changes,
            hidden: difference.hidden,
            notes: difference.notes,
            source: ChangesSource::Observed,
        };
        let mut note = |note: Note| changes.notes.push(note.as_str().to_owned());
        match status {
            Some(202) => note(Note::Accepted),
            Some(207) => note(Note::MultiStatus),
            _ => {}
        }
        let is_there = before.is_some() && after.is_some() && changes.list.is_empty();
        if is_there && is_deletion(naming) && status != Some(202) {
            note(Note::StillThere);
        }
        if !changes.hidden.is_empty() {
            note(Note::Hidden);
        }
        let is_unseen = |change: &Change| {
            change.op != "remove" && !shows(&change.path) && !is_ignored(&change.path)
        };
        let unseen = set.list.into_iter().filter(is_unseen).map(|change| change.path);
        let mut unseen: Vec<String> = unseen.collect();
        // What is within what is not shown is told of by it.
        let is_told = |path: &String| {
            unseen.iter().any(|outer| {
                path.strip_prefix(outer.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let within: Vec<String> = absent.into_iter().filter(|path| !is_told(path)).collect();
        unseen.extend(within);
        if !unseen.is_empty() && after.is_some() {
            note(Note::NotShown);
            // What no state shows is not known to have changed.
            let unseen = unseen.into_iter().filter(|path| !changes.hidden.contains(path));
            let room = CHANGES_MAX.saturating_sub(changes.hidden.len());
            let unseen: Vec<String> = unseen.take(room).collect();
            changes.hidden.extend(unseen);
        }
        changes
    }

    /// The states with what the rule leaves out, if it leaves out anything: that is shown, and not told of.
    fn ignored(&self, naming: &Naming) -> Vec<Node<'_>> {
        let is_ignoring = naming.snapshot().is_some_and(|rule| !rule.ignore.is_empty());
        let moments = [Moment::Before, Moment::After].into_iter().filter(|_| is_ignoring);
        moments.filter_map(|moment| self.read(naming, moment, &[]).ok().flatten()).collect()
    }

    /// A state without what the rule leaves out; none if there was nothing.
    fn tree(&self, naming: &Naming, moment: Moment) -> Result<Option<Node<'_>>, Unseen> {
        let ignore = naming.snapshot().map(|rule| rule.ignore.as_slice());
        self.read(naming, moment, ignore.unwrap_or_default())
    }

    /// A state without what these paths select.
    fn read(
        &self,
        naming: &Naming,
        moment: Moment,
        ignore: &[JsonPath],
    ) -> Result<Option<Node<'_>>, Unseen> {
        let shown = match moment {
            Moment::Before => &self.before,
            Moment::After => &self.after,
        };
        let body = match shown {
            Shown::State(body) => body.tree(),
            Shown::Absent => return Ok(None),
            Shown::Unseen(why) => return Err(*why),
        };
        let Some(rule) = naming.snapshot() else { return Ok(Some(body.clone())) };
        let mut work = WORK_MAX;
        let Some(at) = &rule.at else { return without(body, ignore, &mut work).map(Some) };
        let found = at.select(body, &mut work).map_err(|_| Unseen::Unreadable)?;
        let found = found.first().filter(|node| is_state(node)).ok_or(Unseen::NoState)?;
        without(found, ignore, &mut work).map(Some)
    }
}

/// Whether the thing itself is said to be gone, which whatever holds it is not.
fn is_deletion(naming: &Naming) -> bool {
    naming.method == "DELETE" && naming.is_item && naming.sentence.verb == "delete"
}

/// What the request set, and why the states do not tell.
fn instead(mut set: Changes, notes: &[&'static str]) -> Changes {
    set.notes.extend(notes.iter().map(|note| (*note).to_owned()));
    set
}

/// Whether a tree can be the state of something.
fn is_state(node: &Node<'_>) -> bool {
    matches!(node, Node::Object(_) | Node::Array(_)) && !super::hidden::is_hidden(node)
}

/// The state without what the paths select.
fn without<'n>(
    state: &'n Node<'n>,
    ignore: &[JsonPath],
    work: &mut usize,
) -> Result<Node<'static>, Unseen> {
    let mut left_out: HashSet<*const Node<'n>> = HashSet::new();
    for path in ignore {
        let found = path.select(state, work).map_err(|_| Unseen::Unreadable)?;
        left_out.extend(found.into_iter().map(std::ptr::from_ref));
    }
    Ok(copy(state, &left_out).into_owned())
}

/// A copy without these nodes, which are told by where they are in memory.
fn copy<'n>(node: &Node<'n>, left_out: &HashSet<*const Node<'n>>) -> Node<'n> {
    let stays = |item: &Node<'n>| !left_out.contains(&std::ptr::from_ref(item));
    match node {
        Node::Array(items) => {
            let items = items.iter().filter(|item| stays(item));
            Node::Array(items.map(|item| copy(item, left_out)).collect())
        }
        Node::Object(members) => {
            let members = members.iter().filter(|(_, item)| stays(item));
            Node::Object(members.map(|(name, item)| (name.clone(), copy(item, left_out))).collect())
        }
        other => other.clone(),
    }
}
