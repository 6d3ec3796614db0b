//! Asking a witness to sign checkpoints too (C2SP tlog-witness, `add-checkpoint`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use tokio::sync::mpsc;

use super::publish::{Item, Ways, newest};
use crate::config::Witness;
use crate::proxy::{Outward, Question};
use crate::seal::{Checkpoint, Sealed, Sealer, cosignature};

/// How long a witness may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is looked at, in bytes.
const ANSWER_BYTES: usize = 16 * 1024;
/// Once it has said what it knows, it is asked once more.
const TRIES: usize = 2;

/// Asks for every checkpoint that is the newest of its log when its turn comes.
pub(super) async fn ask_all(
    witness: Witness,
    sealer: Sealer,
    ways: Ways,
    mut items: mpsc::Receiver<Item>,
) {
    let outward = Outward::default();
    let mut known = BTreeMap::new();
    while let Some(newest) = newest(&mut items).await {
        for item in newest {
            let Item::Checkpoint(sealed) = item else { continue };
            let known: &mut u64 = known.entry(sealed.writer.clone()).or_default();
            let name = witness.key.name();
            match ask(&outward, &witness, &sealer, &sealed, known).await {
                Ok(()) => ways.works("witness", name),
                Err(problem) => {
                    ways.failed("witness", name);
                    tracing::warn!(witness = name, problem, "a witness did not sign a checkpoint");
                }
            }
        }
    }
}

/// Asks for one signature. `known` is the size that the witness has seen before.
async fn ask(
    outward: &Outward,
    witness: &Witness,
    sealer: &Sealer,
    sealed: &Sealed,
    known: &mut u64,
) -> Result<(), String> {
    let checkpoint = &sealed.checkpoint;
    for _ in 0..TRIES {
        let proof = sealer.consistency(&sealed.writer, *known, checkpoint.size).await;
        let proof = proof.map_err(|error| error.to_string())?;
        let mut body = format!("old {known}\n");
        // Writing to a `String` cannot fail.
        proof.iter().for_each(|hash| writeln!(body, "{hash}").unwrap_or_default());
        body.push('\n');
        body.push_str(&checkpoint.note);
        let question = Question {
            endpoint: &witness.endpoint,
            body: Some(("text/plain", body)),
            authorization: None,
            limit: ANSWER_BYTES,
            timeout: TIMEOUT,
        };
        let reply = outward.ask(question).await.map_err(|error| error.to_string())?;
        let answer = String::from_utf8(reply.body).map_err(|_| "its answer is no text")?;
        match reply.status {
            200 => {
                let lines = signed(checkpoint, &answer, witness)?;
                let kept = sealer.cosign(&sealed.writer, checkpoint.size, lines).await;
                kept.map_err(|error| error.to_string())?;
                *known = checkpoint.size;
                return Ok(());
            }
            // It has seen another size than was said, and says which.
            409 => {
                let size = answer.trim().parse::<u64>().ok();
                let size = size.filter(|size| *size <= checkpoint.size && *size != *known);
                *known =
                    size.ok_or("it has seen a larger tree of this log, or contradicts itself")?;
            }
            422 => return Err("it does not accept the proof: it has seen another log".to_owned()),
            status => return Err(format!("its answer has the status {status}")),
        }
    }
    Err("it does not say what it has seen".to_owned())
}

/// The witness's signature, if it holds.
fn signed(checkpoint: &Checkpoint, lines: &str, witness: &Witness) -> Result<String, String> {
    let lines: String = lines.lines().map(|line| format!("{line}\n")).collect();
    let signed = checkpoint.with_signatures(&lines).map_err(|_| "its answer is no signature")?;
    match cosignature(&signed, &witness.key) {
        Some(_) => Ok(lines),
        None => Err("its signature does not hold".to_owned()),
    }
}
