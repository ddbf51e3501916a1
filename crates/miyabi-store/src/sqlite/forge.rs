//! The local forge's records: the port, and the numbers that issues and pull requests share.

mod comments;
mod issues;
mod pull_requests;

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::forge::{Comment, Issue, NewIssue, PullRequest, PullRequestState};
use miyabi_core::id::{ProjectId, TenantId};
use miyabi_core::port::records::{Error, ForgeRecords, NewComment, NumberPage};
use miyabi_core::project::Project;
use miyabi_core::time::Timestamp;
use sqlx::SqliteConnection;

use super::database::Database;
use super::fault::Reject;

/// The local forge's records in SQLite.
pub(crate) struct SqliteForge {
    pub(crate) database: Arc<Database>,
}

/// Which project's records are meant: the first two columns of every key.
#[derive(Debug, Clone, Copy)]
struct Owner {
    tenant: TenantId,
    project: ProjectId,
}

impl Owner {
    fn of(project: &Project) -> Self {
        Self { tenant: project.tenant, project: project.id }
    }
}

#[async_trait]
impl ForgeRecords for SqliteForge {
    async fn create_issue(&self, project: &Project, issue: &NewIssue, at: Timestamp) -> Result<Issue, Error> {
        let (owner, issue) = (Owner::of(project), issue.clone());
        self.database.write(move |batch| Box::pin(issues::create(batch.connection, owner, issue, at))).await
    }

    async fn find_issue(&self, project: &Project, number: u64) -> Result<Option<Issue>, Error> {
        let mut reader = self.database.reader().await?;
        Ok(issues::find(&mut reader, Owner::of(project), number).await?)
    }

    async fn list_issues(&self, project: &Project, page: NumberPage) -> Result<Vec<Issue>, Error> {
        let mut reader = self.database.reader().await?;
        Ok(issues::list(&mut reader, Owner::of(project), page).await?)
    }

    async fn set_issue_open(
        &self,
        project: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), Error> {
        let owner = Owner::of(project);
        self.database
            .write(move |batch| Box::pin(issues::set_open(batch.connection, owner, number, open, at)))
            .await
    }

    async fn add_labels(
        &self,
        project: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), Error> {
        let (owner, labels) = (Owner::of(project), labels.to_vec());
        self.database
            .write(move |batch| Box::pin(issues::add_labels(batch.connection, owner, number, labels, at)))
            .await
    }

    async fn comment(&self, project: &Project, comment: &NewComment) -> Result<Comment, Error> {
        let (owner, comment) = (Owner::of(project), comment.clone());
        self.database.write(move |batch| Box::pin(comments::create(batch.connection, owner, comment))).await
    }

    async fn list_comments(&self, project: &Project, number: u64) -> Result<Vec<Comment>, Error> {
        let mut reader = self.database.reader().await?;
        Ok(comments::list(&mut reader, Owner::of(project), number).await?)
    }

    async fn upsert_pull_request(&self, project: &Project, new: &PullRequest) -> Result<PullRequest, Error> {
        let (owner, new) = (Owner::of(project), new.clone());
        self.database.write(move |batch| Box::pin(pull_requests::upsert(batch.connection, owner, new))).await
    }

    async fn find_pull_request(&self, project: &Project, number: u64) -> Result<Option<PullRequest>, Error> {
        let mut reader = self.database.reader().await?;
        Ok(pull_requests::find(&mut reader, Owner::of(project), number).await?)
    }

    async fn list_pull_requests(
        &self,
        project: &Project,
        page: NumberPage,
    ) -> Result<Vec<PullRequest>, Error> {
        let mut reader = self.database.reader().await?;
        Ok(pull_requests::list(&mut reader, Owner::of(project), page).await?)
    }

    async fn end_pull_request(
        &self,
        project: &Project,
        number: u64,
        state: PullRequestState,
        merge_commit: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let (owner, merge_commit) = (Owner::of(project), merge_commit.map(str::to_owned));
        self.database
            .write(move |batch| {
                Box::pin(pull_requests::end(batch.connection, owner, number, state, merge_commit, at))
            })
            .await
    }
}

/// Gives out the next number of a project.
async fn next_number(
    connection: &mut SqliteConnection,
    owner: Owner,
    kind: &'static str,
) -> Result<i64, Reject<Error>> {
    let sql = "update forge_counters set last_number = last_number + 1 \
               where tenant_id = ?1 and project_id = ?2 returning last_number";
    let number = count(connection, owner, sql).await?;
    let sql = "insert into forge_numbers (tenant_id, project_id, number, kind) values (?1, ?2, ?3, ?4)";
    sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(number)
        .bind(kind)
        .execute(connection)
        .await?;
    Ok(number)
}

/// Gives out the next number of a comment in a project.
async fn next_comment(connection: &mut SqliteConnection, owner: Owner) -> Result<i64, Reject<Error>> {
    let sql = "update forge_counters set last_comment = last_comment + 1 \
               where tenant_id = ?1 and project_id = ?2 returning last_comment";
    count(connection, owner, sql).await
}

async fn count(
    connection: &mut SqliteConnection,
    owner: Owner,
    sql: &'static str,
) -> Result<i64, Reject<Error>> {
    let begin = "insert into forge_counters (tenant_id, project_id, last_number, last_comment) \
                 select tenant_id, id, 0, 0 from projects where tenant_id = ?1 and id = ?2 on conflict do nothing";
    sqlx::query(begin)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .execute(&mut *connection)
        .await?;
    let counted = sqlx::query_scalar::<_, i64>(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .fetch_optional(connection)
        .await?;
    counted
        .ok_or_else(|| Reject::Refused(Error::NotFound { kind: "project", name: owner.project.to_string() }))
}

fn no_such(kind: &'static str, number: u64) -> Reject<Error> {
    Reject::Refused(Error::NotFound { kind, name: format!("#{number}") })
}
