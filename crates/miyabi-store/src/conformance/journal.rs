//! Cases for `port::journal::Journal`: writing.

use futures::future::join_all;
use miyabi_core::id::TenantId;
use miyabi_core::port::journal::{Error, Journal, RunRow, Scope, StoredEvent};
use miyabi_core::run::Event;

use super::fixture::{Run, project_id, run_id, tenant};

/// All there is, for filters.
const ALL: u32 = 1_000;

/// Writes a run with its first two events.
pub async fn begin(journal: &dyn Journal, tenant: TenantId) -> (Run, Vec<Event>) {
    let mut run = Run::new(tenant, project_id());
    let events = run.begin();
    journal.create(&events, &run.row).await.unwrap();
    (run, events)
}

fn events_of(stored: Vec<StoredEvent>) -> Vec<Event> {
    stored.into_iter().map(|stored| stored.event).collect()
}

/// What is written comes back, from any place on, and the row with it.
pub async fn written_events_come_back_as_they_were(journal: &dyn Journal) {
    let tenant = tenant();
    let (mut run, mut written) = begin(journal, tenant).await;
    for count in [1, 5, 2] {
        let expected = run.row.seq;
        let more = run.events(count);
        journal.append(expected, &more, &run.row).await.unwrap();
        written.extend(more);
    }
    for after in 0..=written.len() {
        let loaded = journal.load(tenant, run.row.run_id, after as u64).await.unwrap();
        assert_eq!(events_of(loaded), written[after..], "after {after}");
    }
    let found = journal.find(tenant, run.row.run_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&run.row));
}

/// The row keeps all of its fields through the end of a run.
pub async fn row_follows_the_run_to_its_end(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    run.row.waits_for = vec!["change/1".into(), "plan/\"x\"".into()];
    run.row.pull_request = Some(12);
    run.row.active_ms = 77;
    run.row.is_scripted = false;
    let expected = run.row.seq;
    let end = run.end();
    journal.append(expected, &[end], &run.row).await.unwrap();
    let found = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
    assert_eq!(found, Some(run.row));
}

/// A writer that missed an event is told so and writes nothing.
pub async fn append_behind_the_head_conflicts(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    let mut late = run.clone();
    let events = run.events(3);
    journal.append(2, &events, &run.row).await.unwrap();

    late.row.title = "late".into();
    let events = late.events(1);
    let error = journal.append(2, &events, &late.row).await.unwrap_err();
    assert!(
        matches!(error, Error::Conflict { run: id, expected: 2, actual: 5 } if id == run.row.run_id),
        "{error}"
    );
    let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len(), 5);
    let found = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
    assert_eq!(found, Some(run.row));
}

/// Of many who append behind the same event one wins.
pub async fn one_of_many_appends_at_one_place_wins(journal: &dyn Journal) {
    let (run, _) = begin(journal, tenant()).await;
    let attempts = (0..20u64).map(|writer| {
        let mut run = run.clone();
        async move {
            run.row.tokens = writer;
            let events = run.events(1);
            let result = journal.append(2, &events, &run.row).await;
            (result, run.row)
        }
    });
    let results = join_all(attempts).await;
    let won: Vec<&RunRow> = results.iter().filter(|(result, _)| result.is_ok()).map(|(_, row)| row).collect();
    let conflicts =
        results.iter().filter(|(result, _)| matches!(result, Err(Error::Conflict { actual: 3, .. })));
    assert_eq!((won.len(), conflicts.count()), (1, 19));
    let found = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(won[0]));
}

/// Runs don't hinder each other, and their events get places of one order without gaps.
pub async fn runs_append_at_the_same_time(journal: &dyn Journal) {
    let tenant = tenant();
    let before = journal.last_global().await.unwrap();
    let runs = (0..12).map(|_| async {
        let (mut run, mut written) = begin(journal, tenant).await;
        for _ in 0..6 {
            let expected = run.row.seq;
            let events = run.events(2);
            journal.append(expected, &events, &run.row).await.unwrap();
            written.extend(events);
        }
        (run, written)
    });
    let runs = join_all(runs).await;
    for (run, written) in &runs {
        let loaded = journal.load(tenant, run.row.run_id, 0).await.unwrap();
        assert!(loaded.is_sorted_by_key(|stored| stored.global_seq));
        assert_eq!(events_of(loaded), *written);
    }
    let tail = journal.tail(Scope::Tenant(tenant), before, ALL).await.unwrap();
    assert_eq!(tail.len(), 12 * 14);
    assert!(tail.is_sorted_by(|one, next| one.global_seq < next.global_seq));
    let last = journal.last_global().await.unwrap();
    assert!(tail.last().unwrap().global_seq <= last);
}

/// A run is created once.
pub async fn second_creation_conflicts(journal: &dyn Journal) {
    let (run, written) = begin(journal, tenant()).await;
    let error = journal.create(&written, &run.row).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { expected: 0, actual: 2, .. }), "{error}");
}

/// Events that could not be read back are not written.
pub async fn events_that_do_not_fit_are_refused(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    let mut events = run.events(2);
    events.remove(0);
    let gap = journal.append(2, &events, &run.row).await.unwrap_err();
    assert!(matches!(gap, Error::Corrupt { seq: 3, .. }), "{gap}");

    let (mut run, _) = begin(journal, tenant()).await;
    let mut event = run.work();
    event.run_id = run_id();
    let stray = journal.append(2, &[event], &run.row).await.unwrap_err();
    assert!(matches!(stray, Error::Corrupt { seq: 3, .. }), "{stray}");

    let empty = Run::new(tenant(), project_id());
    let nothing = journal.create(&[], &empty.row).await.unwrap_err();
    assert!(matches!(nothing, Error::Corrupt { seq: 1, .. }), "{nothing}");
}

/// A run does not move to another project.
pub async fn append_for_another_project_is_refused(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    let events = run.events(1);
    let moved = RunRow { project: project_id(), ..run.row.clone() };
    let error = journal.append(2, &events, &moved).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len(), 2);
}

/// A row can be brought up to date without an event.
pub async fn append_of_nothing_only_writes_the_row(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    run.row.active_ms = 4_000;
    journal.append(2, &[], &run.row).await.unwrap();
    let found = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
    assert_eq!(found, Some(run.row.clone()));
    let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len(), 2);
}
