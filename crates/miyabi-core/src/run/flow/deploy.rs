//! Stage Deploy: build, note what is there, activate, look, watch; and back if it does not hold.

use super::plan::unexpected;
use super::{Flow, Pause};
use crate::policy::Act;
use crate::run::event::{ApprovalSubject, Decision};
use crate::run::step::{HealthPhase, SessionKey, Stage, Step};
use crate::run::value::StepValue;
use crate::stop::{Stop, StopKind};

impl Flow<'_> {
    pub(super) fn deploy(&mut self, merged: &str) -> Result<(), Pause> {
        self.enter(Stage::Deploy)?;
        let StepValue::Built { release, .. } = self.step(Step::Build)? else {
            return Err(unexpected("a release"));
        };
        if release.is_none() {
            return Ok(());
        }
        self.step(Step::RecordPrevious)?;
        if let Some(reason) = self.state.spec.policy.reason_to_ask(Act::Deploy) {
            let decided = self.approval(ApprovalSubject::Deploy { commit: merged.to_owned() }, reason)?;
            if decided.decision == Decision::ChangesRequested {
                let cause = format!("merged, but {} did not want it deployed", decided.by.name);
                return Err(Pause::Stop(Stop::new(StopKind::Cancelled, cause)));
            }
        }
        match self.bring_out()? {
            None => Ok(()),
            Some(problem) => self.take_back(&problem),
        }
    }

    /// Activates the release; what is wrong with it, if anything is.
    fn bring_out(&mut self) -> Result<Option<String>, Pause> {
        if let Err(failure) = self.try_step(Step::Activate)? {
            return Ok(Some(failure.message.clone()));
        }
        for phase in [HealthPhase::Start, HealthPhase::Watch] {
            match self.try_step(Step::CheckHealth { phase })? {
                Ok(StepValue::Health(health)) if health.healthy => {}
                Ok(StepValue::Health(health)) => return Ok(Some(health.detail.clone())),
                Ok(_) => return Err(unexpected("health samples")),
                Err(failure) => return Ok(Some(failure.message.clone())),
            }
        }
        Ok(None)
    }

    fn take_back(&mut self, problem: &str) -> Result<(), Pause> {
        if let Err(failure) = self.try_step(Step::Rollback)? {
            let cause = format!(
                "the new release is not healthy ({problem}), and the old one could not be brought back: {failure}"
            );
            return Err(Pause::Stop(Stop::new(StopKind::RolledBack, cause)));
        }
        let phase = HealthPhase::Rollback;
        let back = match self.try_step(Step::CheckHealth { phase })? {
            Ok(StepValue::Health(health)) if health.healthy => {
                "the previous release is back and healthy".to_owned()
            }
            Ok(StepValue::Health(health)) => {
                format!("the previous release is back, but not healthy: {}", health.detail)
            }
            Ok(_) => return Err(unexpected("health samples")),
            Err(failure) => format!("the previous release is back; its health is not known: {failure}"),
        };
        if self.state.spec.engine.uses_model() {
            // The note is worth having, not worth failing for: without it the facts speak alone.
            match self.session(&SessionKey::Incident) {
                Err(Pause::Pending) => return Err(Pause::Pending),
                Ok(_) | Err(Pause::Stop(_)) => {}
            }
        }
        self.step(Step::OpenRevert)?;
        if self.state.spec.issue.is_some() {
            self.step(Step::ReopenIssue)?;
        }
        Err(Pause::Stop(Stop::new(StopKind::RolledBack, format!("{problem}; {back}"))))
    }
}
