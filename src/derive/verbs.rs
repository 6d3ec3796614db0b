//! Verbs of the convention, and their past.

mod lists;

use self::lists::{ADVERBS, ASKING, ASKING_OF, LEADING, ON_ITEMS, VERBS};

/// What is the same, said shorter.
const CANONICAL: &[(&str, &str)] = &[
    ("add", "create"),
    ("new", "create"),
    ("post", "create"),
    ("edit", "update"),
    ("alter", "update"),
    ("change", "update"),
    ("patch", "update"),
    ("modify", "update"),
    ("save", "update"),
    ("remove", "delete"),
    ("destroy", "delete"),
    ("del", "delete"),
    ("eviction", "evict"),
    ("log_in", "login"),
    ("log_on", "login"),
    ("logon", "login"),
    ("signin", "login"),
    ("sign_in", "login"),
    ("authenticate", "login"),
    ("log_off", "logout"),
    ("log_out", "logout"),
    ("logoff", "logout"),
    ("signout", "logout"),
    ("sign_out", "logout"),
    ("signup", "register"),
    ("sign_up", "register"),
    ("roll_back", "rollback"),
    ("poweroff", "power_off"),
    ("poweron", "power_on"),
    ("forgot", "request_reset"),
    ("forget", "forget"),
    ("ids", "lookup"),
    ("mget", "get"),
    ("msearch", "search"),
    ("statistics", "count"),
    ("stats", "count"),
    ("exists", "check"),
    ("describe", "get"),
    ("detail", "get"),
    ("info", "get"),
    ("queries", "query"),
    ("page", "list"),
    ("paginate", "list"),
    ("autocomplete", "suggest"),
    ("typeahead", "suggest"),
];

/// What a DELETE of a verb means.
const INVERSES: &[(&str, &str)] = &[
    ("activate", "deactivate"),
    ("archive", "unarchive"),
    ("assign", "unassign"),
    ("attach", "detach"),
    ("ban", "unban"),
    ("block", "unblock"),
    ("connect", "disconnect"),
    ("enable", "disable"),
    ("follow", "unfollow"),
    ("freeze", "unfreeze"),
    ("link", "unlink"),
    ("lock", "unlock"),
    ("login", "logout"),
    ("mute", "unmute"),
    ("pause", "resume"),
    ("pin", "unpin"),
    ("publish", "unpublish"),
    ("share", "unshare"),
    ("star", "unstar"),
    ("subscribe", "unsubscribe"),
    ("suspend", "unsuspend"),
];

/// Pasts that no rule below gets right.
const PASTS: &[(&str, &str)] = &[
    ("ban", "banned"),
    ("bind", "bound"),
    ("build", "built"),
    ("buy", "bought"),
    ("cancel", "cancelled"),
    ("commit", "committed"),
    ("choose", "chosen"),
    ("do", "done"),
    ("defer", "deferred"),
    ("drop", "dropped"),
    ("flag", "flagged"),
    ("forget", "forgotten"),
    ("give", "given"),
    ("hold", "held"),
    ("keep", "kept"),
    ("lend", "lent"),
    ("log", "logged"),
    ("map", "mapped"),
    ("sell", "sold"),
    ("strip", "stripped"),
    ("swap", "swapped"),
    ("tag", "tagged"),
    ("take", "taken"),
    ("trim", "trimmed"),
    ("write", "written"),
    ("ship", "shipped"),
    ("show", "shown"),
    ("fork", "forked"),
    ("freeze", "frozen"),
    ("get", "read"),
    ("hide", "hidden"),
    ("leave", "left"),
    ("login", "logged in"),
    ("log_in_as", "logged in as"),
    ("login_as", "logged in as"),
    ("sign_in_as", "signed in as"),
    ("make", "made"),
    ("logout", "logged out"),
    ("move", "moved"),
    ("new", "created"),
    ("pay", "paid"),
    ("pin", "pinned"),
    ("plan", "planned"),
    ("power_cycle", "power-cycled"),
    ("put", "put"),
    ("read", "read"),
    ("rerun", "run again"),
    ("resend", "sent again"),
    ("request_reset", "asked to be reset"),
    ("reset", "reset"),
    ("rollback", "rolled back"),
    ("run", "run"),
    ("scan", "scanned"),
    ("send", "sent"),
    ("set", "set"),
    ("shutdown", "shut down"),
    ("skip", "skipped"),
    ("split", "split"),
    ("star", "starred"),
    ("stop", "stopped"),
    ("submit", "submitted"),
    ("transfer", "transferred"),
    ("trip", "tripped"),
    ("rewrap", "rewrapped"),
    ("shrink", "shrunk"),
    ("unwrap", "unwrapped"),
    ("backup", "backed up"),
    ("wake", "woken"),
    ("withdraw", "withdrawn"),
    ("failover", "failed over"),
    ("sync", "synced"),
    ("batch", "processed in a batch"),
    ("bulk", "processed in bulk"),
    ("refer", "referred"),
    ("find", "found"),
    ("lookup", "looked up"),
];

/// What is loaded by a word that begins so; a load balancer is not.
const LOADED: [&str; 5] = ["adapter", "configuration", "model", "module", "plugin"];

/// Things whose names begin like verbs.
const THINGS: [&str; 6] =
    ["build_queue", "build_type", "test_case", "test_plan", "test_run", "test_suite"];

/// What stands before a verb that is done to several things at once.
pub(super) const TOGETHER: [&str; 4] = ["batch", "bulk", "mass", "multi"];

/// Syllables before a verb that leave its past what it is.
const BEFORE: [&str; 4] = ["out", "over", "re", "un"];

/// Verbs of two words.
const OF_TWO: [&str; 7] =
    ["power_cycle", "power_off", "power_on", "quiet_down", "turn_off", "turn_on", "wake_up"];

/// Whether a word in snake case is a verb of the convention.
pub(super) fn is_verb(word: &str) -> bool {
    VERBS.contains(&word)
}

/// Whether a verb may stand before what it is about.
pub(super) fn is_leading(word: &str) -> bool {
    LEADING.contains(&word)
}

/// A verb that may stand before what it is about, and what follows it without a sign between:
/// `deleteusers`.
pub(super) fn leading_in(word: &str) -> impl Iterator<Item = (&'static str, &str)> {
    LEADING.iter().filter_map(move |verb| Some((*verb, word.strip_prefix(verb)?)))
}

/// Whether a word after a collection asks for something: `count`, `check_email`.
pub(super) fn is_asking(word: &str) -> bool {
    ASKING.contains(&word) || word.starts_with("check_")
}

/// A verb that only asks, and for what: `count_tokens`.
pub(super) fn asking_of(word: &str) -> Option<(&str, &str)> {
    word.split_once('_').filter(|(verb, about)| ASKING_OF.contains(verb) && !about.is_empty())
}

/// Whether a word behind an item is a verb, though elsewhere it may be none: `anonymize`, `make_admin`.
pub(super) fn is_on_item(word: &str) -> bool {
    ON_ITEMS.contains(&word) || word.starts_with("make_") || word.starts_with("check_")
}

/// Whether a word says how, before a verb.
pub(super) fn is_adverb(word: &str) -> bool {
    ADVERBS.contains(&word)
}

/// A verb of several words: the verb, with its adverb if it has one, and what it is about.
pub(super) fn compound(word: &str) -> Option<(&str, &str)> {
    let of_two = |verb: &&str| {
        word.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    if let Some((verb, rest)) =
        OF_TWO.iter().find(|it| of_two(it)).and_then(|it| word.split_at_checked(it.len()))
    {
        return Some((verb, rest.trim_start_matches('_')));
    }
    let (first, rest) = word.split_once('_')?;
    let last = rest.rsplit('_').next().unwrap_or(rest);
    if THINGS.contains(&word) {
        return None;
    }
    if first == "load" && LOADED.contains(&last) {
        return Some((first, rest));
    }
    if ADVERBS.contains(&first) {
        let verb = rest.split('_').next().unwrap_or(rest);
        return is_verb(verb).then(|| {
            let end = first.len() + 1 + verb.len();
            let about = word.get(end..).unwrap_or_default().trim_start_matches('_');
            (word.get(..end).unwrap_or(word), about)
        });
    }
    is_verb(first).then_some((first, rest))
}

/// Whether what follows a verb says that it is done to several: `destroy_many`, `mark_many_as_spam`.
pub(super) fn is_of_several(about: &str) -> bool {
    let several = ["all", "batch", "bulk", "many", "multiple", "selected"];
    several.contains(&about.split('_').next().unwrap_or_default())
}

/// The verb as it stands in an action, be it done to one or to several: `delete` of `bulk_delete` and of
/// `destroy_many`.
pub(super) fn of_action(verb: &str) -> &str {
    // `delete_by_query`, as Elasticsearch has it.
    if let Some(verb) = verb.strip_suffix("_by_query").filter(|verb| is_verb(verb)) {
        return canonical(verb);
    }
    let Some((first, rest)) = verb.split_once('_') else { return verb };
    let second = rest.split('_').next().unwrap_or(rest);
    if TOGETHER.contains(&first) && is_verb(second) {
        return canonical(rest);
    }
    let is_of_several =
        TOGETHER.contains(&rest) || ["many", "multiple", "selected"].contains(&rest);
    if is_of_several && is_verb(first) { canonical(first) } else { verb }
}

/// The verb in the form that actions use.
pub(super) fn canonical(verb: &str) -> &str {
    lookup(CANONICAL, verb).unwrap_or(verb)
}

/// What it means to DELETE the verb.
pub(super) fn inverse(verb: &str) -> Option<&'static str> {
    lookup(INVERSES, verb)
}

/// The past participle: `rotate` → `rotated`.
pub(super) fn past(verb: &str) -> String {
    if let Some((adverb, verb)) = verb.split_once('_').filter(|(word, _)| ADVERBS.contains(word)) {
        return match adverb {
            "multi" => past(verb),
            "permanent" | "permanently" => format!("permanently {}", past(verb)),
            _ => format!("{adverb}-{}", past(verb)),
        };
    }
    if let Some(past) = lookup(PASTS, verb) {
        return past.to_owned();
    }
    if let Some((first, rest)) = verb.split_once('_') {
        // What is asked: `is_member`.
        if ["are", "can", "has", "is"].contains(&first) {
            return format!("checked for {}", rest.replace('_', " "));
        }
        return format!("{} {}", past(first), rest.replace('_', " "));
    }
    let inner = BEFORE.iter().find_map(|before| Some((before, verb.strip_prefix(before)?)));
    // What is renewed is not made anew.
    let inner = inner.filter(|(_, verb)| *verb != "new");
    if let Some((before, past)) = inner.and_then(|(it, verb)| Some((it, lookup(PASTS, verb)?))) {
        return format!("{before}{past}");
    }
    match verb.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ied"),
        _ if verb.ends_with('e') => format!("{verb}d"),
        _ => format!("{verb}ed"),
    }
}

fn lookup(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(from, _)| *from == word).map(|(_, to)| *to)
}
