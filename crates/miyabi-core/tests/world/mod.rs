//! The made-up outside: performs any step with a plausible value, or makes it fail, or loses it.

use std::collections::BTreeMap;

use miyabi_core::budget::{Admission, Budget, PRICE_CEILING, Reserve};
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::finding::{Finding, Severity};
use miyabi_core::gate::{Checks, Gate, GateReport, GateResult, Verdict};
use miyabi_core::id::{ProjectId, RunId, TenantId};
use miyabi_core::label::Label;
use miyabi_core::money::UsdMicros;
use miyabi_core::plan::{Plan, Task, TaskKey};
use miyabi_core::policy::Policy;
use miyabi_core::port::model::{ModelName, Usage};
use miyabi_core::run::apply::{apply, begin};
use miyabi_core::run::decide::admit;
use miyabi_core::run::event::{Actor, Decision, VERSION};
use miyabi_core::run::spec::{Autonomy, Limits, RoleModel, Template};
use miyabi_core::run::step::{Effect, GateTarget, SessionKey};
use miyabi_core::run::value::{
    CallRef, Called, Candidate, Committed, Control, Finish, Health, Judgement, Opened, Opening, Proof, Spent,
    Turn,
};
use miyabi_core::run::{Command, Engine, Event, EventBody, RunSpec, RunState, Step, StepValue, decide};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::time::Timestamp;
use miyabi_core::triage::{Confidence, IssueKind, Risk, Size, Triage};
use proptest::prelude::*;

/// How the outside behaves; shares in percent.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) tasks: usize,
    pub(crate) attended: bool,
    pub(crate) with_model: bool,
    pub(crate) gates_red: u32,
    pub(crate) findings: u32,
    pub(crate) unhealthy: u32,
    pub(crate) conflicts: u32,
    pub(crate) failures: u32,
    pub(crate) crashes: u32,
    pub(crate) questions: u32,
    pub(crate) unusable: u32,
    pub(crate) branch_moves: u32,
    pub(crate) rejections: u32,
    pub(crate) no_change: u32,
    pub(crate) budget_usd: u64,
}

impl Script {
    /// Everything goes well.
    pub(crate) fn calm() -> Self {
        Self {
            seed: 1,
            tasks: 2,
            attended: true,
            with_model: true,
            gates_red: 0,
            findings: 0,
            unhealthy: 0,
            conflicts: 0,
            failures: 0,
            crashes: 0,
            questions: 0,
            unusable: 0,
            branch_moves: 0,
            rejections: 0,
            no_change: 0,
            budget_usd: 1_000,
        }
    }
}

/// Any behaviour of the outside.
pub(crate) fn scripts() -> impl Strategy<Value = Script> {
    let share = || prop_oneof![3 => Just(0u32), 2 => 1u32..30, 1 => 30u32..=100];
    let shares = prop::array::uniform11(share());
    (any::<u64>(), 1usize..6, prop::bool::weighted(0.9), prop::bool::weighted(0.8), shares, 1u64..50)
        .prop_map(|(seed, tasks, attended, with_model, shares, budget_usd)| {
            let [
                gates_red,
                findings,
                unhealthy,
                conflicts,
                failures,
                crashes,
                questions,
                unusable,
                branch_moves,
                rejections,
                no_change,
            ] = shares;
            Script {
                seed,
                tasks,
                attended,
                with_model,
                gates_red,
                findings,
                unhealthy,
                conflicts,
                failures: failures.min(60),
                crashes: crashes.min(60),
                questions,
                unusable,
                branch_moves,
                rejections,
                no_change,
                budget_usd,
            }
        })
}

/// A run in its made-up outside.
pub(crate) struct World {
    pub(crate) state: RunState,
    pub(crate) events: Vec<Event>,
    pub(crate) most_open_tasks: usize,
    script: Script,
    random: u64,
    running: BTreeMap<Step, u32>,
    now: u64,
}

impl World {
    pub(crate) fn new(script: Script) -> Self {
        let run_id = RunId::mint(Timestamp::from_millis(1), 7);
        let body = EventBody::RunCreated { spec: Box::new(spec(&script)) };
        let created = Event { v: VERSION, run_id, seq: 1, at: Timestamp::from_millis(1_000), body };
        let state = begin(&created).expect("a journal begins with a creation");
        let random = script.seed | 1;
        let mut world = Self {
            state,
            events: vec![created],
            most_open_tasks: 0,
            script,
            random,
            running: BTreeMap::new(),
            now: 1_000,
        };
        world.write(EventBody::RunStarted);
        world
    }

    /// Carries out what is called for, then lets one thing happen.
    pub(crate) fn turn(&mut self) {
        for command in decide(&self.state) {
            match command {
                Command::Record(body) => return self.write(body),
                Command::CancelOpen => return self.cancel_open(),
                Command::Start { step, attempt, .. } if !self.running.contains_key(&step) => {
                    if !self.start(step, attempt) {
                        return;
                    }
                }
                Command::Start { .. } => {}
            }
        }
        let tasks = self
            .running
            .keys()
            .filter_map(|step| step.task().cloned())
            .collect::<std::collections::BTreeSet<_>>();
        self.most_open_tasks = self.most_open_tasks.max(tasks.len());
        if self.running.is_empty() {
            return self.decide_as_a_person();
        }
        if self.hits(self.script.crashes) {
            return self.crash();
        }
        let index = self.draw() as usize % self.running.len();
        let (step, attempt) =
            self.running.iter().nth(index).map(|(step, attempt)| (step.clone(), *attempt)).unwrap();
        self.running.remove(&step);
        self.perform(step, attempt);
    }

    fn start(&mut self, step: Step, attempt: u32) -> bool {
        let reserve = step.asks_model().then(|| Reserve::worst_case(2_000, 1_000, PRICE_CEILING));
        if let Some(reserve) = &reserve {
            match admit(&self.state, reserve) {
                Admission::Admitted => {}
                Admission::Deferred => return true,
                Admission::Exhausted(cap) => {
                    self.write(EventBody::BudgetExceeded { cap });
                    return false;
                }
            }
        }
        let effect = if matches!(step, Step::Call { .. }) { Effect::Ask } else { step.effect() };
        self.write(EventBody::StepStarted { step: step.clone(), attempt, effect, reserve });
        self.running.insert(step, attempt);
        true
    }

    fn perform(&mut self, step: Step, attempt: u32) {
        if self.hits(self.script.failures) {
            let failure = match self.draw() % 3 {
                0 => Failure::retry(ErrorCode::ModelUnavailable, "away"),
                1 => Failure::needs_person(ErrorCode::ModelAuthentication, "no key"),
                _ => Failure::retry(ErrorCode::GitFailed, "git failed"),
            };
            let may_retry = failure.class == miyabi_core::error::FailureClass::Retry
                && attempt < self.state.spec.limits.attempts;
            let retry_at = may_retry.then(|| Timestamp::from_millis(self.now + 10));
            return self.write(EventBody::StepFailed { step, attempt, failure, retry_at });
        }
        let value = self.value(&step);
        self.write(EventBody::StepFinished { step, attempt, value: Box::new(value) });
    }

    fn crash(&mut self) {
        for (step, attempt) in std::mem::take(&mut self.running) {
            self.write(EventBody::StepLost { step, attempt });
        }
    }

    fn cancel_open(&mut self) {
        for (step, attempt) in std::mem::take(&mut self.running) {
            self.write(EventBody::StepFailed {
                step,
                attempt,
                failure: Failure::cancelled(),
                retry_at: None,
            });
        }
    }

    fn decide_as_a_person(&mut self) {
        let Some(name) = self.state.pending_approvals().next().map(|(name, _)| name.to_owned()) else {
            let last: Vec<_> =
                self.events.iter().rev().take(8).map(|event| format!("{:?}", event.body)).collect();
            panic!(
                "nothing runs and nobody is asked: {:?}\nintegrated: {:?}\n{last:#?}",
                decide(&self.state),
                self.state.integrated
            );
        };
        let decision = match self.draw() % 100 {
            _ if self.hits(self.script.rejections) => Decision::Rejected,
            0..20 if self.state.added.len() < 6 => Decision::ChangesRequested,
            _ => Decision::Approved,
        };
        let by = Actor::operator("somebody");
        if name.starts_with("question/") && self.hits(50) {
            return self.write(EventBody::Steered { by, text: Digest::of(b"do it"), tokens: 2 });
        }
        self.write(EventBody::ApprovalDecided { approval: name, decision, by, note: None });
    }

    fn value(&mut self, step: &Step) -> StepValue {
        match step {
            Step::Open => StepValue::Opened(opened()),
            Step::PlanByRules => StepValue::Planned { triage: triage(), plan: plan(1) },
            Step::Ask { session, .. } => StepValue::Turn(self.turn_value(session)),
            Step::Call { session, index, .. } => StepValue::Called(self.called(session, *index)),
            Step::Compact { .. } => {
                StepValue::Compacted { summary: self.digest(), tokens: 50, spent: spent() }
            }
            Step::Checkout { .. } => StepValue::CheckedOut { base: "base".into(), snapshot: self.digest() },
            Step::SetUp { .. } | Step::ApplyPatch { .. } | Step::RunRecipe { .. } => {
                StepValue::Ran { evidence: Vec::new(), snapshot: self.digest() }
            }
            Step::Commit { .. } => StepValue::Committed(self.committed()),
            Step::Gates { target } => StepValue::Gated(self.gated(target)),
            Step::Integrate { .. } | Step::MergeCandidate { .. } => StepValue::Candidate(self.candidate()),
            Step::Refresh { .. } => StepValue::Refreshed {
                onto: "onto".into(),
                conflicts: vec!["a".into()],
                snapshot: self.digest(),
            },
            Step::Analyse { .. } => {
                StepValue::Analysed { findings: Vec::new(), missing: Vec::new(), diff: self.digest() }
            }
            Step::OpenPullRequest { .. } | Step::OpenRevert => {
                StepValue::PullRequest { number: 3, url: None }
            }
            Step::Merge { .. } => {
                let moved = self.hits(self.script.branch_moves);
                StepValue::Merged { commit: (!moved).then(|| "merged".into()) }
            }
            Step::ApplyToCheckout => StepValue::Applied { skipped: None },
            Step::Build => StepValue::Built { release: Some("r1".into()), evidence: Vec::new() },
            Step::RecordPrevious => StepValue::Previous { release: Some("r0".into()) },
            Step::Activate | Step::Rollback => StepValue::Activated { url: None },
            Step::CheckHealth { .. } => {
                let healthy = !self.hits(self.script.unhealthy);
                StepValue::Health(Health { healthy, healthy_samples: 1, samples: 1, detail: "seen".into() })
            }
            Step::LabelIssue | Step::Push { .. } | Step::CloseIssue | Step::ReopenIssue => StepValue::Done,
        }
    }

    fn turn_value(&mut self, session: &SessionKey) -> Turn {
        let judgement = if self.hits(self.script.unusable) {
            Judgement::Corrected { note: "no".into() }
        } else {
            match session {
                SessionKey::Issue => Judgement::Triage(triage()),
                SessionKey::Coordinate => Judgement::Plan(plan(self.script.tasks)),
                SessionKey::Generate { .. } => Judgement::Calls,
                SessionKey::Review { .. } => Judgement::Findings { findings: self.findings() },
                SessionKey::Validate { .. } => {
                    Judgement::Validated { confirmed: vec![0], unproven: Vec::new() }
                }
                SessionKey::PullRequest { .. } | SessionKey::Incident => {
                    Judgement::Wording { title: "t".into(), summary: "s".into() }
                }
            }
        };
        let calls = if judgement == Judgement::Calls { self.calls() } else { Vec::new() };
        let opening = Some(Opening { digest: Digest::of(b"opening"), tokens: 100 });
        Turn { answer: self.digest(), tokens: 40, opening, calls, judgement, spent: spent() }
    }

    fn calls(&mut self) -> Vec<CallRef> {
        let count = 1 + self.draw() % 3;
        (0..count)
            .map(|index| CallRef {
                id: format!("c{index}"),
                tool: ["read", "shell", "finish", "ask"][self.draw() as usize % 4].into(),
                arguments: self.digest(),
                effect: Effect::Ask,
                reads_only: self.draw().is_multiple_of(2),
            })
            .collect()
    }

    fn called(&mut self, session: &SessionKey, index: u32) -> Called {
        let tool = self.state.sessions[session].calls[index as usize].call.tool.clone();
        let control = match tool.as_str() {
            "finish" => Some(Control::Finish(Finish {
                proofs: (0..2).map(|item| Proof { item, command: "true".into() }).collect(),
                ..Finish::default()
            })),
            "ask" if self.hits(self.script.questions) => Some(Control::Question { text: "why?".into() }),
            _ => None,
        };
        Called { result: self.digest(), tokens: 30, is_error: false, snapshot: Some(self.digest()), control }
    }

    fn findings(&mut self) -> Vec<Finding> {
        if !self.hits(self.script.findings) {
            return Vec::new();
        }
        let problem = "wrong".to_owned();
        vec![Finding {
            source: "correctness".into(),
            severity: Severity::Major,
            path: None,
            line: None,
            problem,
            remedy: "right".into(),
        }]
    }

    fn committed(&mut self) -> Committed {
        let commit = (!self.hits(self.script.no_change)).then(|| format!("commit{}", self.draw()));
        Committed { commit, base: "base".into(), files: 1, added: 1, removed: 0 }
    }

    fn gated(&mut self, target: &GateTarget) -> GateReport {
        let verdict = if self.hits(self.script.gates_red) { Verdict::Fail } else { Verdict::Pass };
        let result = GateResult { gate: Gate::Test, verdict, detail: "tests".into(), evidence: Vec::new() };
        let commit = match target {
            GateTarget::Integration { task, round } => {
                match self.state.value(&Step::Integrate { task: task.clone(), round: *round }) {
                    Some(StepValue::Candidate(Candidate::Clean { commit, .. })) => commit.clone(),
                    other => panic!("gates without a candidate: {other:?}"),
                }
            }
            _ => "checked".into(),
        };
        let proofs = vec![(0, true), (1, true)];
        GateReport { commit, tree: "tree".into(), results: vec![result], protected_paths: Vec::new(), proofs }
    }

    fn candidate(&mut self) -> Candidate {
        if self.hits(self.script.conflicts) {
            return Candidate::Conflict { onto: "onto".into(), files: vec!["a".into()] };
        }
        let same_tree = self.draw().is_multiple_of(2);
        Candidate::Clean { commit: format!("candidate{}", self.draw()), onto: "onto".into(), same_tree }
    }

    fn write(&mut self, body: EventBody) {
        self.now += 1 + self.draw() % 50;
        let seq = self.state.seq + 1;
        let event =
            Event { v: VERSION, run_id: self.state.run_id, seq, at: Timestamp::from_millis(self.now), body };
        apply(&mut self.state, &event);
        self.events.push(event);
    }

    fn hits(&mut self, percent: u32) -> bool {
        self.draw() % 100 < u64::from(percent)
    }

    fn digest(&mut self) -> Digest {
        Digest::of(&self.draw().to_le_bytes())
    }

    /// xorshift64*: equal seeds play equal worlds.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

fn spec(script: &Script) -> RunSpec {
    let model = RoleModel {
        name: ModelName("scripted/test".into()),
        context_tokens: 3_000,
        max_output_tokens: 1_000,
        price: PRICE_CEILING,
        scripted: true,
    };
    let roles = ["issue", "coordinator", "codegen", "review", "pr", "deployment"];
    RunSpec {
        tenant: TenantId::mint(Timestamp::from_millis(1), 1),
        project: ProjectId::mint(Timestamp::from_millis(1), 2),
        issue: Some(1),
        title: "Fix it".into(),
        text: Digest::of(b"text"),
        label: Label::Writer,
        template: Template::Issue,
        autonomy: Autonomy::Deploy,
        attended: script.attended,
        policy: Policy::default(),
        budget: Budget {
            cost_usd_micros: UsdMicros::from_usd(script.budget_usd),
            turns: 60,
            ..Budget::default()
        },
        engine: if script.with_model { Engine::Loop } else { Engine::Patch { patch: Digest::of(b"patch") } },
        models: roles.into_iter().map(|role| (role.to_owned(), model.clone())).collect(),
        sandbox: SandboxLevel::Strict,
        branch: "main".into(),
        apply_to_checkout: false,
        gates: true,
        limits: Limits::default(),
        retry_of: None,
    }
}

fn opened() -> Opened {
    Opened {
        base: "base".into(),
        tree: "tree0".into(),
        checks: Checks { setup: vec![vec!["true".into()]], ..Checks::default() },
        protected_paths: Vec::new(),
        instructions: Digest::of(b""),
        deployable: true,
    }
}

fn triage() -> Triage {
    Triage {
        kind: IssueKind::Bug,
        areas: Vec::new(),
        size: Size::Small,
        acceptance: vec!["works".into(), "still works".into()],
        duplicates: Vec::new(),
        missing: Vec::new(),
        risk: Risk::Low,
        confidence: Confidence { kind: 90, size: 90, acceptance: 90, risk: 90 },
        runnable: true,
    }
}

fn plan(tasks: usize) -> Plan {
    let task = |number: usize| Task {
        key: TaskKey(format!("t{number}")),
        title: format!("Task {number}"),
        goal: "done".into(),
        touches: vec![format!("src/{number}.rs")],
        depends_on: if number > 2 && number.is_multiple_of(3) {
            vec![TaskKey(format!("t{}", number - 2))]
        } else {
            Vec::new()
        },
        covers: vec![0, 1],
        budget_percent: 10,
    };
    Plan { tasks: (1..=tasks).map(task).collect() }
}

fn spent() -> Spent {
    let usage = Usage { input_tokens: 500, output_tokens: 100, ..Usage::default() };
    Spent {
        model: ModelName("scripted/test".into()),
        usage,
        cost_usd_micros: PRICE_CEILING.cost(&usage),
        attempts: 1,
    }
}
