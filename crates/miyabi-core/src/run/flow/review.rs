//! Stage Review: analysers first, independent reviewers next, then a second look at what they found.

use super::plan::unexpected;
use super::{Flow, Pause};
use crate::finding::{Aspect, Review};
use crate::run::event::{ApprovalSubject, Decision, FixCause};
use crate::run::review::{findings_of, review_of};
use crate::run::step::{SessionKey, Stage, Step};
use crate::run::value::StepValue;
use crate::triage::Triage;

impl Flow<'_> {
    pub(super) fn review(&mut self, triage: &Triage, head: &str) -> Result<(), Pause> {
        self.enter(Stage::Review)?;
        let round = self.round();
        let StepValue::Analysed { .. } = self.step(Step::Analyse { round })? else {
            return Err(unexpected("the analysers' findings"));
        };
        if self.state.spec.engine.uses_model() {
            self.reviewers(round)?;
            // Nothing claimed, nothing to look at again.
            if !findings_of(self.state, round).1.is_empty() {
                self.session(&SessionKey::Validate { round })?;
            }
        }
        let Some(review) = review_of(self.state, triage, round, head) else {
            return Err(unexpected("a review"));
        };
        if review.passes() {
            return Ok(());
        }
        if self.may_fix() {
            return self.add_fix(FixCause::Review { round });
        }
        let reason = format!("the review gives {} of 100 points: {}", review.score, first_reason(&review));
        let decided = self.approval(ApprovalSubject::DisputedReview { head: head.to_owned() }, reason)?;
        match decided.decision {
            Decision::ChangesRequested => self.add_fix(FixCause::Person { note: decided.note }),
            _ => Ok(()),
        }
    }

    /// All reviewers, at the same time.
    fn reviewers(&mut self, round: u32) -> Result<(), Pause> {
        let mut result = Ok(());
        for aspect in Aspect::ALL {
            match self.session(&SessionKey::Review { round, aspect }) {
                Err(Pause::Stop(stop)) => return Err(Pause::Stop(stop)),
                Err(Pause::Pending) => result = Err(Pause::Pending),
                Ok(_) => {}
            }
        }
        result
    }
}

fn first_reason(review: &Review) -> String {
    let worst = review.findings.iter().max_by_key(|finding| finding.severity);
    match (review.unproven.first(), worst) {
        (Some(item), _) => format!("no proof of \"{item}\""),
        (None, Some(finding)) => finding.problem.clone(),
        (None, None) => "no finding".into(),
    }
}
