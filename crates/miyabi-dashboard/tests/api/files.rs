//! Diffs, logs, contents, undo and restore.

use miyabi_core::error::ErrorCode;
use miyabi_core::plan::TaskKey;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::run::step::GateTarget;
use miyabi_core::run::value::{Candidate, Committed, Opened};
use miyabi_core::run::{EventBody, Step, StepValue};
use miyabi_core::stop::StopKind;
use miyabi_dashboard::api::{RestoreRequest, Side};

use crate::house::House;
use crate::story::{self, digest, performed};

fn request(side: Side) -> RestoreRequest {
    RestoreRequest { side, step: None, task: None, to: None }
}

#[tokio::test]
async fn a_runs_change_is_shown_as_a_diff() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    let early = house.client.diff_run(&id).await.unwrap_err();
    assert_eq!((early.code, early.status), (ErrorCode::Conflict, 409));

    let repositories = house.services.code.repositories.as_ref();
    let base = repositories.open(&house.project, "main").await.unwrap();
    house.repository.write("src/page.rs", "one\n2\nthree\n");
    house.repository.commit("count");
    let head = repositories.open(&house.project, "main").await.unwrap();
    let opened = Opened {
        base: base.commit.clone(),
        tree: base.tree,
        checks: miyabi_core::gate::Checks::default(),
        protected_paths: Vec::new(),
        instructions: digest("instructions"),
        deployable: false,
    };
    let committed = Committed {
        commit: Some(head.commit.clone()),
        base: base.commit.clone(),
        files: 1,
        added: 2,
        removed: 1,
    };
    let clean = Candidate::Clean { commit: head.commit, onto: base.commit, same_tree: true };
    let target = GateTarget::Task { task: story::task(), round: 0 };
    let events = [
        vec![EventBody::RunStarted],
        performed(Step::Open, StepValue::Opened(opened)),
        performed(Step::Commit { task: story::task(), round: 0 }, StepValue::Committed(committed)),
        performed(Step::Gates { target }, StepValue::Gated(story::report(miyabi_core::gate::Verdict::Pass))),
        performed(Step::Integrate { task: story::task(), round: 0 }, StepValue::Candidate(clean)),
    ];
    house.write(run.id, events.concat()).await;
    let diff = house.client.diff_run(&id).await.unwrap();
    insta::assert_json_snapshot!(diff, { ".to" => "[commit]" });
}

#[tokio::test]
async fn the_log_tells_the_story_in_lines() {
    let house = House::new().await;
    let run = house.run("Last page is empty").await;
    house.write(run.id, story::waiting()).await;
    house.write(run.id, vec![story::ended(StopKind::Cancelled, "stopped by operator")]).await;
    let id = run.id.to_string();
    let lines = house.client.log_run(&id, "").await.unwrap();
    let told: Vec<_> = lines.items.iter().map(|line| format!("{:?} {}", line.level, line.message)).collect();
    insta::assert_snapshot!(told.join("\n"));
    let (mut all, mut query) = (Vec::new(), "level=debug&limit=10".to_owned());
    loop {
        let page = house.client.log_run(&id, &query).await.unwrap();
        all.extend(page.items);
        let Some(next) = page.next else { break };
        query = format!("level=debug&limit=10&cursor={}", next.0);
    }
    let events = house.client.list_events(&id, "").await.unwrap().items;
    assert_eq!(all.len(), events.len());
    let call = all.iter().find(|line| line.message.starts_with("edit (") && line.kind == "step_finished");
    insta::assert_json_snapshot!(call.unwrap());
}

#[tokio::test]
async fn contents_are_read_in_parts_and_only_by_the_run_that_names_them() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    let log = "line\n".repeat(1_000);
    let artifacts = &house.services.runs.artifacts;
    let digest = artifacts.put(b"the output").await.unwrap();
    let other = artifacts.put(log.as_bytes()).await.unwrap();
    assert_eq!(house.client.read_artifact(&id, digest, 0, 99).await.unwrap_err().status, 404);
    house.client.steer(&id, "the output").await.unwrap();
    assert_eq!(&*house.client.read_artifact(&id, digest, 0, 99).await.unwrap(), b"the output");
    assert_eq!(&*house.client.read_artifact(&id, digest, 4, 3).await.unwrap(), b"out");
    assert!(house.client.read_artifact(&id, digest, 99, 3).await.unwrap().is_empty());
    assert_eq!(house.client.read_artifact(&id, other, 0, 9).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn any_step_that_changed_files_can_be_brought_back() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    house.write(run.id, [story::beginning(), story::work()].concat()).await;
    let steps = house.client.list_file_steps(&id).await.unwrap();
    insta::assert_json_snapshot!(steps);
    let to = Some(house.folder.path().join("out").to_str().unwrap().to_owned());

    // While the run works, only copies are given out.
    let refused = house.client.restore_files(&id, &request(Side::Before)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    house.client.restore_files(&id, &RestoreRequest { to, ..request(Side::After) }).await.unwrap();
    assert_eq!(house.outside.take_done(), [format!("export {} to out", digest("snapshot 1"))]);

    house.write(run.id, vec![story::ended(StopKind::TurnLimit, "all turns")]).await;
    let gone = house.client.restore_files(&id, &request(Side::Before)).await.unwrap_err();
    assert!(gone.detail.contains("cleaned away"), "{}", gone.detail);
    let checkout = CheckoutId { run: run.id, name: "t1".into() };
    house.outside.checkouts.lock().unwrap().push(checkout);
    house.client.restore_files(&id, &request(Side::Before)).await.unwrap();
    let step = Some("generate/t1/turn/1/call/0".to_owned());
    let after = RestoreRequest { step, ..request(Side::After) };
    let done = house.client.restore_files(&id, &after).await.unwrap();
    insta::assert_json_snapshot!(done);
    let expected = ["snapshot 0", "snapshot 1"].map(|name| format!("restore t1 {}", digest(name)));
    assert_eq!(house.outside.take_done(), expected);
}

#[tokio::test]
async fn what_can_not_be_brought_back_is_said_so() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    let nothing = house.client.restore_files(&id, &request(Side::Before)).await.unwrap_err();
    assert_eq!(nothing.status, 404);
    house.write(run.id, story::beginning()).await;
    let first = RestoreRequest { step: Some("generate/t1/checkout".into()), ..request(Side::Before) };
    assert_eq!(house.client.restore_files(&id, &first).await.unwrap_err().errors[0].field, "step");
    let unknown = RestoreRequest { step: Some("generate/t9/x".into()), ..request(Side::After) };
    assert_eq!(house.client.restore_files(&id, &unknown).await.unwrap_err().status, 404);
    let relative = RestoreRequest { to: Some("out".into()), ..request(Side::After) };
    assert_eq!(house.client.restore_files(&id, &relative).await.unwrap_err().errors[0].field, "to");
    let second = Step::Checkout { task: TaskKey("t2".into()) };
    let value = StepValue::CheckedOut { base: story::BASE.into(), snapshot: digest("other") };
    house.write(run.id, performed(second, value)).await;
    let two = house.client.restore_files(&id, &request(Side::After)).await.unwrap_err();
    assert_eq!(two.code, ErrorCode::Ambiguous);
}
