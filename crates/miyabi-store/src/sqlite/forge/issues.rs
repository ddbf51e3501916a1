//! Rows of `forge_issues`.

use std::collections::BTreeSet;

use miyabi_core::forge::{Issue, NewIssue, Openness};
use miyabi_core::port::records::{Error, NumberPage};
use miyabi_core::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{Owner, next_number, no_such};
use crate::sqlite::fault::{Fault, Reject};
use crate::sqlite::row::{Columns, int, json_list};

pub(super) async fn create(
    connection: &mut SqliteConnection,
    owner: Owner,
    issue: NewIssue,
    at: Timestamp,
) -> Result<Issue, Reject<Error>> {
    let number = next_number(connection, owner, "issue").await?;
    let labels: Vec<String> = sorted(issue.labels);
    let sql = "insert into forge_issues (tenant_id, project_id, number, title, body, author, author_label, labels, \
               is_open, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9) returning *";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(number)
        .bind(issue.title)
        .bind(issue.body)
        .bind(issue.author)
        .bind(issue.author_label.as_str())
        .bind(json_list(&labels))
        .bind(int(at.as_millis()))
        .fetch_one(connection)
        .await?;
    Ok(read(&row)?)
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
) -> Result<Option<Issue>, Fault> {
    let sql = "select * from forge_issues where tenant_id = ?1 and project_id = ?2 and number = ?3";
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
) -> Result<Vec<Issue>, Fault> {
    let is_open = match page.openness {
        Openness::Open => Some(true),
        Openness::Closed => Some(false),
        Openness::All => None,
    };
    let sql = "select * from forge_issues where tenant_id = ?1 and project_id = ?2 \
               and (?3 is null or is_open = ?3) and (?4 is null or number < ?4) \
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

pub(super) async fn set_open(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
    open: bool,
    at: Timestamp,
) -> Result<(), Reject<Error>> {
    let sql = "update forge_issues set is_open = ?4, updated_at = ?5 \
               where tenant_id = ?1 and project_id = ?2 and number = ?3";
    let done = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .bind(open)
        .bind(int(at.as_millis()))
        .execute(connection)
        .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(no_such("issue", number)),
    }
}

pub(super) async fn add_labels(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
    labels: Vec<String>,
    at: Timestamp,
) -> Result<(), Reject<Error>> {
    let issue = find(connection, owner, number).await?.ok_or_else(|| no_such("issue", number))?;
    let labels = sorted(issue.labels.into_iter().chain(labels));
    let sql = "update forge_issues set labels = ?4, updated_at = ?5 \
               where tenant_id = ?1 and project_id = ?2 and number = ?3";
    sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .bind(json_list(&labels))
        .bind(int(at.as_millis()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Labels in their order, each once.
fn sorted(labels: impl IntoIterator<Item = String>) -> Vec<String> {
    let labels: BTreeSet<String> = labels.into_iter().collect();
    labels.into_iter().collect()
}

fn read(row: &SqliteRow) -> Result<Issue, Fault> {
    let columns = Columns::of("forge_issues", row);
    Ok(Issue {
        number: columns.number("number")?,
        title: columns.get("title")?,
        body: columns.get("body")?,
        author: columns.get("author")?,
        author_label: columns.word("author_label")?,
        labels: columns.json("labels")?,
        is_open: columns.get("is_open")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
    })
}
