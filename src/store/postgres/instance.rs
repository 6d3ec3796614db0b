//! By what the ledger knows this process: a random token, the one of the process before it in the same
//! directory, and the lock of that directory. Whoever knows the token and holds the same lock knows that
//! the process before is gone; whoever has a copy of the directory has another lock.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use crate::store::files::DirLock;
use crate::store::{StoreError, create_file};

/// The file of the token.
const INSTANCE_FILE: &str = "instance";
/// Starts without a claim that are remembered: the last ones.
const ATTEMPTS: usize = 4;
/// Bytes of a token.
const TOKEN: usize = 16;

/// The tokens with which a claim can be taken over at once, this process's first.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    path: PathBuf,
    /// This process.
    pub(super) token: String,
    /// Whose claim may be taken over: this process's, and those before it here.
    pub(super) known: Vec<String>,
    /// The lock that it holds.
    pub(super) place: String,
}

impl Instance {
    /// A new token; the ones before it are still remembered.
    pub(super) fn begin(dir: &Path, lock: &DirLock) -> Result<Self, StoreError> {
        let path = dir.join(INSTANCE_FILE);
        let place = lock.place().map_err(|source| StoreError::File {
            operation: "find the lock of",
            path: dir.to_owned(),
            source,
        })?;
        let mut bytes = [0_u8; TOKEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::File {
            operation: "find random bytes for",
            path: path.clone(),
            source: std::io::Error::other("the system gives none"),
        })?;
        let token = hex::encode(bytes);
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(StoreError::File { operation: "read", path, source }),
        };
        let is_token = |line: &&str| line.len() == 2 * TOKEN;
        let mut known = vec![token.clone()];
        // The last one is the one that has made a claim. Starts that were refused come before it, however
        // many there were.
        let mut before: Vec<&str> = before.lines().filter(is_token).collect();
        let claimed = before.pop();
        known.extend(before.into_iter().take(ATTEMPTS).chain(claimed).map(str::to_owned));
        let instance = Self { path, token, known, place };
        instance.write(&instance.known)?;
        Ok(instance)
    }

    /// The claim is made: from now on only this token counts. Who has a copy of the directory has none
    /// that does.
    pub(super) fn claimed(&mut self) -> Result<(), StoreError> {
        if self.known.len() > 1 {
            self.known.truncate(1);
            self.write(&self.known)?;
        }
        Ok(())
    }

    fn write(&self, tokens: &[String]) -> Result<(), StoreError> {
        let failed =
            |source| StoreError::File { operation: "write to", path: self.path.clone(), source };
        let new = self.path.with_extension("new");
        create_file(&new)?;
        let mut file = fs::File::create(&new).map_err(failed)?;
        writeln!(file, "{}", tokens.join("\n"))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &self.path))
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_that_are_refused_do_not_forget_whose_claim_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::acquire(dir.path()).unwrap();
        let mut first = Instance::begin(dir.path(), &lock).unwrap();
        first.claimed().unwrap();
        for refused in 1..20 {
            let next = Instance::begin(dir.path(), &lock).unwrap();
            assert!(next.known.contains(&first.token), "{refused}");
            assert!(next.known.len() <= 2 + ATTEMPTS, "{refused}");
        }
        let mut last = Instance::begin(dir.path(), &lock).unwrap();
        last.claimed().unwrap();
        let next = Instance::begin(dir.path(), &lock).unwrap();
        assert_eq!(next.known, [next.token.clone(), last.token]);
    }
}
