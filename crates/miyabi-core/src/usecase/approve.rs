//! Decide what a run asks: approve, ask for changes, reject. The first answer wins, wherever it comes from.

use super::{Act, Caller, Error, Runs, may, record};
use crate::digest::Digest;
use crate::id::RunId;
use crate::run::event::{ApprovalRequest, ApprovalSubject, Decision};
use crate::run::{EventBody, RunState};

/// The fewest characters of a commit's or a plan's hash that name it.
const SHORTEST_VERSION: usize = 7;

/// The longest note, in bytes.
pub const MAX_NOTE_BYTES: usize = 32 * 1024;

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideApproval {
    /// The run that asks.
    pub run: RunId,
    /// The question's name; `None` for the only one that is open.
    pub approval: Option<String>,
    /// The decision.
    pub decision: Decision,
    /// Words to the agents. Needed when changes are asked for.
    pub note: Option<String>,
    /// What the person looked at: the commit, or the plan's hash, or the beginning of it. The decision only counts
    /// for that.
    pub head: Option<String>,
}

/// Decides an open question of a run.
///
/// # Errors
/// [`Error::NotWaiting`], [`Error::Ambiguous`] when several questions are open and none is named,
/// [`Error::Decided`] when somebody was faster, [`Error::Stale`] when the run waits for a decision about something
/// else than what the person saw.
pub async fn decide_approval(
    runs: &Runs,
    caller: &Caller,
    request: &DecideApproval,
) -> Result<RunState, Error> {
    may(caller, Act::Decide)?;
    if !caller.actor.label.may_steer() {
        return Err(Error::Permission { name: caller.actor.name.clone(), act: Act::Decide.words() });
    }
    let note = note(runs, request).await?;
    record::write(runs, caller, request.run, |state| {
        let (name, asked) = find(state, request)?;
        check_version(state, request, asked)?;
        Ok(vec![EventBody::ApprovalDecided {
            approval: name.to_owned(),
            decision: request.decision,
            by: caller.actor.clone(),
            note,
        }])
    })
    .await
}

async fn note(runs: &Runs, request: &DecideApproval) -> Result<Option<Digest>, Error> {
    let note = request.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    match note {
        None if request.decision == Decision::ChangesRequested => {
            Err(Error::invalid("note", "must say what to change"))
        }
        None => Ok(None),
        Some(note) if note.len() > MAX_NOTE_BYTES => {
            Err(Error::invalid("note", format!("must have at most {MAX_NOTE_BYTES} bytes")))
        }
        Some(note) => Ok(Some(runs.artifacts.put(note.as_bytes()).await?)),
    }
}

fn find<'a>(state: &'a RunState, request: &DecideApproval) -> Result<(&'a str, &'a ApprovalRequest), Error> {
    let run = request.run;
    if let Some(stop) = &state.stop {
        return Err(Error::RunEnded { run, stop: stop.clone() });
    }
    let Some(name) = &request.approval else {
        let open: Vec<_> = state.pending_approvals().collect();
        return match open.as_slice() {
            [] => Err(Error::NotWaiting { run }),
            [(name, approval)] => Ok((name, &approval.request)),
            several => Err(Error::Ambiguous {
                kind: "open question",
                name: run.to_string(),
                candidates: several.iter().map(|(name, _)| (*name).to_owned()).collect(),
            }),
        };
    };
    let Some((name, approval)) = state.approvals.get_key_value(name) else {
        return Err(Error::not_found("question", name));
    };
    match &approval.decided {
        Some(decided) => Err(Error::Decided { run, approval: name.clone(), by: decided.by.name.clone() }),
        None => Ok((name, &approval.request)),
    }
}

/// The version of what is asked about; `None` for questions that have none but the run's own head.
pub fn version_of(subject: &ApprovalSubject) -> Option<String> {
    match subject {
        ApprovalSubject::Plan { digest } | ApprovalSubject::Call { digest, .. } => Some(digest.hex()),
        ApprovalSubject::Change { head } | ApprovalSubject::DisputedReview { head } => Some(head.clone()),
        ApprovalSubject::Deploy { commit } => Some(commit.clone()),
        ApprovalSubject::Question { .. } | ApprovalSubject::Obstacle { .. } => None,
    }
}

fn check_version(state: &RunState, request: &DecideApproval, asked: &ApprovalRequest) -> Result<(), Error> {
    let Some(given) = &request.head else {
        return Ok(());
    };
    if given.len() < SHORTEST_VERSION {
        return Err(Error::invalid("head", format!("must have at least {SHORTEST_VERSION} characters")));
    }
    let current = version_of(&asked.subject).or_else(|| state.head().map(str::to_owned));
    let current = current.unwrap_or_default();
    let given = given.trim_start_matches("sha256:").to_ascii_lowercase();
    if current.starts_with(&given) {
        return Ok(());
    }
    let current = current.chars().take(12).collect();
    Err(Error::Stale { run: request.run, given, current })
}
