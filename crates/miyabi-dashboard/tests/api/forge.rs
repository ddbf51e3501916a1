//! Projects, issues and pull requests.

use miyabi_core::error::ErrorCode;
use miyabi_core::forge::{PullRequestState, PullRequestText};
use miyabi_core::port::repositories::Replant;
use miyabi_core::run::value::Candidate;
use miyabi_core::stop::StopKind;
use miyabi_dashboard::api::{CommentRequest, ConnectProject, CreateIssue, MergeRequest};

use crate::house::House;
use crate::story;

fn issue(title: &str) -> CreateIssue {
    CreateIssue { title: title.into(), body: "It is **wrong**.".into(), labels: vec!["bug".into()] }
}

#[tokio::test]
async fn repositories_are_connected_and_found_again() {
    let house = House::new().await;
    let other = miyabi_testkit::git::Repository::with_files(&[("a", "1\n")]);
    let path = other.path().to_str().unwrap().to_owned();
    let request = ConnectProject { path: path.clone(), branch: "main".into(), name: Some("web".into()) };
    let project = house.client.connect_project(&request).await.unwrap();
    assert_eq!((project.name.as_str(), project.branch.as_str()), ("web", "main"));
    assert_eq!(house.client.list_projects(Some(&path)).await.unwrap().items, std::slice::from_ref(&project));
    assert_eq!(house.client.get_project("web").await.unwrap(), project);
    assert_eq!(house.client.get_project(&project.id.to_string()).await.unwrap(), project);
    assert_eq!(house.client.list_projects(None).await.unwrap().items.len(), 2);

    let again = house.client.connect_project(&request).await.unwrap();
    assert_eq!(again.id, project.id);
    let third = miyabi_testkit::git::Repository::with_files(&[("a", "1\n")]);
    let taken = ConnectProject { path: third.path().to_str().unwrap().into(), ..request.clone() };
    assert_eq!(house.client.connect_project(&taken).await.unwrap_err().code, ErrorCode::Conflict);
    let no_branch = ConnectProject { branch: "nope".into(), name: None, ..taken };
    assert!(house.client.connect_project(&no_branch).await.is_err());
    let relative = ConnectProject { path: "x".into(), ..request.clone() };
    assert_eq!(house.client.connect_project(&relative).await.unwrap_err().errors[0].field, "path");
    let empty = tempfile::tempdir().unwrap();
    let none = ConnectProject { path: empty.path().to_str().unwrap().into(), name: None, ..request };
    assert_eq!(house.client.connect_project(&none).await.unwrap_err().code, ErrorCode::NotARepository);
    assert_eq!(house.client.get_project("nothing").await.unwrap_err().code, ErrorCode::ProjectUnknown);
}

#[tokio::test]
async fn issues_are_made_commented_closed_and_opened_again() {
    let house = House::new().await;
    let made = house.client.create_issue("project-1", &issue("Last page is empty"), "k").await.unwrap();
    assert_eq!(
        house.client.create_issue("project-1", &issue("Last page is empty"), "k").await.unwrap(),
        made
    );
    let comment = CommentRequest { body: "Seen on page 3.".into() };
    house.client.comment_issue("project-1", made.number, &comment, "c").await.unwrap();
    let shown = house.client.get_issue("project-1", made.number).await.unwrap();
    insta::assert_json_snapshot!(shown);
    for _ in 0..2 {
        assert!(!house.client.close_issue("project-1", made.number).await.unwrap().is_open);
    }
    assert!(house.client.list_issues("project-1", "").await.unwrap().items.is_empty());
    assert_eq!(house.client.list_issues("project-1", "state=closed").await.unwrap().items.len(), 1);
    assert!(house.client.reopen_issue("project-1", made.number).await.unwrap().is_open);

    assert_eq!(house.client.get_issue("project-1", 99).await.unwrap_err().status, 404);
    let empty = CommentRequest { body: " ".into() };
    let refused = house.client.comment_issue("project-1", made.number, &empty, "e").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RequestInvalid);
    let refused = house.client.create_issue("project-1", &issue("two\nlines"), "t").await.unwrap_err();
    assert_eq!(refused.errors[0].field, "title");
}

#[tokio::test]
async fn issues_are_paged() {
    let house = House::new().await;
    for number in 0..5 {
        house.issue(&format!("issue {number}"), "").await;
    }
    let first = house.client.list_issues("project-1", "limit=3").await.unwrap();
    assert_eq!(first.items.iter().map(|issue| issue.number).collect::<Vec<_>>(), [5, 4, 3]);
    let query = format!("limit=3&cursor={}", first.next.unwrap().0);
    let second = house.client.list_issues("project-1", &query).await.unwrap();
    assert_eq!(second.items.iter().map(|issue| issue.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(second.next, None);
    let foreign = house.client.list_pull_requests("project-1", &query).await.unwrap_err();
    assert_eq!(foreign.errors[0].field, "cursor");
}

/// A pull request of a run, with one commit on top of `main`; its number and head.
async fn opened(house: &House, marker: &str) -> (u64, String) {
    let repositories = house.services.code.repositories.as_ref();
    let base = repositories.open(&house.project, "main").await.unwrap().commit;
    house.repository.git(&["checkout", "--quiet", "-b", "change"]);
    house.repository.write("src/page.rs", "one\n2\n");
    let change = house.repository.commit("count");
    house.repository.git(&["checkout", "--quiet", "main"]);
    repositories.open(&house.project, "change").await.unwrap();
    let at = house.services.runs.clock.now();
    let replant = Replant { commit: &change, base: &base, onto: &base, message: "Count\n", at };
    let Candidate::Clean { commit, .. } = repositories.replant(&house.project, &replant).await.unwrap()
    else {
        panic!("it fits")
    };
    let forge = house.services.intake.forge.as_ref();
    forge.push(&house.project, "miyabi/run", &commit).await.unwrap();
    let text = PullRequestText { title: "Count pages from one".into(), body: "Because.".into() };
    let made =
        forge.open_pull_request(&house.project, marker, "miyabi/run", "main", &text, at).await.unwrap();
    (made.number, commit)
}

#[tokio::test]
async fn pull_requests_are_shown_with_what_they_change() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, vec![story::ended(StopKind::Cancelled, "stopped")]).await;
    let (number, head) = opened(&house, &format!("miyabi:{}", run.id)).await;
    let shown = house.client.get_pull_request("project-1", number).await.unwrap();
    assert_eq!((shown.run_id, shown.head.as_str()), (Some(run.id), head.as_str()));
    let diff = house.client.diff_pull_request("project-1", number).await.unwrap();
    insta::assert_json_snapshot!(diff);
    house.client.merge_pull_request("project-1", number, &MergeRequest::default()).await.unwrap();
    assert_eq!(house.client.diff_pull_request("project-1", number).await.unwrap(), diff);
}

#[tokio::test]
async fn a_person_merges_what_was_checked_and_nothing_else() {
    let house = House::new().await;
    let run = house.run("x").await;
    let (number, head) = opened(&house, &format!("miyabi:{}", run.id)).await;
    let merge = |head: Option<&str>| {
        let client = house.client.clone();
        let request = MergeRequest { head: head.map(str::to_owned) };
        async move { client.merge_pull_request("project-1", number, &request).await }
    };
    let busy = merge(None).await.unwrap_err();
    assert_eq!((busy.code, busy.status), (ErrorCode::Conflict, 409));
    assert!(house.client.close_pull_request("project-1", number).await.is_err());

    house.write(run.id, vec![story::ended(StopKind::BudgetExhausted, "spent")]).await;
    assert_eq!(merge(Some("3333333")).await.unwrap_err().code, ErrorCode::Conflict);
    let merged = merge(Some(&head[..8])).await.unwrap();
    assert_eq!(merged.state, PullRequestState::Merged);
    assert_eq!(merge(None).await.unwrap(), merged);
    let main = house.services.code.repositories.head(&house.project, "main").await.unwrap().unwrap();
    assert_eq!(merged.merge_commit, Some(main.commit));
    assert!(house.client.close_pull_request("project-1", number).await.is_err());
}

#[tokio::test]
async fn a_branch_that_moved_is_not_merged_into_unchecked() {
    let house = House::new().await;
    let (number, _) = opened(&house, "miyabi:none").await;
    house.repository.write("README.md", "# Other\n");
    house.repository.commit("go on");
    house.services.code.repositories.open(&house.project, "main").await.unwrap();
    let problem =
        house.client.merge_pull_request("project-1", number, &MergeRequest::default()).await.unwrap_err();
    insta::assert_json_snapshot!(problem, { ".request_id" => "[request]" });
    let closed = house.client.close_pull_request("project-1", number).await.unwrap();
    assert_eq!(closed.state, PullRequestState::Closed);
    assert_eq!(house.client.close_pull_request("project-1", number).await.unwrap(), closed);
    let all = house.client.list_pull_requests("project-1", "state=all").await.unwrap();
    assert_eq!(all.items.len(), 1);
}
