//! Rows of `forge_pull_requests`.

use miyabi_core::forge::{Openness, PullRequest, PullRequestState};
use miyabi_core::port::records::{Error, NumberPage};
use miyabi_core::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{Owner, next_number, no_such};
use crate::sqlite::fault::{Fault, Reject};
use crate::sqlite::row::{Columns, int};

/// Makes a pull request, or finds the one with its marker. An open one is brought up to date; one that was merged
/// or closed is history and stays as it is.
pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    owner: Owner,
    new: PullRequest,
) -> Result<PullRequest, Reject<Error>> {
    match find_by_marker(connection, owner, &new.marker).await? {
        None => create(connection, owner, new).await,
        Some(existing) if existing.state == PullRequestState::Open => {
            refresh(connection, owner, existing.number, new).await
        }
        Some(existing) => Ok(existing),
    }
}

async fn create(
    connection: &mut SqliteConnection,
    owner: Owner,
    new: PullRequest,
) -> Result<PullRequest, Reject<Error>> {
    let number = next_number(connection, owner, "pull_request").await?;
    let sql = "insert into forge_pull_requests (tenant_id, project_id, number, title, body, head_branch, head, \
               base_branch, state, marker, created_at, updated_at) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?11) returning *";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(number)
        .bind(new.title)
        .bind(new.body)
        .bind(new.head_branch)
        .bind(new.head)
        .bind(new.base_branch)
        .bind(new.marker)
        .bind(int(new.created_at.as_millis()))
        .bind(int(new.updated_at.as_millis()))
        .fetch_one(connection)
        .await?;
    Ok(read(&row)?)
}

async fn refresh(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
    new: PullRequest,
) -> Result<PullRequest, Reject<Error>> {
    let sql = "update forge_pull_requests set title = ?4, body = ?5, head = ?6, updated_at = ?7 \
               where tenant_id = ?1 and project_id = ?2 and number = ?3 returning *";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .bind(new.title)
        .bind(new.body)
        .bind(new.head)
        .bind(int(new.updated_at.as_millis()))
        .fetch_one(connection)
        .await?;
    Ok(read(&row)?)
}

async fn find_by_marker(
    connection: &mut SqliteConnection,
    owner: Owner,
    marker: &str,
) -> Result<Option<PullRequest>, Fault> {
    let sql = "select * from forge_pull_requests where tenant_id = ?1 and project_id = ?2 and marker = ?3";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(marker.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
) -> Result<Option<PullRequest>, Fault> {
    let sql = "select * from forge_pull_requests where tenant_id = ?1 and project_id = ?2 and number = ?3";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    owner: Owner,
    page: NumberPage,
) -> Result<Vec<PullRequest>, Fault> {
    let is_open = match page.openness {
        Openness::Open => Some(true),
        Openness::Closed => Some(false),
        Openness::All => None,
    };
    let sql = "select * from forge_pull_requests where tenant_id = ?1 and project_id = ?2 \
               and (?3 is null or (state = 'open') = ?3) and (?4 is null or number < ?4) \
               order by number desc limit ?5";
    let rows = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(is_open)
        .bind(page.before.map(int))
        .bind(page.limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Notes the end of a pull request. What was merged stays merged; what was closed can still turn out to be merged,
/// because the branch says so.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
    state: PullRequestState,
    merge_commit: Option<String>,
    at: Timestamp,
) -> Result<(), Reject<Error>> {
    find(connection, owner, number).await?.ok_or_else(|| no_such("pull request", number))?;
    let merge_commit = merge_commit.filter(|_| state == PullRequestState::Merged);
    let sql = "update forge_pull_requests set state = ?4, merge_commit = ?5, updated_at = ?6 \
               where tenant_id = ?1 and project_id = ?2 and number = ?3 \
               and (state = 'open' or (state = 'closed' and ?4 = 'merged'))";
    sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .bind(state.as_str())
        .bind(merge_commit)
        .bind(int(at.as_millis()))
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<PullRequest, Fault> {
    let columns = Columns::of("forge_pull_requests", row);
    Ok(PullRequest {
        number: columns.number("number")?,
        title: columns.get("title")?,
        body: columns.get("body")?,
        head_branch: columns.get("head_branch")?,
        head: columns.get("head")?,
        base_branch: columns.get("base_branch")?,
        state: columns.word("state")?,
        merge_commit: columns.get("merge_commit")?,
        marker: columns.get("marker")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
    })
}
