//! A run's events as the engine writes them: a bug that is fixed, reviewed and waits for a person.

use miyabi_core::budget::Reserve;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::finding::{Aspect, Finding, Severity};
use miyabi_core::gate::{Checks, Evidence, Gate, GateReport, GateResult, Verdict};
use miyabi_core::money::UsdMicros;
use miyabi_core::plan::{Plan, Task, TaskKey};
use miyabi_core::port::model::{ModelName, Usage};
use miyabi_core::run::event::{ApprovalRequest, ApprovalSubject};
use miyabi_core::run::step::{GateTarget, SessionKey};
use miyabi_core::run::value::{
    CallRef, Called, Candidate, Committed, Control, Finish, Judgement, Opened, Opening, Spent, Turn,
};
use miyabi_core::run::{Effect, EventBody, Stage, Step, StepValue};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::time::Timestamp;
use miyabi_core::triage::{Confidence, IssueKind, Risk, Size, Triage};

pub(crate) const BASE: &str = "1111111111111111111111111111111111111111";
pub(crate) const HEAD: &str = "2222222222222222222222222222222222222222";

pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(crate) fn task() -> TaskKey {
    TaskKey("t1".into())
}

fn codegen() -> SessionKey {
    SessionKey::Generate { task: task() }
}

/// A step that begins and ends well.
pub(crate) fn performed(step: Step, value: StepValue) -> Vec<EventBody> {
    let reserve = step.asks_model().then_some(Reserve { cost_usd_micros: UsdMicros(50_000), tokens: 10_000 });
    let started = EventBody::StepStarted { step: step.clone(), attempt: 1, effect: step.effect(), reserve };
    vec![started, EventBody::StepFinished { step, attempt: 1, value: Box::new(value) }]
}

fn turn(session: SessionKey, number: u32, calls: Vec<CallRef>, judgement: Judgement) -> Vec<EventBody> {
    let opening = (number == 0).then(|| Opening { digest: digest("opening"), tokens: 400 });
    let usage = Usage {
        input_tokens: 1_200,
        cached_input_tokens: 800,
        output_tokens: 150,
        reasoning_tokens: 20,
        estimated: false,
    };
    let spent = Spent {
        model: ModelName("scripted/demo".into()),
        usage,
        cost_usd_micros: UsdMicros(1_234),
        attempts: 1,
    };
    let answer = Turn { answer: digest("answer"), tokens: 150, opening, calls, judgement, spent };
    performed(Step::Ask { session, turn: number }, StepValue::Turn(answer))
}

fn call(tool: &str, effect: Effect, reads_only: bool) -> CallRef {
    CallRef { id: format!("call_{tool}"), tool: tool.into(), arguments: digest(tool), effect, reads_only }
}

fn called(number: u32, index: u32, snapshot: Option<Digest>, control: Option<Control>) -> Vec<EventBody> {
    let step = Step::Call { session: codegen(), turn: number, index };
    let value = Called { result: digest("result"), tokens: 12, is_error: false, snapshot, control };
    performed(step, StepValue::Called(value))
}

pub(crate) fn triage() -> Triage {
    Triage {
        kind: IssueKind::Bug,
        areas: vec!["src/page.rs".into()],
        size: Size::Small,
        acceptance: vec!["the last page is not empty".into()],
        duplicates: Vec::new(),
        missing: Vec::new(),
        risk: Risk::Low,
        confidence: Confidence { kind: 95, size: 90, acceptance: 80, risk: 85 },
        runnable: true,
    }
}

pub(crate) fn plan() -> Plan {
    Plan {
        tasks: vec![Task {
            key: task(),
            title: "Count pages from one".into(),
            goal: "The last page is not empty".into(),
            touches: vec!["src/**".into()],
            depends_on: Vec::new(),
            covers: vec![0],
            budget_percent: 60,
        }],
    }
}

pub(crate) fn report(verdict: Verdict) -> GateReport {
    let evidence = Evidence {
        command: vec!["cargo".into(), "test".into()],
        commit: HEAD.into(),
        tree: BASE.into(),
        exit_code: Some(i32::from(verdict == Verdict::Fail)),
        limit: None,
        log: digest("test log"),
        started_at: Timestamp::from_millis(1_700_000_000_000),
        duration_ms: 812,
        sandbox: SandboxLevel::Strict,
    };
    let detail = if verdict == Verdict::Pass { "14 tests passed" } else { "2 of 14 tests failed" };
    let results =
        vec![GateResult { gate: Gate::Test, verdict, detail: detail.into(), evidence: vec![evidence] }];
    let proofs = vec![(0, verdict == Verdict::Pass)];
    GateReport { commit: HEAD.into(), tree: BASE.into(), results, protected_paths: Vec::new(), proofs }
}

/// Up to the first task's checkout.
pub(crate) fn beginning() -> Vec<EventBody> {
    let opened = Opened {
        base: BASE.into(),
        tree: BASE.into(),
        checks: Checks::default(),
        protected_paths: Vec::new(),
        instructions: digest("instructions"),
        deployable: false,
    };
    let session = SessionKey::Coordinate;
    [
        vec![EventBody::RunStarted, EventBody::StageEntered { stage: Stage::Issue, round: 0 }],
        performed(Step::Open, StepValue::Opened(opened)),
        turn(SessionKey::Issue, 0, Vec::new(), Judgement::Triage(triage())),
        vec![EventBody::StageEntered { stage: Stage::Coordinate, round: 0 }],
        turn(session, 0, Vec::new(), Judgement::Plan(plan())),
        vec![EventBody::StageEntered { stage: Stage::Generate, round: 0 }],
        performed(
            Step::Checkout { task: task() },
            StepValue::CheckedOut { base: BASE.into(), snapshot: digest("snapshot 0") },
        ),
    ]
    .concat()
}

/// CodeGen's work: two reads at once, an edit, `finish`.
pub(crate) fn work() -> Vec<EventBody> {
    let reads = vec![call("read", Effect::Pure, true), call("grep", Effect::Pure, true)];
    let finish = Control::Finish(Finish { summary: "Count from one".into(), ..Finish::default() });
    [
        turn(codegen(), 0, reads, Judgement::Calls),
        called(0, 0, None, None),
        called(0, 1, None, None),
        turn(codegen(), 1, vec![call("edit", Effect::Keyed, false)], Judgement::Calls),
        called(1, 0, Some(digest("snapshot 1")), None),
        turn(codegen(), 2, vec![call("finish", Effect::Pure, false)], Judgement::Calls),
        called(2, 0, None, Some(finish)),
    ]
    .concat()
}

/// Commit, gates, integration and a review with one note; then a person is asked.
pub(crate) fn checking() -> Vec<EventBody> {
    let committed =
        Committed { commit: Some(HEAD.into()), base: BASE.into(), files: 1, added: 3, removed: 1 };
    let target = GateTarget::Task { task: task(), round: 0 };
    let clean = Candidate::Clean { commit: HEAD.into(), onto: BASE.into(), same_tree: true };
    let finding = Finding {
        source: "rules".into(),
        severity: Severity::Note,
        path: Some("src/page.rs".into()),
        line: Some(2),
        problem: "the name says little".into(),
        remedy: "name it `last_page`".into(),
    };
    let reviewer = |aspect, findings| {
        turn(SessionKey::Review { round: 0, aspect }, 0, Vec::new(), Judgement::Findings { findings })
    };
    let validated = Judgement::Validated { confirmed: vec![0], unproven: Vec::new() };
    let analysed =
        StepValue::Analysed { findings: Vec::new(), missing: vec!["clippy".into()], diff: digest("diff") };
    let lint_missing = Failure::retry(ErrorCode::SandboxSetup, "no space for the sandbox's root");
    let gates = Step::Gates { target };
    let failed_first = vec![
        EventBody::StepStarted { step: gates.clone(), attempt: 1, effect: Effect::Pure, reserve: None },
        EventBody::StepFailed {
            step: gates.clone(),
            attempt: 1,
            failure: lint_missing,
            retry_at: Some(Timestamp::from_millis(1_700_000_100_000)),
        },
        EventBody::StepStarted { step: gates.clone(), attempt: 2, effect: Effect::Pure, reserve: None },
        EventBody::StepFinished {
            step: gates,
            attempt: 2,
            value: Box::new(StepValue::Gated(report(Verdict::Pass))),
        },
    ];
    [
        performed(Step::Commit { task: task(), round: 0 }, StepValue::Committed(committed)),
        failed_first,
        performed(Step::Integrate { task: task(), round: 0 }, StepValue::Candidate(clean)),
        vec![EventBody::StageEntered { stage: Stage::Review, round: 0 }],
        performed(Step::Analyse { round: 0 }, analysed),
        reviewer(Aspect::Correctness, Vec::new()),
        reviewer(Aspect::Security, Vec::new()),
        reviewer(Aspect::Rules, vec![finding]),
        turn(SessionKey::Validate { round: 0 }, 0, Vec::new(), validated),
        vec![EventBody::StageEntered { stage: Stage::PullRequest, round: 0 }, asks(HEAD)],
    ]
    .concat()
}

/// The change is to be approved.
pub(crate) fn asks(head: &str) -> EventBody {
    let subject = ApprovalSubject::Change { head: head.into() };
    EventBody::ApprovalRequested {
        approval: subject.name(),
        request: ApprovalRequest { subject, reason: "the policy asks for each change".into() },
    }
}

/// A question of CodeGen.
pub(crate) fn question(text: &str) -> EventBody {
    let step = Step::Call { session: codegen(), turn: 0, index: 0 };
    let subject = ApprovalSubject::Question { step, text: text.into() };
    EventBody::ApprovalRequested {
        approval: subject.name(),
        request: ApprovalRequest { subject, reason: text.into() },
    }
}

/// The whole story up to the question.
pub(crate) fn waiting() -> Vec<EventBody> {
    [beginning(), work(), checking()].concat()
}

pub(crate) fn ended(kind: miyabi_core::stop::StopKind, cause: &str) -> EventBody {
    EventBody::RunEnded { stop: miyabi_core::stop::Stop::new(kind, cause) }
}
