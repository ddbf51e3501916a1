//! Plays whole runs with a made-up outside: steps succeed, fail, get lost in crashes and finish in any order, people
//! decide as they like. Whatever happens, a run ends in a typed stop and its journal keeps the invariants.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod world;

use std::collections::BTreeSet;

use miyabi_core::run::apply::{apply, replay};
use miyabi_core::run::event::EventBody;
use miyabi_core::run::{Command, Event, RunState, Step, decide};
use miyabi_core::stop::{Status, StopKind};
use proptest::prelude::*;
use world::{Script, World};

/// More turns than any scripted run takes: a run that needs more goes in circles.
const MAX_TURNS: usize = 20_000;

fn play(script: Script) -> World {
    let mut world = World::new(script);
    for _ in 0..MAX_TURNS {
        if world.state.stop.is_some() {
            return world;
        }
        world.turn();
    }
    panic!("the run does not end: {:#?}\nopen: {:#?}", decide(&world.state), world.state.open);
}

fn started(world: &World, wanted: impl Fn(&Step) -> bool) -> usize {
    let is_wanted = |body: &EventBody| matches!(body, EventBody::StepStarted { step, .. } if wanted(step));
    world.events.iter().filter(|event| is_wanted(&event.body)).count()
}

fn stop(world: &World) -> Option<StopKind> {
    world.state.stop.as_ref().map(|stop| stop.kind)
}

#[test]
fn an_undisturbed_run_does_every_stage_once_and_succeeds() {
    let world = play(Script::calm());
    assert_eq!(stop(&world), Some(StopKind::Done), "{:?}", world.state.stop);
    assert_eq!(world.state.stages.len(), 6);
    assert_eq!(started(&world, |step| matches!(step, Step::Merge { .. })), 1);
    assert_eq!(started(&world, |step| matches!(step, Step::Activate)), 1);
}

#[test]
fn a_red_gate_goes_back_to_the_agent_and_then_ends_the_run() {
    let world = play(Script { gates_red: 100, tasks: 1, ..Script::calm() });
    assert_eq!(stop(&world), Some(StopKind::GateFailed));
    let finishes = world.state.spec.limits.finishes as usize + 1;
    assert_eq!(started(&world, |step| matches!(step, Step::Commit { .. })), finishes);
    assert_eq!(started(&world, |step| matches!(step, Step::Push { .. })), 0);
}

#[test]
fn an_unhealthy_release_is_taken_back() {
    let world = play(Script { unhealthy: 100, ..Script::calm() });
    assert_eq!(stop(&world), Some(StopKind::RolledBack));
    for step in [Step::Rollback, Step::OpenRevert, Step::ReopenIssue] {
        assert_eq!(started(&world, |other| *other == step), 1, "{step}");
    }
}

#[test]
fn findings_go_back_at_most_three_times_and_then_to_a_person() {
    let world = play(Script { findings: 100, ..Script::calm() });
    let asked = world.events.iter().position(|event| match &event.body {
        EventBody::ApprovalRequested { approval, .. } => approval.starts_with("review/"),
        _ => false,
    });
    let before = &world.events[..asked.expect("a person is asked")];
    let fixes = before.iter().filter(|event| matches!(event.body, EventBody::TaskAdded { .. })).count();
    assert_eq!(fixes, world.state.spec.limits.fixes as usize);
}

#[test]
fn independent_tasks_work_at_the_same_time() {
    let world = play(Script { tasks: 8, ..Script::calm() });
    assert!(world.most_open_tasks > 1, "{}", world.most_open_tasks);
    assert!(world.most_open_tasks <= world.state.spec.limits.parallel as usize);
}

#[test]
fn an_unattended_run_never_waits() {
    let world = play(Script { attended: false, ..Script::calm() });
    assert_eq!(stop(&world), Some(StopKind::NeedsPerson));
}

/// What holds for every journal, whatever happened.
fn check_invariants(world: &World) {
    let events = &world.events;
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "the journal has no gap");
    }
    let ends = events.iter().filter(|event| matches!(event.body, EventBody::RunEnded { .. })).count();
    assert_eq!(ends, 1, "one terminal event");
    assert!(
        matches!(events.last().map(|event| &event.body), Some(EventBody::RunEnded { .. })),
        "it is the last one"
    );
    let mut finished = BTreeSet::new();
    for event in events {
        if let EventBody::StepFinished { step, .. } = &event.body {
            assert!(finished.insert(step.clone()), "{step} finished twice");
        }
    }
    check_approval_before_merge(events);
    assert_eq!(world.state.ledger.in_flight, 0, "every model call is settled");
}

fn check_approval_before_merge(events: &[Event]) {
    let place = |wanted: &dyn Fn(&EventBody) -> bool| events.iter().position(|event| wanted(&event.body));
    let merged = place(&|body| matches!(body, EventBody::StepStarted { step: Step::Merge { .. }, .. }));
    let approved = place(&|body| match body {
        EventBody::ApprovalDecided { approval, .. } => approval.starts_with("change/"),
        _ => false,
    });
    if let Some(merged) = merged {
        assert!(approved.is_some_and(|approved| approved < merged), "an approval precedes the merge");
    }
}

/// What holds for every state that a journal can hold.
fn check_legal(state: &RunState) {
    let status = state.status();
    assert_eq!(status.has_ended(), state.stop.is_some());
    if status == Status::Waiting {
        assert!(state.pending_approvals().next().is_some(), "who waits is waited for");
    }
    let idle = decide(state).is_empty() && state.open.is_empty() && state.is_started && state.stop.is_none();
    assert!(
        !idle || status == Status::Waiting,
        "nothing to do, nothing open, nobody asked: {:#?}",
        state.stages
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_run_ends_with_its_invariants_kept(script in world::scripts()) {
        let world = play(script);
        check_invariants(&world);
    }

    #[test]
    fn replay_gives_the_same_state_from_events_that_went_through_json(script in world::scripts()) {
        let world = play(script);
        let json = serde_json::to_string(&world.events).unwrap();
        let read: Vec<Event> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &world.events);
        let replayed = replay(world.state.run_id, &read).unwrap();
        prop_assert_eq!(replayed.hash(), world.state.hash());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_is_legal_and_decide_never_repeats_what_is_recorded(script in world::scripts()) {
        let world = play(script);
        let mut state = replay(world.state.run_id, &world.events[..1]).unwrap();
        for event in &world.events {
            apply(&mut state, event);
            check_legal(&state);
            for command in decide(&state) {
                if let Command::Start { step, .. } = command {
                    prop_assert!(!state.ended.contains_key(&step), "{} ended already", step);
                    let runs = state.open.get(&step).is_some_and(|open| open.retry_at.is_none());
                    prop_assert!(!runs, "{} runs already", step);
                }
            }
        }
    }

    #[test]
    fn events_that_come_twice_change_nothing(script in world::scripts()) {
        let world = play(script);
        let mut state = replay(world.state.run_id, &world.events[..1]).unwrap();
        for event in &world.events {
            apply(&mut state, event);
            let before = state.clone();
            apply(&mut state, event);
            prop_assert!(state == before);
        }
    }
}
