//! Words and turns of speech by which an answer states that something was not done.

/// What stands before a statement and says nothing.
pub(super) const BEFORE: [&str; 15] = [
    "a ", "an ", "has ", "have ", "oops", "please ", "sorry", "that ", "the ", "there ", "this ",
    "was ", "we ", "whoops", "your ",
];

/// Statements of an error, whatever it is.
pub(super) const ERRORS: [&str; 20] = [
    "bad gateway",
    "bad request",
    "database error",
    "error occurred",
    "gateway timeout",
    "internal error",
    "internal server error",
    "operation timed out",
    "rate limit exceeded",
    "request timed out",
    "server error",
    "service unavailable",
    "something went wrong",
    "too many requests",
    "unexpected error",
    "unexpected error occurred",
    "unhandled exception",
    "unknown error",
    "unknown error occurred",
    "validation error",
];

/// How it is said that something was tried in vain; what was tried follows.
pub(super) const IN_VAIN: [&str; 16] = [
    "can not ",
    "can't ",
    "cannot ",
    "could not ",
    "couldn't ",
    "error in ",
    "error occurred in ",
    "error occurred when ",
    "error occurred while ",
    "error when ",
    "error while ",
    "failed to ",
    "failure to ",
    "not able to ",
    "unable to ",
    "were unable to ",
];

/// Where it is said of what was to be done that it was not, or cannot be.
pub(super) const PASSIVES: [&str; 8] = [
    " can not be ",
    " can't be ",
    " cannot be ",
    " could not be ",
    " couldn't be ",
    " was not ",
    " wasn't ",
    " were not ",
];

/// What is meant by what was asked for, whatever it was.
pub(super) const THIS: [&str; 14] = [
    "action",
    "call",
    "change",
    "command",
    "data",
    "entry",
    "it",
    "object",
    "operation",
    "query",
    "record",
    "request",
    "resource",
    "transaction",
];

/// What comes before anything is done.
pub(super) const FIRST: [&str; 8] = [
    "authentication",
    "authorization",
    "complet",
    "execut",
    "handl",
    "perform",
    "process",
    "validation",
];

/// Words for what makes, changes and deletes, as their stems.
pub(super) const ALIKE: [&[&str]; 3] = [
    &["ad", "creat", "insert", "mak", "register", "registration", "sav", "stor", "submit", "writ"],
    &["chang", "edit", "modify", "patch", "replac", "sav", "set", "stor", "updat", "writ"],
    &["delet", "destroy", "drop", "remov"],
];

/// What is wrong with what was sent.
pub(super) const WRONG: [&str; 7] =
    ["illegal", "incorrect", "invalid", "malformed", "missing", "unsupported", "wrong"];

/// Words that end like what was done, and stand for what was to be sent.
pub(super) const SENT: [&str; 7] =
    ["expected", "given", "provided", "requested", "required", "specified", "supplied"];

/// What cannot be made since it is there.
pub(super) const TAKEN: [&str; 9] = [
    " already exist",
    " already exists",
    " already in use",
    " already registered",
    " already taken",
    " already used",
    " exists already",
    " has already been taken",
    " is taken",
];

/// What is wrong with a field.
pub(super) const OF_FIELDS: [&str; 22] = [
    " can't be blank",
    " can't be empty",
    " cannot be blank",
    " cannot be empty",
    " cannot be null",
    " is incorrect",
    " is invalid",
    " is malformed",
    " is not valid",
    " is too long",
    " is too short",
    " may not be blank",
    " may not be empty",
    " must be a ",
    " must be an ",
    " must be at least ",
    " must be unique",
    " must be valid",
    " must not be blank",
    " must not be empty",
    " must not be null",
    " should not be empty",
];

/// What is sent; other things are required when it was done, as a restart.
pub(super) const FIELDS: [&str; 12] = [
    "address",
    "description",
    "email",
    "field",
    "id",
    "name",
    "parameter",
    "password",
    "title",
    "type",
    "username",
    "value",
];

/// Words that say that it was done.
pub(super) const DONE: [&str; 11] = [
    "added",
    "applied",
    "created",
    "deleted",
    "done",
    "removed",
    "saved",
    "stored",
    "succeeded",
    "successfully",
    "updated",
];

/// Words before them that say the contrary.
pub(super) const NOT: [&str; 11] = [
    "be", "been", "can't", "cannot", "couldn't", "never", "no", "not", "nothing", "wasn't",
    "weren't",
];
