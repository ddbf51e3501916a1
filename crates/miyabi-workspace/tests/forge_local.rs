//! The local forge over records in memory and branches in a real git repository.
#![cfg(test)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::forge::{
    Comment, Issue, NewIssue, Openness, PullRequest, PullRequestState, PullRequestText,
};
use miyabi_core::label::Label;
use miyabi_core::port::forge::Forge;
use miyabi_core::port::records::{self, ForgeRecords, NewComment, NumberPage};
use miyabi_core::port::repositories::Repositories as _;
use miyabi_core::project::Project;
use miyabi_core::time::Timestamp;
use miyabi_testkit::clock::START;
use miyabi_testkit::git::{self, Repository};
use miyabi_testkit::records::MemoryForgeRecords;
use miyabi_workspace::forge::LocalForge;
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits};
use tempfile::TempDir;

/// Records whose notes of an ended pull request get lost once: the process dies between branch and record.
struct Mortal {
    inner: MemoryForgeRecords,
    dies: AtomicBool,
}

#[async_trait]
impl ForgeRecords for Mortal {
    async fn end_pull_request(
        &self,
        project: &Project,
        number: u64,
        state: PullRequestState,
        merge_commit: Option<&str>,
        at: Timestamp,
    ) -> Result<(), records::Error> {
        if self.dies.swap(false, Ordering::Relaxed) {
            return Err(records::Error::Unavailable("the disk went away".into()));
        }
        self.inner.end_pull_request(project, number, state, merge_commit, at).await
    }

    async fn create_issue(&self, p: &Project, i: &NewIssue, at: Timestamp) -> Result<Issue, records::Error> {
        self.inner.create_issue(p, i, at).await
    }
    async fn find_issue(&self, p: &Project, number: u64) -> Result<Option<Issue>, records::Error> {
        self.inner.find_issue(p, number).await
    }
    async fn list_issues(&self, p: &Project, page: NumberPage) -> Result<Vec<Issue>, records::Error> {
        self.inner.list_issues(p, page).await
    }
    async fn set_issue_open(
        &self,
        p: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), records::Error> {
        self.inner.set_issue_open(p, number, open, at).await
    }
    async fn add_labels(
        &self,
        p: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), records::Error> {
        self.inner.add_labels(p, number, labels, at).await
    }
    async fn comment(&self, p: &Project, comment: &NewComment) -> Result<Comment, records::Error> {
        self.inner.comment(p, comment).await
    }
    async fn list_comments(&self, p: &Project, number: u64) -> Result<Vec<Comment>, records::Error> {
        self.inner.list_comments(p, number).await
    }
    async fn upsert_pull_request(
        &self,
        p: &Project,
        new: &PullRequest,
    ) -> Result<PullRequest, records::Error> {
        self.inner.upsert_pull_request(p, new).await
    }
    async fn find_pull_request(
        &self,
        p: &Project,
        number: u64,
    ) -> Result<Option<PullRequest>, records::Error> {
        self.inner.find_pull_request(p, number).await
    }
    async fn list_pull_requests(
        &self,
        p: &Project,
        page: NumberPage,
    ) -> Result<Vec<PullRequest>, records::Error> {
        self.inner.list_pull_requests(p, page).await
    }
}

struct House {
    forge: LocalForge,
    project: Project,
    bare: PathBuf,
    records: Arc<Mortal>,
    base: String,
    change: String,
    _user: Repository,
    _data: TempDir,
}

const BRANCH: &str = "miyabi/run_1";

/// A project whose repository has a base commit on `main` and a change on top of it.
async fn house() -> House {
    let data = tempfile::tempdir().unwrap();
    let user = Repository::with_files(&[("a.txt", "one\n")]);
    let base = user.head();
    user.git(&["checkout", "--quiet", "-b", "side"]);
    user.write("a.txt", "two\n");
    let change = user.commit("change");
    let project = miyabi_testkit::project::project(1, user.path());
    let git = Git::open("/usr/bin/git").await.unwrap();
    let repositories = GitRepositories::new(git, data.path(), Limits::default());
    for branch in ["main", "side"] {
        repositories.open(&project, branch).await.unwrap();
    }
    let records = Arc::new(Mortal { inner: MemoryForgeRecords::default(), dies: AtomicBool::new(false) });
    House {
        bare: repositories.path(project.id),
        forge: LocalForge::new(records.clone(), Arc::new(repositories)),
        project,
        records,
        base,
        change,
        _user: user,
        _data: data,
    }
}

impl House {
    /// Git in the project's own repository, to look at it or to play somebody else.
    fn git(&self, args: &[&str]) -> String {
        git::run(&self.bare, &[&["--git-dir=."], args].concat())
    }

    fn main(&self) -> String {
        self.git(&["rev-parse", "refs/heads/main"])
    }

    async fn open(&self, title: &str) -> PullRequest {
        let text = PullRequestText { title: title.into(), body: "why\n".into() };
        self.forge.push(&self.project, BRANCH, &self.change).await.unwrap();
        self.forge.open_pull_request(&self.project, "marker-1", BRANCH, "main", &text, START).await.unwrap()
    }

    async fn merge(&self, number: u64, candidate: &str) -> Result<bool, Failure> {
        self.forge.merge(&self.project, number, candidate, &self.base, START).await
    }

    async fn state(&self, number: u64) -> (PullRequestState, Option<String>) {
        let found = self.forge.get_pull_request(&self.project, number).await.unwrap();
        (found.state, found.merge_commit)
    }
}

#[tokio::test]
async fn a_pull_request_is_opened_once_per_marker_and_follows_its_branch() {
    let house = house().await;
    let first = house.open("first").await;
    assert_eq!((first.head.as_str(), first.base_branch.as_str()), (house.change.as_str(), "main"));
    let again = house.open("second").await;
    assert_eq!((again.number, again.title.as_str()), (first.number, "second"));
    let all = house.forge.list_pull_requests(&house.project, Openness::All, None, 10).await;
    assert_eq!(all.unwrap().len(), 1);
}

#[tokio::test]
async fn a_merge_moves_the_branch_and_says_so_and_may_be_repeated() {
    let house = house().await;
    let number = house.open("change").await.number;
    assert!(house.merge(number, &house.change).await.unwrap());
    assert_eq!(house.main(), house.change);
    let merged = (PullRequestState::Merged, Some(house.change.clone()));
    assert_eq!(house.state(number).await, merged);
    assert!(house.merge(number, &house.change).await.unwrap());
    assert_eq!(house.merge(number, &house.base).await.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_merge_that_died_between_branch_and_record_is_finished_by_a_repeat() {
    for goes_on in [false, true] {
        let house = house().await;
        let number = house.open("change").await.number;
        house.records.dies.store(true, Ordering::Relaxed);
        let died = house.merge(number, &house.change).await.unwrap_err();
        assert_eq!(died.code, ErrorCode::StoreUnavailable);
        assert_eq!(house.main(), house.change);
        assert_eq!(house.state(number).await.0, PullRequestState::Open);
        if goes_on {
            // Somebody else's merge came on top before the repeat.
            let tree = house.git(&["rev-parse", "main^{tree}"]);
            let next = house.git(&["commit-tree", &tree, "-p", &house.change, "-m", "next"]);
            house.git(&["update-ref", "refs/heads/main", &next]);
        }
        let before = house.main();
        assert!(house.merge(number, &house.change).await.unwrap());
        assert_eq!(house.main(), before);
        let merged = (PullRequestState::Merged, Some(house.change.clone()));
        assert_eq!(house.state(number).await, merged);
    }
}

#[tokio::test]
async fn a_branch_that_moved_is_not_merged_over() {
    let house = house().await;
    let number = house.open("change").await.number;
    let tree = house.git(&["rev-parse", "main^{tree}"]);
    let other = house.git(&["commit-tree", &tree, "-p", &house.base, "-m", "other"]);
    house.git(&["update-ref", "refs/heads/main", &other]);
    assert!(!house.merge(number, &house.change).await.unwrap());
    assert_eq!(house.main(), other);
    assert_eq!(house.state(number).await.0, PullRequestState::Open);
}

#[tokio::test]
async fn a_candidate_that_would_drop_commits_is_refused() {
    let house = house().await;
    let number = house.open("change").await.number;
    let tree = house.git(&["rev-parse", "main^{tree}"]);
    let orphan = house.git(&["commit-tree", &tree, "-m", "orphan"]);
    let refused = house.merge(number, &orphan).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RequestInvalid);
    assert_eq!(house.main(), house.base);
}

#[tokio::test]
async fn only_run_branches_are_pushed() {
    let house = house().await;
    for branch in ["main", "refs/heads/miyabi/x", "miyabi/../main", "--force", "miyabi/a\nb"] {
        let refused = house.forge.push(&house.project, branch, &house.change).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RequestInvalid, "{branch}");
        assert!(!refused.message.contains('\n'));
    }
    assert_eq!(house.main(), house.base);
    // A run's own branch may be moved anywhere, also back.
    for commit in [&house.change, &house.base] {
        house.forge.push(&house.project, BRANCH, commit).await.unwrap();
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let house = house().await;
    let (forge, project) = (&house.forge, &house.project);
    let text = PullRequestText { title: "t".into(), body: String::new() };
    let failures = [
        forge.get_issue(project, 9).await.unwrap_err(),
        forge.get_pull_request(project, 9).await.unwrap_err(),
        forge.merge(project, 9, "a", "b", START).await.unwrap_err(),
        forge.close_pull_request(project, 9, START).await.unwrap_err(),
        forge.set_issue_open(project, 9, false, START).await.unwrap_err(),
        forge.comment(project, 9, "ann", "hi", None, START).await.unwrap_err(),
        forge.open_pull_request(project, "m", "miyabi/none", "main", &text, START).await.unwrap_err(),
    ];
    for failure in failures {
        assert_eq!(failure.code, ErrorCode::NotFound, "{failure}");
    }
}

#[tokio::test]
async fn closing_is_final_and_may_be_repeated() {
    let house = house().await;
    let number = house.open("change").await.number;
    for _ in 0..2 {
        house.forge.close_pull_request(&house.project, number, START).await.unwrap();
    }
    assert_eq!(house.merge(number, &house.change).await.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(house.main(), house.base);
}

#[tokio::test]
async fn issues_share_the_count_with_pull_requests_and_are_paged() {
    let house = house().await;
    let (forge, project) = (&house.forge, &house.project);
    let new = |title: &str| NewIssue {
        title: title.into(),
        body: "body\r\n".into(),
        author: "ann".into(),
        author_label: Label::Other,
        labels: vec!["bug".into(), "area/b".into(), "bug".into()],
    };
    let one = forge.create_issue(project, &new("one\nline"), START).await.unwrap();
    assert_eq!((one.title.as_str(), one.body.as_str()), ("one line", "body\r\n"));
    assert_eq!(one.labels, ["area/b", "bug"]);
    let pull_request = house.open("change").await;
    let two = forge.create_issue(project, &new("two"), START).await.unwrap();
    assert_eq!((one.number, pull_request.number, two.number), (1, 2, 3));
    forge.add_labels(project, 1, &["zeta".into(), "alpha".into()], START).await.unwrap();
    assert_eq!(forge.get_issue(project, 1).await.unwrap().labels, ["alpha", "area/b", "bug", "zeta"]);
    forge.set_issue_open(project, 1, false, START).await.unwrap();
    let numbers = async |openness, before, limit| -> Vec<u64> {
        let page = forge.list_issues(project, openness, before, limit).await;
        page.unwrap().iter().map(|issue| issue.number).collect()
    };
    assert_eq!(numbers(Openness::Open, None, 10).await, [3]);
    assert_eq!(numbers(Openness::Closed, None, 10).await, [1]);
    assert_eq!(numbers(Openness::All, None, 1).await, [3]);
    assert_eq!(numbers(Openness::All, Some(3), 10).await, [1]);
}

#[tokio::test]
async fn a_comment_of_a_run_happens_once_and_can_steer_nothing() {
    let house = house().await;
    let number = house.open("change").await.number;
    for body in ["done", "done again"] {
        house.forge.comment(&house.project, number, "miyabi", body, Some("run_1/done"), START).await.unwrap();
    }
    let by_hand = house.forge.comment(&house.project, number, "ann", "thanks", None, START).await.unwrap();
    assert!(by_hand.author_label.may_steer());
    let all = house.forge.list_comments(&house.project, number).await.unwrap();
    let bodies: Vec<_> = all.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(bodies, ["done", "thanks"]);
    assert!(!all[0].author_label.may_steer());
}
