//! Words about issues, pull requests, releases, models, secrets and clean-up.

messages! {
    /// Something needs a yes and nobody is there.
    nobody_to_ask() { "nobody is here to confirm this", "確認する人がいません" }
    /// A diff was cut.
    diff_is_cut() {
        "The diff is cut because of its size; miyabi diff --stat lists all files.",
        "差分が大きいため途中までです。miyabi diff --stat で全ファイルを表示できます。",
    }
    /// There is nothing to list.
    no_issues() {
        "No issues. Make one: miyabi issues create \"title\"",
        "イシューはありません。作るには: miyabi issues create \"題名\"",
    }
    /// An issue was made.
    issue_created(number) { "#{number} created", "#{number} を作成しました" }
    /// An issue got a comment.
    issue_commented(number) { "#{number} commented", "#{number} にコメントしました" }
    /// An issue was closed.
    issue_closed(number) { "#{number} closed", "#{number} を閉じました" }
    /// An issue is open again.
    issue_reopened(number) { "#{number} is open again", "#{number} を再び開きました" }
    /// There is nothing to list.
    no_pull_requests() { "No pull requests.", "pull request はありません。" }
    /// Before a merge.
    pull_request_merge_question(number, branch) {
        "Merge #{number} into {branch}?",
        "#{number} を {branch} にマージしますか?",
    }
    /// Before closing.
    pull_request_close_question(number) {
        "Close #{number} without merging?",
        "#{number} をマージせずに閉じますか?",
    }
    /// A pull request was closed.
    pull_request_closed(number) { "#{number} closed without merging", "#{number} をマージせずに閉じました" }
    /// There is nothing to list.
    no_releases() { "No releases yet.", "リリースはまだありません。" }
    /// The release before the current one.
    the_one_before() { "the one before", "1 つ前のリリース" }
    /// Before a rollback.
    rollback_question(current, to) {
        "Replace release {current} by {to}?",
        "リリース {current} を {to} に戻しますか?",
    }
    /// A release was brought back.
    rolled_back(release, health) {
        "{release} is current again: {health}",
        "{release} に戻しました: {health}",
    }
    /// A run's record.
    gc_run(run) { "record of {run}", "{run} の記録" }
    /// A task's files.
    gc_checkout(checkout) { "checkout {checkout}", "checkout {checkout}" }
    /// What would go.
    gc_would_go(runs, checkouts) {
        "Would go: {runs} runs, {checkouts} checkouts. Nothing was removed.",
        "削除の対象: 実行 {runs} 件、checkout {checkouts} 件。何も削除していません。",
    }
    /// What went.
    gc_went(runs, checkouts, releases) {
        "Removed: {runs} runs, {checkouts} checkouts, {releases} releases.",
        "削除しました: 実行 {runs} 件、checkout {checkouts} 件、リリース {releases} 件。",
    }
    /// Contents that went.
    gc_contents(count, size) { "Stored contents removed: {count} ({size}).", "保存内容を {count} 件削除しました（{size}）。" }
    /// Runs whose change would be lost.
    gc_kept(count, command) {
        "Kept: {count} ended runs whose change is neither merged nor given up. Give one up: {command}",
        "マージも破棄もされていない変更のある実行 {count} 件は残しました。破棄するには: {command}",
    }
    /// Before changes are given up.
    gc_discard_question(count) {
        "Give up the unmerged changes of {count} runs for good?",
        "実行 {count} 件のマージされていない変更を完全に破棄しますか?",
    }
    /// A task's own files.
    the_checkout(task) { "the checkout of task {task}", "タスク {task} の checkout" }
    /// Files as they were before a step.
    restored_before(place, step) { "{place} is as it was before {step}", "{place} を {step} の前の状態に戻しました" }
    /// Files as they were after a step.
    restored_after(place, step) { "{place} is as {step} left it", "{place} を {step} の後の状態に戻しました" }
    /// A secret is typed.
    secret_prompt(name) { "Value of {name} (not shown): ", "{name} の値（表示されません）: " }
    /// Nothing was typed.
    secret_is_empty() { "the value is empty", "値が空です" }
    /// A secret was set.
    secret_set(name) { "{name} is set. It can't be read back.", "{name} を設定しました。読み出すことはできません。" }
    /// Before a secret goes.
    secret_rm_question(name) { "Remove {name} for good?", "{name} を完全に削除しますか?" }
    /// A secret went.
    secret_removed(name) { "{name} is removed.", "{name} を削除しました。" }
    /// There is nothing to list.
    no_secrets() { "No secrets.", "秘密情報はありません。" }
    /// A provider was added.
    provider_added(name) { "{name} is set up.", "{name} を設定しました。" }
    /// There is nothing to list.
    no_models() {
        "No models. Add a provider: miyabi model add openai",
        "モデルはありません。プロバイダーを追加するには: miyabi model add openai",
    }
}
