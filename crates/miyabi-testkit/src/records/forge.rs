//! The local forge's records in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use miyabi_core::forge::{Comment, Issue, NewIssue, Openness, PullRequest, PullRequestState};
use miyabi_core::id::ProjectId;
use miyabi_core::port::records::{Error, ForgeRecords, NewComment, NumberPage};
use miyabi_core::project::Project;
use miyabi_core::time::Timestamp;

/// Issues, comments and pull requests, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryForgeRecords(Mutex<BTreeMap<ProjectId, Shelf>>);

/// What one project has.
#[derive(Debug, Default)]
struct Shelf {
    last_number: u64,
    issues: BTreeMap<u64, Issue>,
    pull_requests: BTreeMap<u64, PullRequest>,
    comments: Vec<(NewComment, Comment)>,
}

impl Shelf {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn issue(&mut self, number: u64) -> Result<&mut Issue, Error> {
        self.issues.get_mut(&number).ok_or_else(|| missing("issue", number))
    }
}

impl MemoryForgeRecords {
    fn with<T>(&self, project: &Project, act: impl FnOnce(&mut Shelf) -> T) -> T {
        act(self.0.lock().unwrap().entry(project.id).or_default())
    }
}

fn missing(kind: &'static str, number: u64) -> Error {
    Error::NotFound { kind, name: number.to_string() }
}

fn page<T: Clone>(of: &BTreeMap<u64, T>, page: NumberPage, is_open: impl Fn(&T) -> bool) -> Vec<T> {
    of.range(..page.before.unwrap_or(u64::MAX))
        .rev()
        .map(|(_, item)| item)
        .filter(|item| match page.openness {
            Openness::Open => is_open(item),
            Openness::Closed => !is_open(item),
            Openness::All => true,
        })
        .take(page.limit as usize)
        .cloned()
        .collect()
}

#[async_trait]
impl ForgeRecords for MemoryForgeRecords {
    async fn create_issue(&self, project: &Project, new: &NewIssue, at: Timestamp) -> Result<Issue, Error> {
        self.with(project, |shelf| {
            let labels: BTreeSet<_> = new.labels.iter().cloned().collect();
            let issue = Issue {
                number: shelf.next_number(),
                title: new.title.clone(),
                body: new.body.clone(),
                author: new.author.clone(),
                author_label: new.author_label,
                labels: labels.into_iter().collect(),
                is_open: true,
                created_at: at,
                updated_at: at,
            };
            shelf.issues.insert(issue.number, issue.clone());
            Ok(issue)
        })
    }

    async fn find_issue(&self, project: &Project, number: u64) -> Result<Option<Issue>, Error> {
        self.with(project, |shelf| Ok(shelf.issues.get(&number).cloned()))
    }

    async fn list_issues(&self, project: &Project, wanted: NumberPage) -> Result<Vec<Issue>, Error> {
        self.with(project, |shelf| Ok(page(&shelf.issues, wanted, |issue| issue.is_open)))
    }

    async fn set_issue_open(
        &self,
        project: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.with(project, |shelf| {
            let issue = shelf.issue(number)?;
            issue.is_open = open;
            issue.updated_at = at;
            Ok(())
        })
    }

    async fn add_labels(
        &self,
        project: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), Error> {
        self.with(project, |shelf| {
            let issue = shelf.issue(number)?;
            let all: BTreeSet<_> = issue.labels.drain(..).chain(labels.iter().cloned()).collect();
            issue.labels = all.into_iter().collect();
            issue.updated_at = at;
            Ok(())
        })
    }

    async fn comment(&self, project: &Project, new: &NewComment) -> Result<Comment, Error> {
        self.with(project, |shelf| {
            let exists =
                shelf.issues.contains_key(&new.number) || shelf.pull_requests.contains_key(&new.number);
            if !exists {
                return Err(missing("issue or pull request", new.number));
            }
            let same = |(earlier, _): &&(NewComment, Comment)| {
                earlier.number == new.number && earlier.marker.is_some() && earlier.marker == new.marker
            };
            if let Some((_, earlier)) = shelf.comments.iter().find(same) {
                return Ok(earlier.clone());
            }
            let comment = Comment {
                id: shelf.comments.len() as u64 + 1,
                author: new.author.clone(),
                author_label: new.author_label,
                body: new.body.clone(),
                created_at: new.at,
            };
            shelf.comments.push((new.clone(), comment.clone()));
            Ok(comment)
        })
    }

    async fn list_comments(&self, project: &Project, number: u64) -> Result<Vec<Comment>, Error> {
        self.with(project, |shelf| {
            let of_number = shelf.comments.iter().filter(|(new, _)| new.number == number);
            Ok(of_number.map(|(_, comment)| comment.clone()).collect())
        })
    }

    async fn upsert_pull_request(&self, project: &Project, new: &PullRequest) -> Result<PullRequest, Error> {
        self.with(project, |shelf| {
            let same = shelf.pull_requests.values_mut().find(|other| other.marker == new.marker);
            if let Some(stored) = same {
                if stored.state == PullRequestState::Open {
                    stored.title.clone_from(&new.title);
                    stored.body.clone_from(&new.body);
                    stored.head.clone_from(&new.head);
                    stored.updated_at = new.updated_at;
                }
                return Ok(stored.clone());
            }
            let made = PullRequest { number: shelf.next_number(), ..new.clone() };
            shelf.pull_requests.insert(made.number, made.clone());
            Ok(made)
        })
    }

    async fn find_pull_request(&self, project: &Project, number: u64) -> Result<Option<PullRequest>, Error> {
        self.with(project, |shelf| Ok(shelf.pull_requests.get(&number).cloned()))
    }

    async fn list_pull_requests(
        &self,
        project: &Project,
        wanted: NumberPage,
    ) -> Result<Vec<PullRequest>, Error> {
        self.with(project, |shelf| {
            let is_open = |pull_request: &PullRequest| pull_request.state == PullRequestState::Open;
            Ok(page(&shelf.pull_requests, wanted, is_open))
        })
    }

    async fn end_pull_request(
        &self,
        project: &Project,
        number: u64,
        state: PullRequestState,
        merge_commit: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.with(project, |shelf| {
            let stored =
                shelf.pull_requests.get_mut(&number).ok_or_else(|| missing("pull request", number))?;
            stored.state = state;
            stored.merge_commit = merge_commit.map(str::to_owned);
            stored.updated_at = at;
            Ok(())
        })
    }
}
