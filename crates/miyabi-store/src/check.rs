//! Looks for damage in a data folder or a backup: pages, references, hash chains, artifacts. Changes nothing.

use std::path::Path;

use miyabi_core::digest::Digest;
use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::journal;
use sqlx::SqliteConnection;

use crate::artifacts::{self, Total};
use crate::error::Error;
use crate::folder::Layout;
use crate::sqlite::{connect, events, migrate, runs};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// SQLite finds the file damaged.
    #[error("the database is damaged: {0}")]
    Database(String),
    /// A row refers to one that does not exist.
    #[error("table `{0}` refers to something that does not exist")]
    Reference(String),
    /// A run's journal does not fit its hash chain, or can't be read.
    #[error("run `{run}`: {why}")]
    Run {
        /// Who owns it.
        tenant: TenantId,
        /// The run.
        run: RunId,
        /// What is wrong with it.
        why: String,
    },
    /// An artifact's bytes are not those that its name promises.
    #[error("artifact `{0}` does not match its digest")]
    Artifact(Digest),
}

/// What a check looked at and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Runs whose chains were followed.
    pub runs: u64,
    /// Their events.
    pub events: u64,
    /// Artifacts whose bytes were read.
    pub artifacts: Total,
    /// What is wrong; empty when all is well.
    pub problems: Vec<Problem>,
}

/// Checks a backup, or a data folder that any process may own.
pub async fn check_folder(path: &Path) -> Result<Report, Error> {
    check(&Layout::of(path)).await
}

pub(crate) async fn check(layout: &Layout) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut connection =
        connect::reader(&layout.database()).await.map_err(Error::sql("open the database"))?;
    let found = migrate::format(&mut connection).await.map_err(Error::sql("read the database's format"))?;
    if found > migrate::FORMAT {
        return Err(Error::Newer { path: layout.root().to_owned(), found, known: migrate::FORMAT });
    }
    check_pages(&mut connection, &mut report).await?;
    check_runs(&mut connection, &mut report).await?;
    check_artifacts(layout, &mut report).await?;
    Ok(report)
}

async fn check_pages(connection: &mut SqliteConnection, report: &mut Report) -> Result<(), Error> {
    let findings = sqlx::query_scalar::<_, String>("pragma integrity_check")
        .fetch_all(&mut *connection)
        .await
        .map_err(Error::sql("check the database"))?;
    let findings = findings.into_iter().filter(|finding| finding != "ok");
    report.problems.extend(findings.map(Problem::Database));
    let tables = sqlx::query_scalar::<_, String>("pragma foreign_key_check")
        .fetch_all(connection)
        .await
        .map_err(Error::sql("check the database's references"))?;
    report.problems.extend(tables.into_iter().map(Problem::Reference));
    Ok(())
}

async fn check_runs(connection: &mut SqliteConnection, report: &mut Report) -> Result<(), Error> {
    let all = runs::all(connection).await.map_err(|fault| Error::of("list the runs", fault))?;
    for (tenant, run) in all {
        match events::load(connection, tenant, run, 0).await {
            Ok(events) => report.events += events.len() as u64,
            // Removed since it was listed.
            Err(journal::Error::NotFound(_)) => continue,
            Err(journal::Error::Unavailable(why)) => {
                let act = "read a journal";
                return Err(Error::Database { act, why });
            }
            Err(error) => report.problems.push(Problem::Run { tenant, run, why: error.to_string() }),
        }
        report.runs += 1;
    }
    Ok(())
}

async fn check_artifacts(layout: &Layout, report: &mut Report) -> Result<(), Error> {
    let root = layout.artifacts();
    let path = root.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let (mut total, mut damaged) = (Total::default(), Vec::new());
        artifacts::walk(&root, |digest, path, metadata| {
            total.add(metadata);
            if !artifacts::is_whole(path, digest)? {
                damaged.push(Problem::Artifact(digest));
            }
            Ok(())
        })?;
        Ok((total, damaged))
    });
    let checked = checked.await.map_err(std::io::Error::other).flatten();
    let (total, damaged) = checked.map_err(Error::file("read the artifacts", &path))?;
    report.artifacts = total;
    report.problems.extend(damaged);
    Ok(())
}
