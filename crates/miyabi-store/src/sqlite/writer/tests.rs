//! What writes in one commit do to each other.

use std::sync::Arc;

use futures::FutureExt;
use miyabi_core::port::records::Error;
use miyabi_core::time::Timestamp;
use tokio::sync::oneshot;

use super::*;
use crate::folder::DataFolder;
use crate::sqlite::database::Database;

async fn open(folder: &std::path::Path) -> (DataFolder, Arc<Database>) {
    let folder = DataFolder::open(folder).unwrap();
    let database = Database::open(folder.layout(), Timestamp::from_millis(1)).await.unwrap();
    (folder, Arc::new(database))
}

/// Keeps the writer in a commit until the sender is used, so that what is written meanwhile shares the next one.
async fn hold(database: &Arc<Database>) -> (oneshot::Sender<()>, impl Future<Output = ()> + use<>) {
    let (begin, begun) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let database = Arc::clone(database);
    let mut write = Box::pin(async move {
        let write = database.write::<_, Error, _>(move |_| {
            Box::pin(async move {
                let _ = begin.send(());
                let _ = released.await;
                Ok(())
            })
        });
        write.await.unwrap();
    });
    assert!((&mut write).now_or_never().is_none());
    begun.await.unwrap();
    (release, write)
}

/// Writes a row under a name, then succeeds or not.
async fn write_row(
    database: &Database,
    name: &'static str,
    end: Result<(), Reject<Error>>,
) -> Result<(), Error> {
    let work = database.write(move |batch| {
        Box::pin(async move {
            batch.global_seq += 1;
            let sql = "insert into projects (tenant_id, id, name, path, branch, created_at) \
                       values ('t', ?1, ?1, ?1, 'main', 1)";
            sqlx::query(sql).bind(name).execute(&mut *batch.connection).await?;
            end
        })
    });
    work.await
}

async fn rows(database: &Database) -> Vec<String> {
    let mut reader = database.reader().await.unwrap();
    let sql = "select name from projects where tenant_id = 't' order by name";
    sqlx::query_scalar(sql).fetch_all(&mut *reader).await.unwrap()
}

fn refusal() -> Reject<Error> {
    Reject::Refused(Error::NotFound { kind: "thing", name: "x".into() })
}

#[tokio::test]
async fn refused_write_takes_nothing_else_with_it() {
    let home = tempfile::tempdir().unwrap();
    let (_folder, database) = open(home.path()).await;
    let (release, held) = hold(&database).await;
    let writes = async {
        tokio::join!(
            write_row(&database, "one", Ok(())),
            write_row(&database, "two", Err(refusal())),
            // A broken constraint is a refusal too.
            write_row(&database, "one", Ok(())),
            write_row(&database, "three", Ok(())),
        )
    };
    let (_, (one, two, again, three)) = tokio::join!(
        async {
            release.send(()).unwrap();
            held.await;
        },
        writes
    );
    assert!(one.is_ok() && three.is_ok());
    assert!(matches!(two, Err(Error::NotFound { .. })), "{two:?}");
    assert!(matches!(again, Err(Error::Unavailable(_))), "{again:?}");
    assert_eq!(rows(&database).await, ["one", "three"]);
    // Places that a refused write took are given to the next one.
    assert_eq!(*database.committed().borrow(), 2);
    database.close().await;
}

#[tokio::test]
async fn broken_commit_is_told_to_all_of_it_and_the_next_one_works() {
    let home = tempfile::tempdir().unwrap();
    let (_folder, database) = open(home.path()).await;
    let (release, held) = hold(&database).await;
    let writes = async {
        tokio::join!(
            write_row(&database, "one", Ok(())),
            write_row(&database, "two", Err(Reject::Broken(Fault::Full))),
            write_row(&database, "three", Ok(())),
        )
    };
    let (_, (one, two, three)) = tokio::join!(
        async {
            release.send(()).unwrap();
            held.await;
        },
        writes
    );
    for result in [one, two, three] {
        assert!(matches!(result, Err(Error::Full)), "{result:?}");
    }
    assert_eq!(rows(&database).await, Vec::<String>::new());
    write_row(&database, "four", Ok(())).await.unwrap();
    assert_eq!(rows(&database).await, ["four"]);
    assert_eq!(*database.committed().borrow(), 1);
    database.close().await;
}

#[tokio::test]
async fn caller_that_stops_waiting_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (_folder, database) = open(home.path()).await;
    let (release, held) = hold(&database).await;
    let abandoned = write_row(&database, "abandoned", Ok(())).now_or_never();
    assert!(abandoned.is_none());
    release.send(()).unwrap();
    held.await;
    write_row(&database, "next", Ok(())).await.unwrap();
    assert_eq!(rows(&database).await, ["abandoned", "next"]);
    database.close().await;
}

#[tokio::test]
async fn closing_commits_what_waits_and_refuses_what_comes_later() {
    let home = tempfile::tempdir().unwrap();
    let (_folder, database) = open(home.path()).await;
    let (release, held) = hold(&database).await;
    let mut waiting = Box::pin(write_row(&database, "waiting", Ok(())));
    assert!((&mut waiting).now_or_never().is_none());
    let mut closing = Box::pin(database.close());
    assert!((&mut closing).now_or_never().is_none());
    release.send(()).unwrap();
    let ((), waited, ()) = tokio::join!(held, waiting, closing);
    waited.unwrap();
    let late = write_row(&database, "late", Ok(())).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");

    let (_again, database) = {
        drop((_folder, database));
        open(home.path()).await
    };
    assert_eq!(rows(&database).await, ["waiting"]);
    database.close().await;
}
