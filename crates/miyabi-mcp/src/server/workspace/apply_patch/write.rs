//! Writing what a patch makes, and putting back what was there if that fails.

use super::mode::{self, Bits};
use super::{Call, Files};
use crate::patch::FileWrite;
use crate::registry::Problem;
use crate::server::workspace::refused;

/// Writes all files or none. A crash in between is seen by the call's repetition.
pub(super) async fn all(call: &Call, writes: &[FileWrite], before: &Files) -> Result<(), Problem> {
    let bits = mode::wanted(call, writes).await?;
    let mut done = 0;
    let mut problem = None;
    // New content first: as long as old files are there, nothing is lost.
    let (first, last): (Vec<_>, Vec<_>) = writes.iter().partition(|write| write.bytes.is_some());
    let ordered: Vec<&FileWrite> = first.into_iter().chain(last).collect();
    for write in &ordered {
        done += 1;
        if let Err(error) = one(call, write).await {
            problem = Some(error);
            break;
        }
    }
    let mut changed_bits = Vec::new();
    if problem.is_none() {
        problem = mode::set(call, &bits, &mut changed_bits).await.err();
    }
    let Some(problem) = problem else { return Ok(()) };
    put_back(call, &ordered[..done], before, &changed_bits).await?;
    Err(problem)
}

async fn one(call: &Call, write: &FileWrite) -> Result<(), Problem> {
    let id = &call.scope.checkout;
    match &write.bytes {
        Some(bytes) => call.checkouts.write(id, &write.path, bytes).await.map_err(refused),
        None => call.checkouts.remove_file(id, &write.path).await.map(drop).map_err(refused),
    }
}

async fn put_back(call: &Call, done: &[&FileWrite], before: &Files, bits: &[Bits]) -> Result<(), Problem> {
    let opposite: Vec<Bits> = bits.iter().map(Bits::opposite).collect();
    mode::set(call, &opposite, &mut Vec::new()).await?;
    let id = &call.scope.checkout;
    for write in done.iter().rev() {
        match before.get(&write.path).and_then(Option::as_ref) {
            Some(bytes) => call.checkouts.write(id, &write.path, bytes).await?,
            None => call.checkouts.remove_file(id, &write.path).await.map(drop)?,
        }
    }
    Ok(())
}
