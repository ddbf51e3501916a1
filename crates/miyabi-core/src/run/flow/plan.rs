//! Stages Issue and Coordinate: what is asked, and in which tasks it will be done.

use super::{Flow, Pause};
use crate::digest::Digest;
use crate::plan::Plan;
use crate::policy::Act;
use crate::run::event::{ApprovalSubject, Decision};
use crate::run::planned::single_task;
use crate::run::spec::Template;
use crate::run::step::{SessionKey, Stage, Step};
use crate::run::value::{Judgement, StepValue};
use crate::stop::{Stop, StopKind};
use crate::triage::Triage;

impl Flow<'_> {
    pub(super) fn plan(&mut self) -> Result<(Triage, Plan), Pause> {
        if self.state.spec.template == Template::Exec {
            self.step(Step::Open)?;
            return Ok(single_task(&self.state.spec.title));
        }
        self.enter(Stage::Issue)?;
        self.step(Step::Open)?;
        if !self.state.spec.engine.uses_model() {
            return self.plan_by_rules();
        }
        let triage = self.triage()?;
        self.label()?;
        self.enter(Stage::Coordinate)?;
        let Judgement::Plan(plan) = self.session(&SessionKey::Coordinate)? else {
            return Err(unexpected("a plan"));
        };
        self.approve_plan(plan)?;
        Ok((triage, plan.clone()))
    }

    fn plan_by_rules(&mut self) -> Result<(Triage, Plan), Pause> {
        let StepValue::Planned { triage, plan } = self.step(Step::PlanByRules)? else {
            return Err(unexpected("a plan"));
        };
        self.label()?;
        self.enter(Stage::Coordinate)?;
        self.approve_plan(plan)?;
        Ok((triage.clone(), plan.clone()))
    }

    fn label(&mut self) -> Result<(), Pause> {
        if self.state.spec.issue.is_some() {
            self.step(Step::LabelIssue)?;
        }
        Ok(())
    }

    /// The triage, clear enough to act on.
    fn triage(&mut self) -> Result<Triage, Pause> {
        let Judgement::Triage(triage) = self.session(&SessionKey::Issue)? else {
            return Err(unexpected("a triage"));
        };
        if let Some(obstacle) = triage.obstacle(self.state.spec.limits.confidence_percent) {
            // An answer re-opens the conversation, so a decided question means: go on all the same.
            let turn = self.state.sessions.get(&SessionKey::Issue).map_or(0, |session| session.turn);
            let step = Step::Ask { session: SessionKey::Issue, turn };
            self.approval(ApprovalSubject::Question { step, text: obstacle.clone() }, obstacle)?;
        }
        Ok(triage.clone())
    }

    fn approve_plan(&mut self, plan: &Plan) -> Result<(), Pause> {
        if let Some(reason) = self.state.spec.policy.reason_to_ask(Act::Plan) {
            let decided = self.approval(ApprovalSubject::Plan { digest: Digest::of_json(plan) }, reason)?;
            if decided.decision == Decision::ChangesRequested {
                let cause =
                    format!("{} did not approve the plan; say more in the issue and retry", decided.by.name);
                return Err(Pause::Stop(Stop::new(StopKind::Cancelled, cause)));
            }
        }
        Ok(())
    }
}

/// A step's value of another kind than the step has: the journal was not written by this program.
pub(super) fn unexpected(wanted: &str) -> Pause {
    Pause::Stop(Stop::new(
        StopKind::Failed,
        format!("the journal holds something else where {wanted} should be"),
    ))
}
