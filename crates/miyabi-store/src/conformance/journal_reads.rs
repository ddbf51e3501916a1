//! Cases for `port::journal::Journal`: reading, and who may read what.

use std::time::Duration;

use miyabi_core::port::journal::{Error, Journal, RunFilter, RunRow, Scope, StoredEvent};
use miyabi_core::stop::Status;

use super::fixture::{project_id, run_id, tenant};
use super::journal::begin;

/// All there is, for filters.
const ALL: u32 = 1_000;

fn ids_of(rows: &[RunRow]) -> Vec<String> {
    rows.iter().map(|row| row.run_id.to_string()).collect()
}

/// A foreign tenant sees a run as one that does not exist, whichever way it looks.
pub async fn foreign_run_answers_like_a_missing_one(journal: &dyn Journal) {
    let (mut run, written) = begin(journal, tenant()).await;
    let (foreign, id) = (tenant(), run.row.run_id);
    let missing = run_id();
    for (who, which) in [(foreign, id), (run.row.tenant, missing)] {
        let error = journal.load(who, which, 0).await.unwrap_err();
        assert!(matches!(error, Error::NotFound(run) if run == which), "{error}");
        assert_eq!(journal.find(who, which).await.unwrap(), None);
        let tail = journal.tail(Scope::Run(who, which), 0, ALL).await.unwrap();
        assert_eq!(tail, []);
    }
    let scopes = [
        Scope::Tenant(foreign),
        Scope::Project(foreign, run.row.project),
        Scope::Project(run.row.tenant, project_id()),
    ];
    for scope in scopes {
        assert_eq!(journal.tail(scope, 0, ALL).await.unwrap(), [], "{scope:?}");
    }
    let filter = RunFilter { limit: ALL, ..RunFilter::default() };
    assert_eq!(journal.list(foreign, &filter).await.unwrap(), []);

    let events = run.events(1);
    let stolen = RunRow { tenant: foreign, ..run.row.clone() };
    let error = journal.append(2, &events, &stolen).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(run) if run == id), "{error}");
    // Not even that the id is taken can be learnt.
    let own = RunRow { seq: 2, ..stolen };
    journal.create(&written, &own).await.unwrap();
    let first = journal.find(run.row.tenant, id).await.unwrap().unwrap();
    assert_eq!((first.tenant, first.seq), (run.row.tenant, 2));
}

/// Reading on from the last event seen, in steps of any size, gives every event once.
pub async fn tail_reads_on_from_any_place(journal: &dyn Journal) {
    let tenant = tenant();
    let (mut one, _) = begin(journal, tenant).await;
    let (mut other, _) = begin(journal, tenant).await;
    for _ in 0..4 {
        for run in [&mut one, &mut other] {
            let expected = run.row.seq;
            let events = run.events(1);
            journal.append(expected, &events, &run.row).await.unwrap();
        }
    }
    let scopes = [
        (Scope::Tenant(tenant), 12),
        (Scope::Project(tenant, one.row.project), 6),
        (Scope::Run(tenant, other.row.run_id), 6),
    ];
    for (scope, count) in scopes {
        let all = journal.tail(scope, 0, ALL).await.unwrap();
        assert_eq!(all.len(), count, "{scope:?}");
        for limit in [1, 5] {
            let mut read = Vec::new();
            loop {
                let after = read.last().map_or(0, |stored: &StoredEvent| stored.global_seq);
                let page = journal.tail(scope, after, limit).await.unwrap();
                assert!(page.len() <= limit as usize);
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            assert_eq!(read, all, "{scope:?} by {limit}");
        }
    }
    let everything = journal.tail(Scope::All, 0, u32::MAX).await.unwrap();
    let mine = everything
        .into_iter()
        .filter(|stored| [one.row.run_id, other.row.run_id].contains(&stored.event.run_id));
    assert_eq!(mine.count(), 12);
}

/// Lists are newest first and hold what the filter asks for.
pub async fn list_holds_what_the_filter_asks_for(journal: &dyn Journal) {
    let tenant = tenant();
    let mut rows = Vec::new();
    for number in 0..6 {
        let (mut run, _) = begin(journal, tenant).await;
        if number % 2 == 0 {
            let end = run.end();
            journal.append(2, &[end], &run.row).await.unwrap();
        }
        rows.insert(0, run.row);
    }
    let check = async |filter: RunFilter, expected: &[RunRow]| {
        let found = journal.list(tenant, &filter).await.unwrap();
        assert_eq!(found, expected, "{filter:?}");
    };
    let all = RunFilter { limit: ALL, ..RunFilter::default() };
    check(all.clone(), &rows).await;
    let few = RunFilter { limit: 2, ..all.clone() };
    check(few, &rows[..2]).await;
    let page = RunFilter { before: Some(rows[1].run_id), limit: 2, ..all.clone() };
    check(page, &rows[2..4]).await;
    let failed = RunFilter { statuses: vec![Status::Failed, Status::Cancelled], ..all.clone() };
    check(failed, &[rows[1].clone(), rows[3].clone(), rows[5].clone()]).await;
    let project = RunFilter { project: Some(rows[4].project), ..all.clone() };
    check(project, &rows[4..5]).await;
    let recent = RunFilter { since: Some(rows[3].created_at), ..all };
    check(recent, &rows[..3]).await;
}

/// What has not ended is found at start, oldest first, of whatever tenant.
pub async fn unfinished_runs_are_found_until_they_end(journal: &dyn Journal) {
    let (old, _) = begin(journal, tenant()).await;
    let (mut ended, _) = begin(journal, tenant()).await;
    let (young, _) = begin(journal, tenant()).await;
    let mine = async || {
        let mut rows = journal.unfinished().await.unwrap();
        rows.retain(|row| [&old, &ended, &young].iter().any(|run| run.row.run_id == row.run_id));
        ids_of(&rows)
    };
    let before = mine().await;
    assert_eq!(before, ids_of(&[old.row.clone(), ended.row.clone(), young.row.clone()]));
    let end = ended.end();
    journal.append(2, &[end], &ended.row).await.unwrap();
    let mut rows = journal.unfinished().await.unwrap();
    rows.retain(|row| [old.row.run_id, ended.row.run_id, young.row.run_id].contains(&row.run_id));
    assert_eq!(ids_of(&rows), ids_of(&[old.row, young.row]));
}

/// Whoever waits for news is woken by an append, and at once when there are some already.
pub async fn waiting_for_news_ends_with_an_append(journal: &dyn Journal) {
    let (mut run, _) = begin(journal, tenant()).await;
    let last = journal.last_global().await.unwrap();
    journal.changed(last - 1).await;

    let events = run.events(1);
    let wait = journal.changed(last);
    let append = journal.append(2, &events, &run.row);
    let both = async { tokio::join!(wait, append).1 };
    let appended = tokio::time::timeout(Duration::from_secs(10), both).await;
    appended.unwrap().unwrap();
    assert!(journal.last_global().await.unwrap() > last);
}
