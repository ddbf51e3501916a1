//! The state of a run: what its journal adds up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Actor, ApprovalRequest, Decision, FixCause};
use super::session::Session;
use super::spec::RunSpec;
use super::step::{Effect, GateTarget, SessionKey, Stage, Step};
use super::value::{Opened, StepValue};
use crate::budget::{Cap, Ledger, Reserve};
use crate::digest::Digest;
use crate::error::Failure;
use crate::gate::GateReport;
use crate::id::RunId;
use crate::plan::{Task, TaskKey};
use crate::stop::{Status, Stop};
use crate::time::Timestamp;

/// Everything that is known of a run. Made by folding its events with [`super::apply`]; nothing else changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The run.
    pub run_id: RunId,
    /// What it shall do.
    pub spec: RunSpec,
    /// The last event that is folded in.
    pub seq: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the last event was written.
    pub updated_at: Timestamp,
    /// Whether a worker took it up.
    pub is_started: bool,
    /// Time in which it worked, in milliseconds, up to the last event.
    pub active_ms: u64,
    /// Steps that are begun and not ended.
    #[serde(with = "pairs")]
    pub open: BTreeMap<Step, OpenStep>,
    /// Steps that ended, well or not.
    #[serde(with = "pairs")]
    pub ended: BTreeMap<Step, EndedStep>,
    /// Conversations.
    #[serde(with = "pairs")]
    pub sessions: BTreeMap<SessionKey, Session>,
    /// Questions to people, by name.
    pub approvals: BTreeMap<String, Approval>,
    /// Tasks added to the plan, each with its cause.
    pub added: Vec<(Task, FixCause)>,
    /// Tasks whose change is part of the run's, in the order in which they became so.
    pub integrated: Vec<Integrated>,
    /// Acceptance items with a proof that was run, and whether it held the last time.
    pub proofs: BTreeMap<usize, bool>,
    /// Stages entered, with round and time.
    pub stages: Vec<StageMark>,
    /// What it used.
    pub ledger: Ledger,
    /// Whether the agents were told that most of a cap is used.
    pub is_warned: bool,
    /// The cap that is used up.
    pub exceeded: Option<Cap>,
    /// Whether the time cap is used up.
    pub is_overdue: bool,
    /// Who wants it to stop.
    pub cancelled_by: Option<Actor>,
    /// How it ended.
    pub stop: Option<Stop>,
}

/// A step between its intent and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStep {
    /// Which try, counted from 1.
    pub attempt: u32,
    /// What may be done about it after a crash.
    pub effect: Effect,
    /// What a model call may cost at worst.
    pub reserve: Option<Reserve>,
    /// When it began.
    pub since: Timestamp,
    /// When to try again, if this try ended; `None` while it runs.
    pub retry_at: Option<Timestamp>,
    /// An earlier try may have happened without our knowing.
    pub may_have_happened: bool,
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndedStep {
    /// Which try ended it.
    pub attempt: u32,
    /// How long that took, in milliseconds.
    pub duration_ms: u64,
    /// What came of it.
    pub result: Result<StepValue, Failure>,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is asked.
    pub request: ApprovalRequest,
    /// When.
    pub requested_at: Timestamp,
    /// The decision, once made.
    pub decided: Option<Decided>,
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// Who.
    pub by: Actor,
    /// Their words.
    pub note: Option<Digest>,
    /// When.
    pub at: Timestamp,
}

/// A task whose change is part of the run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrated {
    /// The task.
    pub task: TaskKey,
    /// The run's head with it; `None` when the task changed nothing.
    pub commit: Option<String>,
    /// The gates that checked these files.
    pub gates: Option<GateTarget>,
}

/// A stage that was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageMark {
    /// The stage.
    pub stage: Stage,
    /// Fixes before it.
    pub round: u32,
    /// When.
    pub at: Timestamp,
}

impl RunState {
    /// The state before the first event is folded in.
    pub fn new(run_id: RunId, spec: RunSpec, created_at: Timestamp) -> Self {
        Self {
            run_id,
            spec,
            seq: 0,
            created_at,
            updated_at: created_at,
            is_started: false,
            active_ms: 0,
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            sessions: BTreeMap::new(),
            approvals: BTreeMap::new(),
            added: Vec::new(),
            integrated: Vec::new(),
            proofs: BTreeMap::new(),
            stages: Vec::new(),
            ledger: Ledger::default(),
            is_warned: false,
            exceeded: None,
            is_overdue: false,
            cancelled_by: None,
            stop: None,
        }
    }

    /// The state in one word.
    pub fn status(&self) -> Status {
        match &self.stop {
            Some(stop) => stop.kind.status(),
            None if !self.is_started => Status::Queued,
            None if self.open.is_empty() && self.pending_approvals().next().is_some() => Status::Waiting,
            None => Status::Running,
        }
    }

    /// The stage it is in.
    pub fn stage(&self) -> Option<Stage> {
        self.stages.last().map(|mark| mark.stage)
    }

    /// Questions that nobody has answered.
    pub fn pending_approvals(&self) -> impl Iterator<Item = (&str, &Approval)> {
        let pending = self.approvals.iter().filter(|(_, approval)| approval.decided.is_none());
        pending.map(|(name, approval)| (name.as_str(), approval))
    }

    /// The value of a step that ended well.
    pub fn value(&self, step: &Step) -> Option<&StepValue> {
        self.ended.get(step)?.result.as_ref().ok()
    }

    /// The project as the run found it.
    pub fn opened(&self) -> Option<&Opened> {
        match self.value(&Step::Open)? {
            StepValue::Opened(opened) => Some(opened),
            _ => None,
        }
    }

    /// The run's change so far: the last integrated commit, or the commit it started from.
    pub fn head(&self) -> Option<&str> {
        let integrated = self.integrated.iter().rev().find_map(|integrated| integrated.commit.as_deref());
        integrated.or_else(|| self.opened().map(|opened| opened.base.as_str()))
    }

    /// Whether a task's change is part of the run's.
    pub fn is_integrated(&self, task: &TaskKey) -> bool {
        self.integrated.iter().any(|integrated| integrated.task == *task)
    }

    /// The gates' report at a target.
    pub fn gate_report(&self, target: &GateTarget) -> Option<&GateReport> {
        match self.value(&Step::Gates { target: target.clone() })? {
            StepValue::Gated(report) => Some(report),
            _ => None,
        }
    }

    /// The reports about the files that make up the run's change, in the order of integration.
    pub fn integrated_reports(&self) -> impl Iterator<Item = &GateReport> {
        self.integrated.iter().filter_map(|integrated| self.gate_report(integrated.gates.as_ref()?))
    }

    /// The pull request, once opened.
    pub fn pull_request(&self) -> Option<(u64, Option<&str>)> {
        self.ended.iter().rev().find_map(|(step, ended)| match (step, &ended.result) {
            (Step::OpenPullRequest { .. }, Ok(StepValue::PullRequest { number, url })) => {
                Some((*number, url.as_deref()))
            }
            _ => None,
        })
    }

    /// The branch's commit that carries the change, once merged.
    pub fn merged_commit(&self) -> Option<&str> {
        self.ended.iter().find_map(|(step, ended)| match (step, &ended.result) {
            (Step::Merge { .. }, Ok(StepValue::Merged { commit: Some(commit) })) => Some(commit.as_str()),
            _ => None,
        })
    }

    /// A digest of the whole state: equal for equal journals, on every machine.
    pub fn hash(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// Maps whose keys are not texts, written as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S, K, V>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        K: Serialize,
        V: Serialize,
    {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
