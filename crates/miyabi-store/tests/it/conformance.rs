//! The suite for every store, over SQLite and the disk. Each case has a store of its own.

macro_rules! cases {
    ($module:ident, $store:ident, $folder:ident, $ports:tt: $($case:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let home = tempfile::tempdir().unwrap();
                    let $folder = home.path();
                    let $store = crate::common::open($folder).await;
                    miyabi_store::conformance::$module::$case $ports .await;
                    $store.close().await;
                }
            )*
        }
    };
}

cases!(journal, store, folder, (&*store.journal()):
    written_events_come_back_as_they_were
    row_follows_the_run_to_its_end
    append_behind_the_head_conflicts
    one_of_many_appends_at_one_place_wins
    runs_append_at_the_same_time
    second_creation_conflicts
    events_that_do_not_fit_are_refused
    append_for_another_project_is_refused
    append_of_nothing_only_writes_the_row
);

cases!(journal_reads, store, folder, (&*store.journal()):
    foreign_run_answers_like_a_missing_one
    tail_reads_on_from_any_place
    list_holds_what_the_filter_asks_for
    unfinished_runs_are_found_until_they_end
    waiting_for_news_ends_with_an_append
);

cases!(projects, store, folder, (&*store.projects()):
    project_is_found_every_way
    what_is_taken_is_refused
    update_changes_path_and_branch
    foreign_project_answers_like_a_missing_one
);

cases!(idempotency, store, folder, (&*store.idempotency()):
    answers_are_kept_by_key
);

cases!(forge, store, folder, (&*store.projects(), &*store.forge()):
    numbers_count_up_per_project
    numbers_are_given_out_once
    issue_keeps_what_it_says
    comments_are_made_once_per_marker
    pull_request_is_found_by_its_marker
    pages_add_up_to_the_list
    foreign_records_answer_like_missing_ones
);

cases!(secrets, store, folder, (&*store.secrets()):
    secret_is_kept_until_removed
    foreign_secret_answers_like_a_missing_one
);

cases!(artifacts, store, folder, (&*store.artifacts()):
    content_comes_back_whole
    same_content_at_the_same_time_is_stored_once
    windows_end_where_the_content_ends
    unknown_digest_is_missing
);

mod artifact_files {
    #[tokio::test]
    async fn file_is_stored_like_its_bytes() {
        let home = tempfile::tempdir().unwrap();
        let store = crate::common::open(&home.path().join("data")).await;
        let path = home.path().join("log");
        miyabi_store::conformance::artifacts::file_is_stored_like_its_bytes(&*store.artifacts(), &path).await;
        store.close().await;
    }
}
