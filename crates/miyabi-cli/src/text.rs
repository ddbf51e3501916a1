//! Every sentence the program says, in its languages side by side.
//!
//! A message is a function of `Lang`, so one without a translation does not compile.

/// Declares messages: a name, its arguments, the sentence in English and in Japanese.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) { $en:literal, $ja:literal $(,)? })*) => {
        impl $crate::terminal::Lang {
            $($(#[$doc])*
            pub(crate) fn $name(self $(, $argument: impl std::fmt::Display)*) -> String {
                match self {
                    Self::En => format!($en),
                    Self::Ja => format!($ja),
                }
            })*
        }
    };
}
mod doctor;
mod help;
mod init;
mod objects;
mod problem;
mod setup;

messages! {
    /// A run was interrupted in this process.
    paused(run) {
        "Paused. Go on: miyabi watch {run}",
        "一時停止しました。続けるには: miyabi watch {run}",
    }
    /// A run is followed that another process drives.
    detached(run) {
        "Detached. The run continues: miyabi watch {run}. Stop it: miyabi stop {run}",
        "表示を終えました。実行は続いています: miyabi watch {run}。止めるには: miyabi stop {run}",
    }
    /// The process that drives the run went away.
    reconnecting() {
        "reconnecting ...",
        "再接続しています ...",
    }
    /// Nobody is there to ask, or `--yes` was given.
    approved_by_itself() {
        "approved by itself: --yes was given, or there is no terminal to ask in",
        "自動で承認しました（--yes が指定されたか、尋ねる端末がありません）",
    }
    /// What can be answered to a question about a change.
    decide_prompt() {
        "  show diff [d]  approve [a]  ask for changes [r]  stop [s] > ",
        "  差分を表示 [d]  承認 [a]  変更を依頼 [r]  停止 [s] > ",
    }
    /// What shall be changed.
    changes_prompt() {
        "  What shall be changed? > ",
        "  何を変更しますか? > ",
    }
    /// The agent asks something.
    answer_prompt() {
        "  Your answer > ",
        "  回答 > ",
    }
    /// The triage in a few words.
    triaged(kind, size, count) {
        "{kind}, {size}, acceptance items: {count}",
        "{kind}、{size}、受け入れ項目: {count}",
    }
    /// The plan in a few words.
    planned(count) {
        "plan with tasks: {count}",
        "計画（タスク数: {count}）",
    }
    /// The change in a few words.
    changed(files, added, removed) {
        "files: {files}, +{added} -{removed}",
        "ファイル: {files}、+{added} -{removed}",
    }
    /// The review in a few words.
    reviewed(score, findings) {
        "{score} of 100 points, findings: {findings}",
        "100 点中 {score} 点、指摘: {findings}",
    }
    /// The pull request was merged.
    merged(number, commit) {
        "#{number} merged as {commit}",
        "#{number} をマージしました（{commit}）",
    }
    /// The pull request is open.
    opened(number) {
        "#{number} opened",
        "#{number} を作成しました",
    }
    /// The work goes back.
    back_after_review() {
        "back to CodeGen: the review did not pass",
        "レビューを通らなかったため CodeGen に戻します",
    }
    /// The work goes back.
    back_at_wish() {
        "back to CodeGen: changes were asked for",
        "変更の依頼があったため CodeGen に戻します",
    }
    /// The work goes back.
    back_for_branch() {
        "back to CodeGen: the branch has moved",
        "ブランチが進んだため CodeGen に戻します",
    }
    /// The release answers.
    healthy(url) {
        "{url} is healthy",
        "{url} は正常です",
    }
    /// The release was not good.
    taken_back() {
        "taken back: the previous release is active",
        "取り消しました: 前のリリースが有効です",
    }
    /// The repository does not say how to deploy it.
    nothing_to_deploy() {
        "nothing to deploy: .miyabi/config.toml has no [deploy]",
        "デプロイの設定がありません（.miyabi/config.toml の [deploy]）",
    }
    /// A step is tried once more later.
    tries_again(attempt) {
        "waits before try {attempt}",
        "再試行 {attempt} 回目を待っています",
    }
    /// More than can be shown.
    and_more(count) {
        "and {count} more",
        "ほか {count} 件",
    }
    /// A model is asked.
    thinks() {
        "thinks",
        "考えています",
    }
    /// The gates run.
    runs_gates() {
        "gates",
        "ゲートを実行中",
    }
    /// Dependencies are set up.
    sets_up() {
        "set-up",
        "準備中",
    }
    /// A release is built.
    builds() {
        "builds the release",
        "リリースを作成中",
    }
    /// A release is watched.
    watches() {
        "watches its health",
        "状態を確認中",
    }
    /// A run waits for a person.
    waits(reason) {
        "waits for you: {reason}",
        "あなたの判断を待っています: {reason}",
    }
    /// Somebody decided.
    decided(who, what) {
        "{what} by {who}",
        "{who} が判断しました: {what}",
    }
    /// A step failed and is tried again.
    failed_for_now(why) {
        "failed for now: {why}",
        "一時的に失敗しました: {why}",
    }
    /// Most of the budget is used.
    budget_nearly_used(percent) {
        "{percent} % of the budget is used",
        "予算の {percent} % を使いました",
    }
    /// A run succeeded.
    done(time, cost) {
        "Done in {time} for {cost}.",
        "{time} で完了しました（費用 {cost}）。",
    }
    /// A run did not succeed.
    not_done(stop, cause) {
        "Ended: {stop}: {cause}",
        "終了しました: {stop}: {cause}",
    }
    /// A run waits and this command ends.
    needs_you(run) {
        "The run waits for you: miyabi approve {run}",
        "判断を待っています: miyabi approve {run}",
    }
    /// The time given for following is over.
    timed_out(run) {
        "Time is up. The run goes on: miyabi watch {run}",
        "時間切れです。実行は続いています: miyabi watch {run}",
    }
    /// What to do next.
    next(command) {
        "Next: {command}",
        "次の操作: {command}",
    }
    /// The demo begins.
    demo_begins(version) {
        "Miyabi {version} demo. Scripted model, no keys, nothing leaves this machine.",
        "Miyabi {version} デモ。台本どおりに答えるモデルを使います。鍵は不要で、外部への通信もありません。",
    }
    /// A demo that was broken off goes on.
    demo_goes_on(run) {
        "An unfinished demo goes on: {run}",
        "途中のデモを続けます: {run}",
    }
    /// The demo's page is up.
    demo_serves(url) {
        "The page is at {url}. Ctrl+C ends the demo.",
        "ページ: {url}。Ctrl+C でデモを終えます。",
    }
    /// What to do after the demo.
    demo_next() {
        "Next: miyabi init   in your own repository.",
        "次の操作: 自分のリポジトリで miyabi init を実行してください。",
    }
    /// Where the demo's files are.
    demo_kept(folder) {
        "Kept: {folder}",
        "残したフォルダー: {folder}",
    }
    /// There is nothing to list.
    no_runs() {
        "No runs yet. Start one: miyabi run \"#1\"",
        "実行はまだありません。始めるには: miyabi run \"#1\"",
    }
    /// Some runs wait for a person.
    some_wait(count, run) {
        "Waiting for you: {count}. Decide: miyabi approve {run}",
        "判断待ち: {count} 件。承認するには: miyabi approve {run}",
    }
}
