//! What the reviewers of a round said, and the judgement that code makes of it.

use super::state::RunState;
use super::step::{SessionKey, Step};
use super::value::{Judgement, StepValue};
use crate::finding::{Aspect, Finding, Review};
use crate::triage::Triage;

/// All findings of a round, analysers first, in the order in which the second look numbers them.
pub fn findings_of(state: &RunState, round: u32) -> (Vec<Finding>, Vec<Finding>) {
    let analysed = match state.value(&Step::Analyse { round }) {
        Some(StepValue::Analysed { findings, .. }) => findings.clone(),
        _ => Vec::new(),
    };
    let mut claimed = Vec::new();
    for aspect in Aspect::ALL {
        let session = state.sessions.get(&SessionKey::Review { round, aspect });
        if let Some(Judgement::Findings { findings }) = session.and_then(|session| session.accepted.as_ref())
        {
            claimed.extend(findings.iter().cloned());
        }
    }
    (analysed, claimed)
}

/// The judgement about a round; `None` while it is not complete.
pub fn review_of(state: &RunState, triage: &Triage, round: u32, head: &str) -> Option<Review> {
    let (mut findings, claimed) = findings_of(state, round);
    let mut refuted = Vec::new();
    let mut doubted = Vec::new();
    if !claimed.is_empty() {
        let session = state.sessions.get(&SessionKey::Validate { round })?;
        let Some(Judgement::Validated { confirmed, unproven }) = &session.accepted else {
            return None;
        };
        for (index, finding) in claimed.into_iter().enumerate() {
            if confirmed.contains(&index) {
                findings.push(finding);
            } else {
                refuted.push(finding);
            }
        }
        doubted.clone_from(unproven);
    }
    // An item counts as proven only if the host ran its proof; a reviewer can doubt more, but vouch for nothing.
    let is_unproven = |item: usize| state.proofs.get(&item) != Some(&true) || doubted.contains(&item);
    let items = triage.acceptance.iter().enumerate();
    let unproven = items.filter(|(item, _)| is_unproven(*item)).map(|(_, text)| text.clone()).collect();
    Some(Review::judge(head.to_owned(), findings, refuted, unproven))
}
