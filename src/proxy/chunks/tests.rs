use proptest::prelude::*;

use super::*;

/// How a whole body is judged: the bytes that belong to it, `None` while more must come.
fn verdict(body: &[u8]) -> Result<Option<usize>, Refusal> {
    let mut chunks = Chunks::new();
    let taken = chunks.judge(body)?;
    Ok(chunks.is_done().then_some(taken))
}

#[test]
fn what_every_parser_reads_alike_passes() {
    let bodies: &[(&str, usize)] = &[
        ("0\r\n\r\n", 0),
        ("000\r\n\r\n", 0),
        ("5\r\nhello\r\n0\r\n\r\n", 0),
        ("aB\r\n", 0),
        ("1\r\n\n\r\n2\r\n\r\n\r\n0\r\n\r\n", 0),
        ("5;a=b;c=\"d e\"\r\nhello\r\n0;last\r\n\r\n", 0),
        ("0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", 0),
        ("0\r\nContent-Length-Of-Something-Else: 1\r\n\r\n", 0),
        ("0\r\n\r\nGET / HTTP/1.1\r\n", 16),
        ("5\r\nhello\r\n0\r\nA: b\r\n\r\n\n\n", 2),
    ];
    for (body, behind) in bodies {
        let bytes = body.as_bytes();
        let whole = verdict(bytes).unwrap_or_else(|refusal| panic!("{body:?}: {refusal:?}"));
        assert!(whole.is_none_or(|taken| taken == bytes.len() - behind), "{body:?}");
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    let extension = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(EXTENSION_BYTES + 1));
    let many = format!("{}0\r\n\r\n", "1;xx\r\na\r\n".repeat(EXTENSION_BYTES));
    let trailer = format!("0\r\nA: {}\r\n\r\n", "x".repeat(TRAILER_BYTES));
    let bodies = [
        "\r\n",
        "\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "5\t\r\nhello\r\n",
        "5 ;a\r\nhello\r\n",
        ";a\r\n",
        "5\nhello\r\n",
        "5\rhello",
        "5\r\r\nhello",
        "5;a\nhello\r\n",
        "5;a\rb\r\nhello\r\n",
        "5;a\0\r\nhello\r\n",
        "5;é\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "-5\r\n",
        "5_0\r\n",
        "5,5\r\n",
        "g\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000005\r\nhello\r\n",
        "0000000000000005\r\nhello\r\n",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\n\r\n",
        "0\r\nX\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\nX: 1\r\n 2\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "0\r\nX: 1\n\r\n",
        "0\r\nX: 1\r1\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\ncontent-length: 1\r\n\r\n",
        "0\r\nHOST: b\r\n\r\n",
        &extension,
        &many,
        &trailer,
    ];
    for body in bodies {
        // A refusal may need the byte that follows; a body that never ends is not one.
        let judged = verdict(format!("{body}X").as_bytes());
        assert!(judged.is_err(), "accepted: {:.80?}", body);
    }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let data = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6);
    let extension = prop::option::of("[ -~]{0,12}");
    let trailers = prop::collection::vec(("X-[A-Za-z0-9-]{1,8}", "[ -~]{0,12}"), 0..3);
    (data, extension, trailers).prop_map(|(data, extension, trailers)| {
        let extension = extension.map(|text| format!(";{text}")).unwrap_or_default();
        let mut body = Vec::new();
        for piece in data {
            body.extend(format!("{:x}{extension}\r\n", piece.len()).bytes());
            body.extend(&piece);
            body.extend(b"\r\n");
        }
        body.extend(format!("0{extension}\r\n").bytes());
        for (name, value) in trailers {
            body.extend(format!("{name}:{value}\r\n").bytes());
        }
        body.extend(b"\r\n");
        body
    })
}

/// The verdict when the bytes come in these pieces.
fn in_pieces(bytes: &[u8], sizes: &[usize]) -> Result<Option<usize>, Refusal> {
    let mut chunks = Chunks::new();
    let mut taken = 0;
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, more) = rest.split_at((*size).min(rest.len()));
        taken += chunks.judge(piece)?;
        rest = more;
        if chunks.is_done() || rest.is_empty() {
            break;
        }
    }
    Ok(chunks.is_done().then_some(taken))
}

proptest! {
    #[test]
    fn valid_bodies_end_where_they_end(body in body(), behind in prop::collection::vec(any::<u8>(), 0..8)) {
        let all = [body.as_slice(), &behind].concat();
        prop_assert_eq!(verdict(&all), Ok(Some(body.len())));
    }

    #[test]
    fn no_split_changes_the_verdict(
        mut body in body(),
        hit in any::<prop::sample::Index>(),
        byte in prop::option::of(any::<u8>()),
        sizes in prop::collection::vec(1usize..9, 1..8),
    ) {
        if let Some(byte) = byte {
            let at = hit.index(body.len());
            body[at] = byte;
        }
        prop_assert_eq!(in_pieces(&body, &sizes), verdict(&body));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..9) {
        prop_assert_eq!(in_pieces(&bytes, &[size]), verdict(&bytes));
    }
}
