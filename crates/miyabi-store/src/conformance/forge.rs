//! Cases for `port::records::ForgeRecords`. They take the projects too, because records hang on one.

use std::collections::BTreeSet;

use futures::future::join_all;
use miyabi_core::forge::{Issue, NewIssue, Openness, PullRequest, PullRequestState};
use miyabi_core::label::Label;
use miyabi_core::port::records::{Error, ForgeRecords, NewComment, NumberPage, Projects};
use miyabi_core::project::Project;

use super::fixture::{START, project, tenant};

async fn connected(projects: &dyn Projects) -> Project {
    let project = project(tenant());
    projects.create(&project).await.unwrap();
    project
}

fn issue(title: &str) -> NewIssue {
    NewIssue {
        title: title.into(),
        body: "It fails with `日付`.\r\n".into(),
        author: "yamada".into(),
        author_label: Label::Other,
        labels: vec!["bug".into(), "area/parser".into(), "bug".into()],
    }
}

fn pull_request(marker: &str) -> PullRequest {
    PullRequest {
        number: 0,
        title: "Parse dates".into(),
        body: "why".into(),
        head_branch: "miyabi/run_1".into(),
        head: "a".repeat(40),
        base_branch: "main".into(),
        state: PullRequestState::Open,
        merge_commit: None,
        marker: marker.into(),
        created_at: START,
        updated_at: START,
    }
}

fn comment(number: u64, marker: Option<&str>) -> NewComment {
    NewComment {
        number,
        author: "miyabi".into(),
        author_label: Label::Model,
        body: format!("about {number}"),
        marker: marker.map(str::to_owned),
        at: START,
    }
}

fn page(openness: Openness, before: Option<u64>, limit: u32) -> NumberPage {
    NumberPage { openness, before, limit }
}

/// Issues and pull requests count together, each project for itself.
pub async fn numbers_count_up_per_project(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    for project in [connected(projects).await, connected(projects).await] {
        let first = forge.create_issue(&project, &issue("one"), START).await.unwrap();
        let second = forge.upsert_pull_request(&project, &pull_request("m")).await.unwrap();
        let third = forge.create_issue(&project, &issue("three"), START).await.unwrap();
        assert_eq!((first.number, second.number, third.number), (1, 2, 3));
    }
}

/// Numbers given out at the same time are all different.
pub async fn numbers_are_given_out_once(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let project = connected(projects).await;
    let new = issue("many");
    let made = join_all((0..20).map(|_| forge.create_issue(&project, &new, START))).await;
    let numbers: BTreeSet<u64> = made.into_iter().map(|issue| issue.unwrap().number).collect();
    assert_eq!(numbers, (1..=20).collect());
}

/// An issue lives from being made to being closed.
pub async fn issue_keeps_what_it_says(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let project = connected(projects).await;
    let made = forge.create_issue(&project, &issue("fails"), START).await.unwrap();
    let expected = Issue {
        number: 1,
        title: "fails".into(),
        body: "It fails with `日付`.\r\n".into(),
        author: "yamada".into(),
        author_label: Label::Other,
        labels: vec!["area/parser".into(), "bug".into()],
        is_open: true,
        created_at: START,
        updated_at: START,
    };
    assert_eq!(made, expected);
    let later = START.plus_millis(9);
    let labels = ["size/s".to_owned(), "bug".to_owned()];
    forge.add_labels(&project, 1, &labels, later).await.unwrap();
    forge.set_issue_open(&project, 1, false, later).await.unwrap();
    let found = forge.find_issue(&project, 1).await.unwrap().unwrap();
    let expected = Issue {
        labels: vec!["area/parser".into(), "bug".into(), "size/s".into()],
        is_open: false,
        updated_at: later,
        ..expected
    };
    assert_eq!(found, expected);
    forge.set_issue_open(&project, 1, true, later).await.unwrap();
    assert!(forge.find_issue(&project, 1).await.unwrap().unwrap().is_open);
}

/// Comments hang on issues and pull requests, once per marker.
pub async fn comments_are_made_once_per_marker(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let project = connected(projects).await;
    forge.create_issue(&project, &issue("one"), START).await.unwrap();
    forge.upsert_pull_request(&project, &pull_request("m")).await.unwrap();
    let marked = comment(1, Some("run_1/triage"));
    let first = forge.comment(&project, &marked).await.unwrap();
    let again = forge.comment(&project, &marked).await.unwrap();
    assert_eq!(first, again);
    let plain = [
        forge.comment(&project, &comment(1, None)).await.unwrap(),
        forge.comment(&project, &comment(1, None)).await.unwrap(),
    ];
    let on_pull_request = forge.comment(&project, &comment(2, None)).await.unwrap();
    let [second, third] = plain;
    assert_eq!(forge.list_comments(&project, 1).await.unwrap(), [first, second, third]);
    assert_eq!(forge.list_comments(&project, 2).await.unwrap(), [on_pull_request]);
}

/// A pull request is made once per marker and brought up to date while it is open.
pub async fn pull_request_is_found_by_its_marker(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let project = connected(projects).await;
    let made = forge.upsert_pull_request(&project, &pull_request("m")).await.unwrap();
    assert_eq!(made, PullRequest { number: 1, ..pull_request("m") });
    let newer = PullRequest {
        title: "Parse all dates".into(),
        body: "why, better".into(),
        head: "b".repeat(40),
        updated_at: START.plus_millis(5),
        ..pull_request("m")
    };
    let refreshed = forge.upsert_pull_request(&project, &newer).await.unwrap();
    assert_eq!(refreshed, PullRequest { number: 1, ..newer.clone() });

    let commit = "c".repeat(40);
    let merged = PullRequestState::Merged;
    forge.end_pull_request(&project, 1, merged, Some(&commit), START.plus_millis(7)).await.unwrap();
    let ended = forge.upsert_pull_request(&project, &pull_request("m")).await.unwrap();
    let expected = PullRequest {
        number: 1,
        state: merged,
        merge_commit: Some(commit),
        updated_at: START.plus_millis(7),
        ..newer
    };
    assert_eq!(ended, expected);
    let closed = PullRequestState::Closed;
    forge.end_pull_request(&project, 1, closed, None, START).await.unwrap();
    let found = forge.find_pull_request(&project, 1).await.unwrap();
    assert_eq!(found, Some(expected), "what was merged stays merged");
}

/// Pages of any size, put together, are the whole list, newest first.
pub async fn pages_add_up_to_the_list(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let project = connected(projects).await;
    for number in 1..=9u64 {
        if number % 3 == 0 {
            let marker = format!("m{number}");
            forge.upsert_pull_request(&project, &pull_request(&marker)).await.unwrap();
        } else {
            forge.create_issue(&project, &issue("i"), START).await.unwrap();
        }
    }
    forge.set_issue_open(&project, 4, false, START).await.unwrap();
    let closed = PullRequestState::Closed;
    forge.end_pull_request(&project, 6, closed, None, START).await.unwrap();
    let cases = [
        (Openness::All, vec![8, 7, 5, 4, 2, 1], vec![9, 6, 3]),
        (Openness::Open, vec![8, 7, 5, 2, 1], vec![9, 3]),
        (Openness::Closed, vec![4], vec![6]),
    ];
    for (openness, issues, pull_requests) in cases {
        for limit in [1, 2, 50] {
            let mut found = (Vec::new(), Vec::new());
            loop {
                let page = page(openness, found.0.last().copied(), limit);
                let rows = forge.list_issues(&project, page).await.unwrap();
                if rows.is_empty() {
                    break;
                }
                found.0.extend(rows.iter().map(|issue| issue.number));
            }
            loop {
                let page = page(openness, found.1.last().copied(), limit);
                let rows = forge.list_pull_requests(&project, page).await.unwrap();
                if rows.is_empty() {
                    break;
                }
                found.1.extend(rows.iter().map(|pull_request| pull_request.number));
            }
            let expected = (issues.clone(), pull_requests.clone());
            assert_eq!(found, expected, "{openness:?} by {limit}");
        }
    }
}

/// Whatever belongs to another tenant, or does not exist, answers the same.
pub async fn foreign_records_answer_like_missing_ones(projects: &dyn Projects, forge: &dyn ForgeRecords) {
    let mine = connected(projects).await;
    forge.create_issue(&mine, &issue("mine"), START).await.unwrap();
    forge.upsert_pull_request(&mine, &pull_request("m")).await.unwrap();
    forge.comment(&mine, &comment(1, Some("c"))).await.unwrap();
    let foreign = Project { tenant: tenant(), ..mine.clone() };
    let all = page(Openness::All, None, 50);
    assert_eq!(forge.find_issue(&foreign, 1).await.unwrap(), None);
    assert_eq!(forge.list_issues(&foreign, all).await.unwrap(), []);
    assert_eq!(forge.list_comments(&foreign, 1).await.unwrap(), []);
    assert_eq!(forge.find_pull_request(&foreign, 2).await.unwrap(), None);
    assert_eq!(forge.list_pull_requests(&foreign, all).await.unwrap(), []);
    let closed = PullRequestState::Closed;
    let refusals = [
        forge.set_issue_open(&foreign, 1, false, START).await,
        forge.add_labels(&foreign, 1, &["x".into()], START).await,
        forge.end_pull_request(&foreign, 2, closed, None, START).await,
        forge.comment(&foreign, &comment(1, None)).await.map(|_| ()),
        // The project itself is missing for that tenant.
        forge.create_issue(&foreign, &issue("new"), START).await.map(|_| ()),
        forge.upsert_pull_request(&foreign, &pull_request("m")).await.map(|_| ()),
        // A number that is no issue, one that is no pull request, one that is nothing.
        forge.set_issue_open(&mine, 2, false, START).await,
        forge.end_pull_request(&mine, 1, closed, None, START).await,
        forge.comment(&mine, &comment(3, None)).await.map(|_| ()),
    ];
    for (case, refusal) in refusals.into_iter().enumerate() {
        assert!(matches!(refusal, Err(Error::NotFound { .. })), "case {case}: {refusal:?}");
    }
}
