//! What addresses mean.

use crate::console::question::Question;

#[test]
fn addresses_are_cleaned() {
    for (query, cleaned, other) in [
        ("", "/audit", false),
        ("q=", "/audit", true),
        ("q=+a+&action=&since=7d", "/audit?q=a&since=7d", true),
        ("action=a&action=a&action=b", "/audit?action=a&action=b", true),
        ("action=a&action=b", "/audit?action=a&action=b", false),
        ("since=24h&from=2026-07-01T02:00&to=", "/audit?since=2026-07-01T02%3A00%3A00Z", true),
        (
            "from=2026-07-01T02:00:30&to=2026-07-01T03:00&q=a",
            "/audit?q=a&since=2026-07-01T02%3A00%3A30Z&until=2026-07-01T03%3A00%3A00Z",
            true,
        ),
        ("from=soon", "/audit?since=soon", true),
        // A field that nobody has touched has whole seconds, and leaves out those that are none.
        (
            "since=2026-07-01T02:00:00.250Z&until=2026-07-01T03:00:30.5%2B01:00&from=2026-07-01T02:00\
             &to=2026-07-01T02:00:30&q=a",
            "/audit?since=2026-07-01T02%3A00%3A00.250Z&until=2026-07-01T03%3A00%3A30.5%2B01%3A00&q=a",
            true,
        ),
        (
            "since=2026-07-01T02:00:00.250Z&until=2026-07-01T03:00:30.500Z\
             &from=2026-07-01T02:00:00&to=2026-07-01T03:00:31",
            "/audit?since=2026-07-01T02%3A00%3A00.250Z&until=2026-07-01T03%3A00%3A31Z",
            true,
        ),
        ("since=2026-07-01T02:00:00.250Z&until=1h&from=&to=", "/audit?until=1h", true),
        ("since=2026-07-01T02:00:00.250Z", "/audit?since=2026-07-01T02%3A00%3A00.250Z", false),
        ("%zz=%ff", "/audit?%25zz=%EF%BF%BD", false),
    ] {
        let (question, changed) = Question::of(Some(query));
        assert_eq!((question.link(), changed), (cleaned.to_owned(), other), "{query}");
        // Nobody is sent in circles.
        let again = question.query();
        assert_eq!(Question::of(Some(&again)), (question, false), "{query}");
    }
}

#[test]
fn what_is_asked_of_the_log() {
    for (query, asked) in [
        ("", "/audit?since=24h"),
        ("q=a", "/audit?q=a&since=24h"),
        ("since=all", "/audit"),
        ("since=7d", "/audit?since=7d"),
        ("until=2026-07-01T00%3A00%3A00Z", "/audit?until=2026-07-01T00%3A00%3A00Z"),
        ("since=all&until=1h", "/audit?until=1h"),
    ] {
        let (question, _) = Question::of(Some(query));
        assert_eq!(question.effective().link(), asked, "{query}");
    }
}
