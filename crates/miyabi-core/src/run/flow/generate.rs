//! Stage Generate: every task's change, checked by the host and put on top of those before it.

use super::plan::unexpected;
use super::{Flow, Pause, stop_kind};
use crate::error::FailureClass;
use crate::gate::{Gate, GateReport, Verdict};
use crate::plan::{Plan, Task};
use crate::run::decide::Command;
use crate::run::event::{ApprovalSubject, Decision, EventBody, FixCause};
use crate::run::session::Session;
use crate::run::spec::Engine;
use crate::run::step::{GateTarget, SessionKey, Stage, Step};
use crate::run::value::{Candidate, StepValue};
use crate::stop::{Stop, StopKind};
use crate::triage::Triage;

impl Flow<'_> {
    /// The run's head with all tasks' changes.
    pub(super) fn generate(&mut self, plan: &Plan) -> Result<String, Pause> {
        self.enter(Stage::Generate)?;
        let added = self.state.added.iter().map(|(task, _)| task);
        let (mut busy, mut waiting) = (0, false);
        for task in plan.tasks.iter().chain(added) {
            if self.state.is_integrated(&task.key) {
                continue;
            }
            waiting = true;
            let is_free = task.depends_on.iter().all(|key| self.state.is_integrated(key));
            if is_free && busy < self.state.spec.limits.parallel {
                busy += 1;
                match self.task(task) {
                    Err(Pause::Stop(stop)) => return Err(Pause::Stop(stop)),
                    Ok(()) | Err(Pause::Pending) => {}
                }
            }
        }
        match self.state.head() {
            Some(head) if !waiting => Ok(head.to_owned()),
            _ => Err(Pause::Pending),
        }
    }

    /// The end of a headless task.
    pub(super) fn finish_exec(&mut self) -> Result<(), Pause> {
        if self.state.head() == self.state.opened().map(|opened| opened.base.as_str()) {
            return Err(Pause::Stop(Stop::new(StopKind::NoChangeNeeded, "the task changed nothing")));
        }
        if self.state.spec.apply_to_checkout {
            self.step(Step::ApplyToCheckout)?;
        }
        Ok(())
    }

    /// Nothing was changed: fine if the base already does what was asked, and that is proven.
    pub(super) fn no_change(&mut self, triage: &Triage, head: &str) -> Result<(), Pause> {
        let Some(base) = self.state.opened().map(|opened| opened.base.clone()) else {
            return Err(Pause::Pending);
        };
        if head != base {
            return Ok(());
        }
        let report = self.gates(GateTarget::Base)?;
        let proven = (0..triage.acceptance.len()).all(|item| self.state.proofs.get(&item) == Some(&true));
        if report.verdict() == Verdict::Pass && proven {
            let cause = "the base commit already does what the issue asks; gates and proofs hold there";
            return Err(Pause::Stop(Stop::new(StopKind::NoChangeNeeded, cause)));
        }
        let reason = "nothing was changed, and it is not proven that nothing has to be".to_owned();
        let decided = self.approval(ApprovalSubject::Change { head: base }, reason)?;
        if decided.decision == Decision::ChangesRequested {
            return self.add_fix(FixCause::Person { note: decided.note });
        }
        let cause = format!("{} agreed that nothing has to be changed", decided.by.name);
        Err(Pause::Stop(Stop::new(StopKind::NoChangeNeeded, cause)))
    }

    /// Adds a task that repairs what is there.
    pub(super) fn add_fix<T>(&mut self, cause: FixCause) -> Result<T, Pause> {
        let number = self.round() + 1;
        let (title, goal) = match &cause {
            FixCause::Review { .. } => {
                ("Fix what the review found", "Every confirmed finding of the review is dealt with.")
            }
            FixCause::Person { .. } => ("Change what was asked for", "What the person asked for is done."),
            FixCause::Branch { .. } => {
                ("Fit to the branch", "The change fits the branch as it is now; all gates pass.")
            }
        };
        let task = Task {
            key: crate::plan::TaskKey(format!("fix{number}")),
            title: title.into(),
            goal: goal.into(),
            touches: vec!["**".into()],
            depends_on: Vec::new(),
            covers: Vec::new(),
            budget_percent: 100,
        };
        self.record(EventBody::TaskAdded { task, cause })
    }

    /// Whether a fix can be made for another cause of this kind.
    pub(super) fn may_fix(&self) -> bool {
        let fixes =
            self.state.added.iter().filter(|(_, cause)| !matches!(cause, FixCause::Person { .. })).count();
        self.state.spec.engine.uses_model() && fixes < self.state.spec.limits.fixes as usize
    }

    pub(super) fn gates(&mut self, target: GateTarget) -> Result<GateReport, Pause> {
        match self.step(Step::Gates { target })? {
            StepValue::Gated(report) => Ok(report.clone()),
            _ => Err(unexpected("a gate report")),
        }
    }

    fn task(&mut self, task: &Task) -> Result<(), Pause> {
        let key = &task.key;
        self.step(Step::Checkout { task: key.clone() })?;
        let brings_branch = self
            .state
            .added
            .iter()
            .any(|(added, cause)| added.key == *key && matches!(cause, FixCause::Branch { .. }));
        if brings_branch {
            self.step(Step::Refresh { task: key.clone(), round: 0 })?;
        }
        let has_set_up = self.state.opened().is_some_and(|opened| !opened.checks.setup.is_empty());
        if has_set_up {
            self.step(Step::SetUp { task: key.clone() })?;
        }
        let round = match &self.state.spec.engine {
            Engine::Loop => self.finished_round(task)?,
            Engine::Patch { .. } => {
                self.step(Step::ApplyPatch { task: key.clone() })?;
                0
            }
            Engine::Recipe { .. } => {
                self.step(Step::RunRecipe { task: key.clone() })?;
                0
            }
        };
        self.check_and_integrate(task, round)
    }

    /// Which commit of the task is to be checked: the conversation waits with an open `finish`.
    fn finished_round(&mut self, task: &Task) -> Result<u32, Pause> {
        let key = SessionKey::Generate { task: task.key.clone() };
        match self.state.sessions.get(&key) {
            Some(session) if session.finishes > self.state.spec.limits.finishes => {
                let cause = format!("task `{}`: its work was refused {} times", task.key, session.finishes);
                Err(Pause::Stop(Stop::new(StopKind::GateFailed, self.last_refusal(task).unwrap_or(cause))))
            }
            Some(session) if session.open_finish().is_some() && self.has_no_other_call(&key, session) => {
                Ok(session.finishes)
            }
            _ => self.converse(&key),
        }
    }

    /// Nothing of the answer that called `finish` is still to be done, or being done.
    fn has_no_other_call(&self, key: &SessionKey, session: &Session) -> bool {
        let runs = |step: &Step| matches!(step, Step::Call { session, .. } if session == key);
        session.ready_calls().is_empty()
            && session.open_question().is_none()
            && !self.state.open.keys().any(runs)
    }

    fn check_and_integrate(&mut self, task: &Task, round: u32) -> Result<(), Pause> {
        let key = &task.key;
        match self.try_step(Step::Commit { task: key.clone(), round })? {
            Ok(_) => {}
            // Told to the model, which takes the conversation up again.
            Err(failure)
                if failure.class == FailureClass::Permanent && self.state.spec.engine.uses_model() =>
            {
                return Err(Pause::Pending);
            }
            Err(failure) => {
                return Err(Pause::Stop(Stop::new(stop_kind(failure.code), failure.message.clone())));
            }
        }
        if self.state.is_integrated(key) {
            return Ok(());
        }
        if self.state.spec.gates {
            let report = self.gates(GateTarget::Task { task: key.clone(), round })?;
            self.refuse_red(task, &report)?;
        }
        if self.another_integrates(task) {
            return Err(Pause::Pending);
        }
        let StepValue::Candidate(candidate) = self.step(Step::Integrate { task: key.clone(), round })? else {
            return Err(unexpected("a merge candidate"));
        };
        match candidate {
            Candidate::Conflict { files, .. } if self.state.spec.engine.uses_model() => {
                debug_assert!(!files.is_empty(), "a conflict names its files");
                self.step(Step::Refresh { task: key.clone(), round: round + 1 })?;
                Err(Pause::Pending)
            }
            Candidate::Conflict { files, .. } => {
                let cause = format!("the change contradicts the branch in {}", files.join(", "));
                Err(Pause::Stop(Stop::new(StopKind::GateFailed, cause)))
            }
            Candidate::Clean { .. } => {
                let report = self.gates(GateTarget::Integration { task: key.clone(), round })?;
                if report.verdict() == Verdict::Fail && self.state.spec.engine.uses_model() {
                    self.step(Step::Refresh { task: key.clone(), round: round + 1 })?;
                }
                self.refuse_red(task, &report)
            }
        }
    }

    /// A red report ends a run without a model; with one, it has been told to the model.
    fn refuse_red(&self, task: &Task, report: &GateReport) -> Result<(), Pause> {
        if report.verdict() != Verdict::Fail {
            return Ok(());
        }
        if self.state.spec.engine.uses_model() {
            return Err(Pause::Pending);
        }
        let cause = describe_red(task, report);
        Err(Pause::Stop(Stop::new(StopKind::GateFailed, cause)))
    }

    /// Changes are put on top of each other one at a time.
    fn another_integrates(&self, task: &Task) -> bool {
        let called_for = self.commands.iter().filter_map(|command| match command {
            Command::Start { step, .. } => Some(step),
            _ => None,
        });
        let begun = self.state.open.keys().chain(self.state.ended.keys()).chain(called_for);
        let mut others = begun.filter_map(|step| match step {
            Step::Integrate { task: other, round } if *other != task.key => Some((other, round)),
            _ => None,
        });
        others.any(|(other, round)| {
            let refused = self.state.sessions.get(&SessionKey::Generate { task: other.clone() });
            let refused = refused.is_some_and(|session| session.finishes > *round);
            !self.state.is_integrated(other) && !refused
        })
    }

    fn last_refusal(&self, task: &Task) -> Option<String> {
        let last = self.state.ended.iter().rev().find_map(|(step, ended)| match (step, &ended.result) {
            (
                Step::Gates {
                    target: GateTarget::Task { task: of, .. } | GateTarget::Integration { task: of, .. },
                },
                Ok(StepValue::Gated(report)),
            ) if *of == task.key && report.verdict() == Verdict::Fail => Some(report),
            _ => None,
        })?;
        Some(describe_red(task, last))
    }
}

fn describe_red(task: &Task, report: &GateReport) -> String {
    let red: Vec<String> = report
        .with_verdict(Verdict::Fail)
        .map(|result| format!("{}: {}", Gate::as_str(result.gate), result.detail))
        .collect();
    format!("task `{}` does not pass: {}", task.key, red.join("; "))
}
