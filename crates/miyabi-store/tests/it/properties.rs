//! What holds for any content: journals come back as they were written, pages add up.

use miyabi_core::id::RunId;
use miyabi_core::port::journal::{RunFilter, RunRow};
use miyabi_core::stop::Status;
use miyabi_store::Store;
use miyabi_store::conformance::fixture::{Run, project_id, tenant};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tokio::runtime::Runtime;

/// One store for all cases of a property.
fn with_store(check: impl FnOnce(&Runtime, &Store)) {
    let home = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(crate::common::open(home.path()));
    check(&runtime, &store);
    runtime.block_on(store.close());
}

#[test]
fn any_appends_come_back_as_they_were() {
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    // Which of three runs is written to, how many events at once, and where reading begins.
    let appends = prop::collection::vec((0..3usize, 1..5u64), 1..12);
    with_store(|runtime, store| {
        proptest!(config, |(appends in appends, after in 0..20u64)| {
            runtime.block_on(replay(store, &appends, after))?;
        });
    });
}

async fn replay(store: &Store, appends: &[(usize, u64)], after: u64) -> TestCaseResult {
    let journal = store.journal();
    let tenant = tenant();
    let mut runs: Vec<_> = (0..3).map(|_| (Run::new(tenant, project_id()), Vec::new())).collect();
    for (number, count) in appends {
        let (run, written) = &mut runs[*number];
        let expected = run.row.seq;
        let events = run.events(*count);
        if expected == 0 {
            journal.create(&events, &run.row).await.unwrap();
        } else {
            journal.append(expected, &events, &run.row).await.unwrap();
        }
        written.extend(events);
    }
    for (run, written) in runs.iter().filter(|(_, written)| !written.is_empty()) {
        let loaded = journal.load(tenant, run.row.run_id, after).await.unwrap();
        let loaded: Vec<_> = loaded.into_iter().map(|stored| stored.event).collect();
        let from = usize::try_from(after).unwrap().min(written.len());
        prop_assert_eq!(&loaded, &written[from..]);
        let found = journal.find(tenant, run.row.run_id).await.unwrap();
        prop_assert_eq!(found.as_ref(), Some(&run.row));
    }
    Ok(())
}

#[test]
fn pages_of_any_size_add_up_to_the_list() {
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let runs = prop::collection::vec((0..2usize, prop::sample::select(&Status::ALL[..])), 0..25);
    let filter = (prop::option::of(0..2usize), prop::sample::subsequence(&Status::ALL[..], 0..4), 1..7u32);
    with_store(|runtime, store| {
        proptest!(config, |(runs in runs, (project, statuses, limit) in filter)| {
            runtime.block_on(page_through(store, &runs, project, statuses, limit))?;
        });
    });
}

async fn page_through(
    store: &Store,
    runs: &[(usize, Status)],
    project: Option<usize>,
    statuses: Vec<Status>,
    limit: u32,
) -> TestCaseResult {
    let journal = store.journal();
    let (tenant, projects) = (tenant(), [project_id(), project_id()]);
    let mut expected: Vec<RunRow> = Vec::new();
    for (owner, status) in runs {
        let mut run = Run::new(tenant, projects[*owner]);
        let events = run.begin();
        run.row.status = *status;
        journal.create(&events, &run.row).await.unwrap();
        let fits = project.is_none_or(|project| project == *owner)
            && (statuses.is_empty() || statuses.contains(status));
        if fits {
            expected.insert(0, run.row);
        }
    }
    let mut filter = RunFilter {
        project: project.map(|project| projects[project]),
        statuses,
        limit,
        ..RunFilter::default()
    };
    let mut found: Vec<RunRow> = Vec::new();
    loop {
        let page = journal.list(tenant, &filter).await.unwrap();
        prop_assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { break };
        let before: Option<RunId> = Some(last.run_id);
        filter.before = before;
        found.extend(page);
    }
    prop_assert_eq!(found, expected);
    Ok(())
}
