//! The database's format: what it promises, upgrades, refusals.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use miyabi_core::digest::Digest;
use miyabi_core::error::ErrorCode;
use miyabi_store::conformance::fixture::{Run, START, project_id, tenant};
use miyabi_store::{DataFolder, Error, Keys, Layout, Store};
use sqlx::{AssertSqlSafe, Connection, Row};

/// Tables that hold nothing of a tenant.
const COMMON: &[&str] = &["journal_head"];

/// Queries that see all tenants, by the reason that they give.
const EVERY_TENANT: &[&str] = &[
    "a check looks at all there is",
    "a worker takes up whatever was left behind",
    "clean-ups concern the whole folder",
    "one master key wraps the keys of all",
    "the engine follows all runs",
    "the keys expire for all alike",
];

#[tokio::test]
async fn newer_format_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    crate::common::open(home.path()).await.close().await;
    let mut connection = crate::common::sql(home.path()).await;
    let known: u32 = sqlx::query_scalar("pragma user_version").fetch_one(&mut connection).await.unwrap();
    sqlx::query("pragma user_version = 99").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let database = Layout::of(home.path()).database();
    let before = Digest::of(&fs::read(&database).unwrap());

    let folder = DataFolder::open(home.path()).unwrap();
    let error = Store::open(folder, Keys::File, START).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::DataFolderNewer);
    let message = error.to_string();
    assert!(message.contains("format 99") && message.ends_with(&format!("up to {known}")), "{message}");
    assert!(matches!(error, Error::Newer { found: 99, .. }));
    assert_eq!(Digest::of(&fs::read(&database).unwrap()), before);
}

#[tokio::test]
async fn older_format_is_backed_up_and_upgraded() {
    let home = tempfile::tempdir().unwrap();
    let layout = Layout::of(home.path());
    fs::write(layout.database(), "").unwrap();
    let first = include_str!("../../migrations/sqlite/0001_journal.sql");
    let mut connection = crate::common::sql(home.path()).await;
    let sql = format!("{first}; pragma user_version = 1; update journal_head set global_seq = 41, epoch = 3");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let store = crate::common::open(home.path()).await;
    assert_eq!(store.journal().last_global().await.unwrap(), 41);
    let mut run = Run::new(tenant(), project_id());
    let events = run.begin();
    store.journal().create(&events, &run.row).await.unwrap();
    assert_eq!(store.projects().list(run.row.tenant).await.unwrap(), []);
    store.close().await;

    let backups: Vec<PathBuf> =
        fs::read_dir(layout.backups()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [backup] = backups.as_slice() else {
        panic!("{backups:?}");
    };
    let restored = home.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(backup, Layout::of(&restored).database()).unwrap();
    let mut connection = crate::common::sql(&restored).await;
    let version: u32 = sqlx::query_scalar("pragma user_version").fetch_one(&mut connection).await.unwrap();
    let events: i64 =
        sqlx::query_scalar("select count(*) from run_events").fetch_one(&mut connection).await.unwrap();
    assert_eq!((version, events), (1, 0), "the state before the upgrade");
    // A second opening has nothing to upgrade.
    crate::common::open(home.path()).await.close().await;
    assert_eq!(fs::read_dir(layout.backups()).unwrap().count(), 1);
}

#[tokio::test]
async fn every_table_is_strict_and_belongs_to_a_tenant() {
    let home = tempfile::tempdir().unwrap();
    crate::common::open(home.path()).await.close().await;
    let mut connection = crate::common::sql(home.path()).await;
    for table in tables(home.path()).await {
        let strict: bool = sqlx::query_scalar("select strict from pragma_table_list(?1)")
            .bind(&table)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(strict, "`{table}` takes any type");
        if COMMON.contains(&table.as_str()) {
            continue;
        }
        let columns = sqlx::query("select name, \"notnull\" from pragma_table_info(?1)")
            .bind(&table)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let has_tenant =
            columns.iter().any(|column| column.get::<&str, _>(0) == "tenant_id" && column.get::<bool, _>(1));
        assert!(has_tenant, "`{table}` has no tenant");
        // The tenant leads a unique key, so that an id of one tenant says nothing about another's.
        let leads: i64 = sqlx::query_scalar(
            "select count(*) from pragma_index_list(?1) as keys \
             join pragma_index_info(keys.name) as parts on parts.seqno = 0 and parts.name = 'tenant_id' \
             where keys.\"unique\" = 1",
        )
        .bind(&table)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert!(leads > 0, "`{table}` has no key that begins with the tenant");
    }
}

#[tokio::test]
async fn every_query_names_its_tenant_or_says_why_not() {
    let home = tempfile::tempdir().unwrap();
    crate::common::open(home.path()).await.close().await;
    let mut tables = tables(home.path()).await;
    tables.retain(|table| !COMMON.contains(&table.as_str()));
    let (mut queries, mut reasons) = (0, BTreeSet::new());
    for (file, text) in sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path()) {
        for query in literals(&text) {
            let words: Vec<&str> = query.split([' ', '(', ',']).collect();
            let touches = words.windows(2).any(|pair| {
                ["from", "into", "update", "join"].contains(&pair[0])
                    && tables.iter().any(|table| table == pair[1])
            });
            if !touches {
                continue;
            }
            queries += 1;
            if let Some((_, reason)) = query.split_once("-- every tenant: ") {
                reasons.insert(reason.to_owned());
                continue;
            }
            let is_insert = query.starts_with("insert into") && query.contains("(tenant_id, ");
            let is_events = query.starts_with("insert into run_events") && query.contains(" tenant_id, ");
            let is_bound = query.contains("tenant_id = ?1");
            assert!(is_insert || is_events || is_bound, "{}: {query}", file.display());
        }
    }
    assert!(queries > 30, "only {queries} queries found: does this test still see them?");
    let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
    assert_eq!(reasons, EVERY_TENANT);
}

async fn tables(folder: &Path) -> Vec<String> {
    let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'";
    let mut connection = crate::common::sql(folder).await;
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The text literals of a source file, on one line each. Good enough for a crate without quotes in its comments'
/// code and without raw literals.
fn literals(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once('"') {
        let mut escaped = false;
        let end = after.find(|letter: char| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        let (literal, after) = after.split_at(end);
        let joined: Vec<&str> = literal.lines().map(|line| line.trim_end_matches('\\').trim()).collect();
        found.push(joined.join(" "));
        rest = &after[1..];
    }
    found
}
