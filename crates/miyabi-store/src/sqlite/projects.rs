//! Rows of `projects`.

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::id::{ProjectId, TenantId};
use miyabi_core::port::records::{Error, Projects};
use miyabi_core::project::Project;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::database::Database;
use super::fault::{Fault, Reject};
use super::row::{Columns, int};

/// The connected repositories in SQLite.
pub(crate) struct SqliteProjects {
    pub(crate) database: Arc<Database>,
}

#[async_trait]
impl Projects for SqliteProjects {
    async fn create(&self, project: &Project) -> Result<(), Error> {
        let project = project.clone();
        self.database.write(move |batch| Box::pin(create(batch.connection, project))).await
    }

    async fn update(&self, project: &Project) -> Result<(), Error> {
        let project = project.clone();
        self.database.write(move |batch| Box::pin(update(batch.connection, project))).await
    }

    async fn find(&self, tenant: TenantId, id: ProjectId) -> Result<Option<Project>, Error> {
        let row = sqlx::query("select * from projects where tenant_id = ?1 and id = ?2")
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(&mut *self.database.reader().await?)
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn find_by_path(&self, tenant: TenantId, path: &str) -> Result<Option<Project>, Error> {
        let row = sqlx::query("select * from projects where tenant_id = ?1 and path = ?2")
            .bind(tenant.to_string())
            .bind(path)
            .fetch_optional(&mut *self.database.reader().await?)
            .await
            .map_err(Fault::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<Project>, Error> {
        let rows = sqlx::query("select * from projects where tenant_id = ?1 order by name")
            .bind(tenant.to_string())
            .fetch_all(&mut *self.database.reader().await?)
            .await
            .map_err(Fault::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

async fn create(connection: &mut SqliteConnection, project: Project) -> Result<(), Reject<Error>> {
    refuse_taken(connection, &project).await?;
    let sql = "insert into projects (tenant_id, id, name, path, branch, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)";
    sqlx::query(sql)
        .bind(project.tenant.to_string())
        .bind(project.id.to_string())
        .bind(project.name)
        .bind(project.path)
        .bind(project.branch)
        .bind(int(project.created_at.as_millis()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn update(connection: &mut SqliteConnection, project: Project) -> Result<(), Reject<Error>> {
    refuse_taken_path(connection, &project).await?;
    let done = sqlx::query("update projects set path = ?3, branch = ?4 where tenant_id = ?1 and id = ?2")
        .bind(project.tenant.to_string())
        .bind(project.id.to_string())
        .bind(project.path)
        .bind(project.branch)
        .execute(connection)
        .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(Reject::Refused(Error::NotFound { kind: "project", name: project.name }))
}

async fn refuse_taken(connection: &mut SqliteConnection, project: &Project) -> Result<(), Reject<Error>> {
    let sql = "select 1 from projects where tenant_id = ?1 and (id = ?2 or name = ?3)";
    let taken = sqlx::query(sql)
        .bind(project.tenant.to_string())
        .bind(project.id.to_string())
        .bind(project.name.clone())
        .fetch_optional(&mut *connection)
        .await?;
    if taken.is_some() {
        return Err(exists("project", &project.name));
    }
    refuse_taken_path(connection, project).await
}

async fn refuse_taken_path(
    connection: &mut SqliteConnection,
    project: &Project,
) -> Result<(), Reject<Error>> {
    let taken = sqlx::query("select 1 from projects where tenant_id = ?1 and path = ?2 and id <> ?3")
        .bind(project.tenant.to_string())
        .bind(project.path.clone())
        .bind(project.id.to_string())
        .fetch_optional(connection)
        .await?;
    match taken {
        Some(_) => Err(exists("project at", &project.path)),
        None => Ok(()),
    }
}

fn exists(kind: &'static str, name: &str) -> Reject<Error> {
    Reject::Refused(Error::Exists { kind, name: name.to_owned() })
}

fn read(row: &SqliteRow) -> Result<Project, Fault> {
    let columns = Columns::of("projects", row);
    Ok(Project {
        id: columns.word("id")?,
        tenant: columns.word("tenant_id")?,
        name: columns.get("name")?,
        path: columns.get("path")?,
        branch: columns.get("branch")?,
        created_at: columns.time("created_at")?,
    })
}
