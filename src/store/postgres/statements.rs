//! The schema's own text, statement by statement: what there should be is read where it is made.

/// A statement of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statement<'s> {
    pub(super) made: Made<'s>,
    /// Without the semicolon.
    pub(super) sql: &'s str,
}

/// What a statement makes, as far as it guards something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made<'s> {
    Function(&'s str),
    Trigger { name: &'s str, table: &'s str },
    Security(&'s str),
    Policy { name: &'s str, table: &'s str },
    Other,
}

/// The statements, without comments before them.
pub(super) fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut all = Vec::new();
    let mut rest = sql;
    while let Some(start) = begin(rest) {
        let end = end(start);
        let (text, after) = start.split_at_checked(end).unwrap_or((start, ""));
        all.push(Statement { made: made(text), sql: text });
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    all
}

/// From the first letter on that is no comment's.
fn begin(sql: &str) -> Option<&str> {
    let sql = sql.trim_start();
    match sql.strip_prefix("--") {
        Some(comment) => begin(comment.split_once('\n')?.1),
        None => (!sql.is_empty()).then_some(sql),
    }
}

/// Where a statement ends: at a semicolon that stands in no text and no comment.
fn end(sql: &str) -> usize {
    let (mut dollars, mut quoted, mut comment, mut before) = (false, false, false, '\0');
    for (position, c) in sql.char_indices() {
        match c {
            '\n' => comment = false,
            _ if comment => {}
            '$' if before == '$' && !quoted => {
                dollars = !dollars;
                before = '\0';
                continue;
            }
            _ if dollars => {}
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '-' if before == '-' => comment = true,
            ';' => return position,
            _ => {}
        }
        before = c;
    }
    sql.len()
}

fn made(sql: &str) -> Made<'_> {
    let mut words = sql.split(|c: char| c.is_whitespace() || c == '(').filter(|it| !it.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some("CREATE"), Some("FUNCTION"), name) => own_or(name, Made::Function),
        (Some("CREATE"), Some("TRIGGER"), Some(name)) => {
            let table = words.skip_while(|word| *word != "ON").nth(1);
            own_or(table, |table| Made::Trigger { name, table })
        }
        (Some("CREATE"), Some("POLICY"), Some(name)) => {
            own_or(words.nth(1), |table| Made::Policy { name, table })
        }
        (Some("ALTER"), Some("TABLE"), table) if sql.ends_with("ENABLE ROW LEVEL SECURITY") => {
            own_or(table, Made::Security)
        }
        _ => Made::Other,
    }
}

/// What is made of the name of something in the schema.
fn own_or<'s>(word: Option<&'s str>, make: impl FnOnce(&'s str) -> Made<'s>) -> Made<'s> {
    word.and_then(|word| word.strip_prefix("countersign.")).map_or(Made::Other, make)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_they_end_and_are_known_by_what_they_make() {
        let sql = "-- One; not two.\nCREATE TABLE countersign.a (b text CHECK (b <> ';--')); -- why\n\n\
            CREATE FUNCTION countersign.f(a text) RETURNS x LANGUAGE plpgsql AS $$\nBEGIN; -- it's\nEND $$;\n\
            CREATE TRIGGER t BEFORE UPDATE OR DELETE ON countersign.a\n    FOR EACH ROW EXECUTE FUNCTION countersign.f();\n\
            ALTER TABLE countersign.a ENABLE ROW LEVEL SECURITY;\n\
            CREATE POLICY p ON countersign.a FOR SELECT USING (true);\nSELECT 1";
        let all = statements(sql);
        let made: Vec<Made<'_>> = all.iter().map(|it| it.made).collect();
        assert_eq!(
            made,
            [
                Made::Other,
                Made::Function("f"),
                Made::Trigger { name: "t", table: "a" },
                Made::Security("a"),
                Made::Policy { name: "p", table: "a" },
                Made::Other
            ]
        );
        assert!(all[0].sql.ends_with("(b <> ';--'))"), "{}", all[0].sql);
        assert!(all[1].sql.ends_with("END $$"), "{}", all[1].sql);
    }

    #[test]
    fn every_guard_of_the_schema_is_found_in_its_text() {
        let all: Vec<_> = statements(include_str!("schema/1.sql"));
        let count = |is: fn(&Made<'_>) -> bool| all.iter().filter(|it| is(&it.made)).count();
        let text = include_str!("schema/1.sql");
        assert_eq!(
            count(|it| matches!(it, Made::Function(_))),
            text.matches("CREATE FUNCTION").count()
        );
        assert_eq!(count(|it| matches!(it, Made::Trigger { .. })), 9);
        assert_eq!(count(|it| matches!(it, Made::Security(_))), 4);
        assert_eq!(count(|it| matches!(it, Made::Policy { .. })), 3);
    }
}
