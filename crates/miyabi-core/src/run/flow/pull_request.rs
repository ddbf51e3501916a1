//! Stage Pull request: a person's word where the policy wants it, then push, open and merge.

use super::plan::unexpected;
use super::{Flow, Pause};
use crate::gate::Verdict;
use crate::policy::Act;
use crate::run::event::{ApprovalSubject, Decision, FixCause};
use crate::run::step::{GateTarget, SessionKey, Stage, Step};
use crate::run::value::{Candidate, StepValue};
use crate::stop::{Stop, StopKind};

impl Flow<'_> {
    /// The branch's commit that carries the change.
    pub(super) fn pull_request(&mut self, head: &str) -> Result<String, Pause> {
        self.enter(Stage::PullRequest)?;
        self.approve_change(head)?;
        if self.state.spec.engine.uses_model() {
            self.session(&SessionKey::PullRequest { round: 0 })?;
        }
        let round = self.round();
        self.step(Step::Push { round })?;
        self.step(Step::OpenPullRequest { round })?;
        let merged = self.merge()?;
        if self.state.spec.issue.is_some() {
            self.step(Step::CloseIssue)?;
        }
        if self.state.spec.apply_to_checkout {
            self.step(Step::ApplyToCheckout)?;
        }
        Ok(merged)
    }

    fn approve_change(&mut self, head: &str) -> Result<(), Pause> {
        let mut protected_paths = Vec::new();
        let mut has_unknown_gates = false;
        for report in self.state.integrated_reports() {
            protected_paths.extend(report.protected_paths.iter().cloned());
            has_unknown_gates |= report.verdict() == Verdict::Unknown;
        }
        let act = Act::Change { protected_paths: &protected_paths, has_unknown_gates };
        let Some(reason) = self.state.spec.policy.reason_to_ask(act) else {
            return Ok(());
        };
        let decided = self.approval(ApprovalSubject::Change { head: head.to_owned() }, reason)?;
        match decided.decision {
            Decision::ChangesRequested if self.state.spec.engine.uses_model() => {
                self.add_fix(FixCause::Person { note: decided.note })
            }
            Decision::ChangesRequested => {
                let cause = format!("{} wants changes, and this engine can't make them", decided.by.name);
                Err(Pause::Stop(Stop::new(StopKind::Cancelled, cause)))
            }
            _ => Ok(()),
        }
    }

    /// Merges onto the branch as it is at that moment; a branch that moved is looked at again.
    fn merge(&mut self) -> Result<String, Pause> {
        let limit = self.state.spec.limits.merge_rounds;
        for round in 0..limit {
            if self.is_answered_by_fix(round) {
                continue;
            }
            let StepValue::Candidate(candidate) = self.step(Step::MergeCandidate { round })? else {
                return Err(unexpected("a merge candidate"));
            };
            let problem = match candidate {
                Candidate::Conflict { files, .. } => {
                    Some(format!("contradicts the branch in {}", files.join(", ")))
                }
                Candidate::Clean { same_tree: true, .. } => None,
                Candidate::Clean { .. } => {
                    let report = self.gates(GateTarget::Merge { round })?;
                    let red: Vec<_> =
                        report.with_verdict(Verdict::Fail).map(|result| result.gate.as_str()).collect();
                    (!red.is_empty()).then(|| format!("fails on top of the branch: {}", red.join(", ")))
                }
            };
            if let Some(problem) = problem {
                if self.may_fix() {
                    return self.add_fix(FixCause::Branch { round });
                }
                return Err(Pause::Stop(Stop::new(StopKind::GateFailed, format!("the change {problem}"))));
            }
            let StepValue::Merged { commit } = self.step(Step::Merge { round })? else {
                return Err(unexpected("a merge"));
            };
            if let Some(commit) = commit {
                return Ok(commit.clone());
            }
        }
        let cause = format!("the branch moved {limit} times while the change was being merged");
        Err(Pause::Stop(Stop::new(StopKind::Failed, cause)))
    }

    fn is_answered_by_fix(&self, of: u32) -> bool {
        self.state.added.iter().any(|(_, cause)| *cause == FixCause::Branch { round: of })
    }
}
