//! Rows of `runs`: what is projected from each journal for lists, and the head of its chain.

use miyabi_core::digest::Digest;
use miyabi_core::id::{RunId, TenantId};
use miyabi_core::money::UsdMicros;
use miyabi_core::port::journal::{Error, RunFilter, RunRow};
use miyabi_core::run::Stage;
use miyabi_core::stop::{Stop, StopKind};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::fault::{Fault, Reject};
use super::row::{Columns, int, json_list};

/// Where a run's journal ends.
pub(crate) async fn head(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    run: RunId,
) -> Result<Option<(u64, Digest)>, Fault> {
    let row = sqlx::query("select seq, chain from runs where tenant_id = ?1 and id = ?2")
        .bind(tenant.to_string())
        .bind(run.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let columns = Columns::of("runs", &row);
        Ok((columns.number("seq")?, columns.digest("chain")?))
    })
    .transpose()
}

/// Adds a run's row.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    row: &RunRow,
    chain: Digest,
) -> Result<(), Reject<Error>> {
    let sql = "insert into runs (tenant_id, id, project_id, title, issue, status, stage, stop_kind, stop_cause, \
               waits_for, pull_request, seq, chain, cost_usd_micros, tokens, active_ms, is_scripted, created_at, \
               updated_at) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    bind(sqlx::query(sql), row, chain).execute(connection).await?;
    Ok(())
}

/// Replaces a run's row; whether there was one in that project.
pub(crate) async fn update(
    connection: &mut SqliteConnection,
    row: &RunRow,
    chain: Digest,
) -> Result<bool, Reject<Error>> {
    let sql = "update runs set title = ?4, issue = ?5, status = ?6, stage = ?7, stop_kind = ?8, stop_cause = ?9, \
               waits_for = ?10, pull_request = ?11, seq = ?12, chain = ?13, cost_usd_micros = ?14, tokens = ?15, \
               active_ms = ?16, is_scripted = ?17, created_at = ?18, updated_at = ?19 \
               where tenant_id = ?1 and id = ?2 and project_id = ?3";
    let done = bind(sqlx::query(sql), row, chain).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    row: &RunRow,
    chain: Digest,
) -> Query<'q, Sqlite, SqliteArguments> {
    query
        .bind(row.tenant.to_string())
        .bind(row.run_id.to_string())
        .bind(row.project.to_string())
        .bind(row.title.clone())
        .bind(row.issue.map(int))
        .bind(row.status.as_str())
        .bind(row.stage.map(Stage::as_str))
        .bind(row.stop.as_ref().map(|stop| stop.kind.as_str()))
        .bind(row.stop.as_ref().map(|stop| stop.cause.clone()))
        .bind(json_list(&row.waits_for))
        .bind(row.pull_request.map(int))
        .bind(int(row.seq))
        .bind(chain.as_bytes().to_vec())
        .bind(int(row.cost_usd_micros.0))
        .bind(int(row.tokens))
        .bind(int(row.active_ms))
        .bind(row.is_scripted)
        .bind(int(row.created_at.as_millis()))
        .bind(int(row.updated_at.as_millis()))
}

/// A run's row.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    run: RunId,
) -> Result<Option<RunRow>, Fault> {
    let row = sqlx::query("select * from runs where tenant_id = ?1 and id = ?2")
        .bind(tenant.to_string())
        .bind(run.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Rows, newest first: ids begin with their time, so the key's order is the order of time.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    filter: &RunFilter,
) -> Result<Vec<RunRow>, Fault> {
    let statuses: Vec<String> = filter.statuses.iter().map(|status| status.as_str().to_owned()).collect();
    let rows = sqlx::query(AssertSqlSafe(list_sql(filter)))
        .bind(tenant.to_string())
        .bind(filter.project.map(|project| project.to_string()))
        .bind(filter.before.map(|before| before.to_string()))
        .bind(filter.since.map(|since| int(since.as_millis())))
        .bind(json_list(&statuses))
        .bind(filter.limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Names only the conditions that there are, so that each kind of list finds its index.
fn list_sql(filter: &RunFilter) -> String {
    let is_unfinished =
        !filter.statuses.is_empty() && filter.statuses.iter().all(|status| !status.has_ended());
    let conditions = [
        (filter.project.is_some(), " and project_id = ?2"),
        (filter.before.is_some(), " and id < ?3"),
        (filter.since.is_some(), " and created_at > ?4"),
        (!filter.statuses.is_empty(), " and status in (select value from json_each(?5))"),
        // Says nothing new, but it is the condition of the index.
        (is_unfinished, " and status in ('queued', 'running', 'waiting')"),
    ];
    let mut sql = String::from("select * from runs where tenant_id = ?1");
    for (_, condition) in conditions.iter().filter(|(is_wanted, _)| *is_wanted) {
        sql.push_str(condition);
    }
    sql.push_str(" order by id desc limit ?6");
    sql
}

/// Runs that have not ended, oldest first.
pub(crate) async fn unfinished(connection: &mut SqliteConnection) -> Result<Vec<RunRow>, Fault> {
    let sql = "select * from runs where status in ('queued', 'running', 'waiting') order by created_at, id \
               -- every tenant: a worker takes up whatever was left behind";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// Every run there is, for checks.
pub(crate) async fn all(connection: &mut SqliteConnection) -> Result<Vec<(TenantId, RunId)>, Fault> {
    let sql = "select tenant_id, id from runs order by tenant_id, id -- every tenant: a check looks at all there is";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let runs = rows.iter().map(|row| {
        let columns = Columns::of("runs", row);
        Ok((columns.word("tenant_id")?, columns.word("id")?))
    });
    runs.collect()
}

fn read(row: &SqliteRow) -> Result<RunRow, Fault> {
    let columns = Columns::of("runs", row);
    let stop = match columns.maybe_word::<StopKind>("stop_kind")? {
        Some(kind) => Some(Stop { kind, cause: columns.get("stop_cause")? }),
        None => None,
    };
    Ok(RunRow {
        run_id: columns.word("id")?,
        tenant: columns.word("tenant_id")?,
        project: columns.word("project_id")?,
        title: columns.get("title")?,
        issue: columns.maybe_number("issue")?,
        status: columns.word("status")?,
        stage: columns.maybe_word("stage")?,
        stop,
        waits_for: columns.json("waits_for")?,
        pull_request: columns.maybe_number("pull_request")?,
        seq: columns.number("seq")?,
        cost_usd_micros: UsdMicros(columns.number("cost_usd_micros")?),
        tokens: columns.number("tokens")?,
        active_ms: columns.number("active_ms")?,
        is_scripted: columns.get("is_scripted")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
    })
}

#[cfg(test)]
mod tests {
    use miyabi_core::id::ProjectId;
    use miyabi_core::stop::Status;
    use miyabi_core::time::Timestamp;
    use sqlx::Connection;

    use super::*;
    use crate::folder::DataFolder;
    use crate::sqlite::connect;
    use crate::sqlite::database::Database;

    #[tokio::test]
    async fn every_kind_of_list_finds_its_index() {
        let home = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(home.path()).unwrap();
        Database::open(folder.layout(), Timestamp::from_millis(1)).await.unwrap().close().await;
        let mut connection = connect::reader(&folder.layout().database()).await.unwrap();
        let all = RunFilter { limit: 50, ..RunFilter::default() };
        let page = RunFilter { before: Some(RunId::mint(Timestamp::from_millis(1), 1)), ..all.clone() };
        let project =
            RunFilter { project: Some(ProjectId::mint(Timestamp::from_millis(1), 1)), ..page.clone() };
        let ended = RunFilter { statuses: vec![Status::Failed], ..page.clone() };
        let inbox = RunFilter { statuses: vec![Status::Waiting], ..page.clone() };
        for (filter, index) in [
            (all, "sqlite_autoindex_runs_1 (tenant_id=?)"),
            (page, "sqlite_autoindex_runs_1 (tenant_id=? AND id<?)"),
            (project, "runs_of_project (tenant_id=? AND project_id=? AND id<?)"),
            (ended, "sqlite_autoindex_runs_1 (tenant_id=? AND id<?)"),
            (inbox, "runs_unfinished (tenant_id=? AND id<?)"),
        ] {
            let sql = format!("explain query plan {}", list_sql(&filter));
            let plan = sqlx::query_as::<_, (i64, i64, i64, String)>(AssertSqlSafe(sql));
            let plan = plan.fetch_all(&mut connection).await.unwrap();
            let found = &plan[0].3;
            assert!(found.ends_with(index), "{found}, not {index}");
            let sorts = plan.iter().any(|(.., step)| step.contains("ORDER BY"));
            assert!(!sorts, "{plan:?}");
        }
        connection.close().await.unwrap();
    }
}
