//! Rows of `forge_comments`.

use miyabi_core::forge::Comment;
use miyabi_core::port::records::{Error, NewComment};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{Owner, next_comment, no_such};
use crate::sqlite::fault::{Fault, Reject};
use crate::sqlite::row::{Columns, int};

/// Adds a comment, or finds the one with its marker.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    owner: Owner,
    comment: NewComment,
) -> Result<Comment, Reject<Error>> {
    if let Some(marker) = &comment.marker
        && let Some(existing) = find_by_marker(connection, owner, marker).await?
    {
        return Ok(existing);
    }
    refuse_missing(connection, owner, comment.number).await?;
    let id = next_comment(connection, owner).await?;
    let sql = "insert into forge_comments (tenant_id, project_id, id, number, author, author_label, body, marker, \
               created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) returning *";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(id)
        .bind(int(comment.number))
        .bind(comment.author)
        .bind(comment.author_label.as_str())
        .bind(comment.body)
        .bind(comment.marker)
        .bind(int(comment.at.as_millis()))
        .fetch_one(connection)
        .await?;
    Ok(read(&row)?)
}

async fn find_by_marker(
    connection: &mut SqliteConnection,
    owner: Owner,
    marker: &str,
) -> Result<Option<Comment>, Fault> {
    let sql = "select * from forge_comments where tenant_id = ?1 and project_id = ?2 and marker = ?3";
    let row = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(marker.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

async fn refuse_missing(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
) -> Result<(), Reject<Error>> {
    let sql = "select 1 from forge_numbers where tenant_id = ?1 and project_id = ?2 and number = ?3";
    let found = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .fetch_optional(connection)
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(no_such("issue or pull request", number)),
    }
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    owner: Owner,
    number: u64,
) -> Result<Vec<Comment>, Fault> {
    let sql =
        "select * from forge_comments where tenant_id = ?1 and project_id = ?2 and number = ?3 order by id";
    let rows = sqlx::query(sql)
        .bind(owner.tenant.to_string())
        .bind(owner.project.to_string())
        .bind(int(number))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Comment, Fault> {
    let columns = Columns::of("forge_comments", row);
    Ok(Comment {
        id: columns.number("id")?,
        author: columns.get("author")?,
        author_label: columns.word("author_label")?,
        body: columns.get("body")?,
        created_at: columns.time("created_at")?,
    })
}
