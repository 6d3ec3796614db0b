//! Asking for a secret: at the terminal without showing it, or from standard input.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::{Zeroize, Zeroizing};

/// The longest value, in bytes. Its room is taken at once, so that no copy is left behind where it
/// grew.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A value that is wiped from memory when it is no longer used.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Why no value was given.
#[derive(Debug, thiserror::Error)]
pub(super) enum PromptError {
    /// There is no terminal.
    #[error("there is no terminal to ask at: give the value to standard input, with `--stdin`")]
    NoTerminal(#[source] io::Error),
    /// The terminal cannot be read, or its echo not switched off.
    #[error("the value cannot be read")]
    Read(#[source] io::Error),
    /// Ctrl-C, or the end of the input.
    #[error("no value was given")]
    Given,
    /// Too long.
    #[error("the value is longer than 64 KiB")]
    TooLong,
}

/// Asks at the terminal of the process, which shows nothing of what is typed.
pub(super) fn ask(question: &str) -> Result<Secret, PromptError> {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let mut terminal = opened.map_err(PromptError::NoTerminal)?;
    ask_at(&mut terminal, question)
}

/// Asks at a terminal.
pub(super) fn ask_at<T: Read + Write + AsFd>(
    terminal: &mut T,
    question: &str,
) -> Result<Secret, PromptError> {
    let quiet = Quiet::of(terminal).map_err(PromptError::Read)?;
    write!(terminal, "{question}").and_then(|()| terminal.flush()).map_err(PromptError::Read)?;
    let value = typed(terminal);
    drop(quiet);
    // The line end that was typed was not shown.
    writeln!(terminal).map_err(PromptError::Read)?;
    value
}

/// A terminal that shows nothing and gives every key at once, until this is dropped. Ctrl-C is a key
/// here and no signal, so that nothing can end the process before the terminal is as it was.
struct Quiet {
    terminal: std::os::fd::OwnedFd,
    before: Termios,
}

impl Quiet {
    fn of(terminal: &impl AsFd) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        let own = terminal.as_fd().try_clone_to_owned()?;
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal: own, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nobody could be told; what was typed ahead is kept from the shell.
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.before).ok();
    }
}

/// Reads keys up to the end of the line.
fn typed(terminal: &mut impl Read) -> Result<Secret, PromptError> {
    let mut value = Zeroizing::new(Vec::with_capacity(VALUE_BYTES_MAX));
    let mut key = [0];
    loop {
        let read = match terminal.read(&mut key) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result.map_err(PromptError::Read)?,
        };
        let [byte] = key;
        match (read, byte) {
            // Ctrl-C, Ctrl-\, Ctrl-Z.
            (0, _) | (_, 0x03 | 0x1a | 0x1c) => return Err(PromptError::Given),
            // Ctrl-D ends what there is.
            (_, 0x04) if value.is_empty() => return Err(PromptError::Given),
            (_, b'\r' | b'\n' | 0x04) => break,
            (_, 0x08 | 0x7f) => erase(&mut value),
            // Ctrl-U: begin again.
            (_, 0x15) => value.zeroize(),
            _ if value.len() == VALUE_BYTES_MAX => return Err(PromptError::TooLong),
            _ => value.push(byte),
        }
    }
    key.zeroize();
    Ok(value)
}

/// Takes the last character away, with all bytes that UTF-8 has for it.
fn erase(value: &mut Vec<u8>) {
    while let Some(byte) = value.pop() {
        if byte & 0xc0 != 0x80 {
            return;
        }
    }
}

/// All of standard input, less one line end behind it.
pub(super) fn read_stdin() -> Result<Secret, PromptError> {
    // Not by the library's own buffer, which nobody wipes.
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(PromptError::Read)?;
    read_all(&mut File::from(input))
}

fn read_all(input: &mut impl Read) -> Result<Secret, PromptError> {
    let mut value = Zeroizing::new(vec![0; VALUE_BYTES_MAX + 3]);
    let mut filled = 0;
    while let Some(room) = value.get_mut(filled..).filter(|room| !room.is_empty()) {
        match input.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(PromptError::Read(error)),
        }
    }
    value.truncate(filled);
    for end in [b'\n', b'\r'] {
        if value.last() == Some(&end) {
            value.pop();
        }
    }
    match value.len() {
        0 => Err(PromptError::Given),
        1..=VALUE_BYTES_MAX => Ok(value),
        _ => Err(PromptError::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Both ends of a terminal: what a person sits at, and what the program reads.
    fn terminal() -> (File, File) {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let program = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap());
        (File::from(person), program.unwrap())
    }

    fn echoes(terminal: &File) -> bool {
        tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// What is given when these keys are typed at the question, and what the person sees.
    fn typing(keys: &[u8]) -> (Result<String, PromptError>, String) {
        let (mut person, mut program) = terminal();
        let watched = program.try_clone().unwrap();
        let keys = keys.to_vec();
        let at_terminal = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut byte = [0];
            while !seen.ends_with(b"? ") {
                person.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            assert!(!echoes(&watched), "keys would be shown");
            person.write_all(&keys).unwrap();
            while !seen.ends_with(b"\n") {
                person.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            assert!(echoes(&watched), "the terminal is as it was");
            (person, String::from_utf8(seen).unwrap())
        });
        let value = ask_at(&mut program, "value? ");
        let (_person, seen) = at_terminal.join().unwrap();
        (value.map(|value| String::from_utf8(value.to_vec()).unwrap()), seen)
    }

    #[test]
    fn what_is_typed_is_not_shown_and_the_terminal_is_restored() {
        let rows: [(&[u8], Option<&str>); 7] = [
            (b"swordfish\r", Some("swordfish")),
            (b"sword\x7f\x7f\x7f\x7f\x7ffish\n", Some("fish")),
            ("fißsch\u{e9}\x7f\n".as_bytes(), Some("fißsch")),
            (b"wrong\x15right\n", Some("right")),
            (b"swordfish\x04", Some("swordfish")),
            (b"swordfish\x03", None),
            (b"\x04", None),
        ];
        for (keys, expected) in rows {
            let (value, seen) = typing(keys);
            assert_eq!(value.ok().as_deref(), expected, "{keys:?}");
            assert_eq!(seen, "value? \r\n");
        }
    }

    #[test]
    fn standard_input_is_read_to_its_end_and_no_further_than_its_limit() {
        let rows: [(&[u8], Option<&[u8]>); 5] = [
            (b"swordfish\n", Some(b"swordfish")),
            (b"sword\nfish\r\n", Some(b"sword\nfish")),
            (b"swordfish", Some(b"swordfish")),
            (b"\n", None),
            (b"", None),
        ];
        for (input, expected) in rows {
            let mut input = input;
            let value = read_all(&mut input).ok();
            assert_eq!(value.as_ref().map(|value| value.as_slice()), expected);
        }
        let mut long = io::repeat(b'x').take(VALUE_BYTES_MAX as u64 + 9);
        assert!(matches!(read_all(&mut long), Err(PromptError::TooLong)));
    }
}
