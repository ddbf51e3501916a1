//! Words of `miyabi init`, and of `miyabi` alone.

messages! {
    /// What is about to be connected.
    init_connects(path, branch) {
        "Connects {path}, branch {branch}.",
        "{path}（ブランチ {branch}）を接続します。",
    }
    /// An older value stands against a wish.
    init_keeps(key, value) {
        "Kept: {key} = {value} (--force replaces it)",
        "変更しません: {key} = {value}（--force で置き換えます）",
    }
    /// Before anything is written.
    init_question() { "Connect it and write this?", "接続して書き込みますか?" }
    /// Everything is as it should be.
    init_is_done() { "Nothing to change.", "変更するものはありません。" }
    /// It is connected.
    init_connected(name) { "Connected: {name}", "接続しました: {name}" }
    /// Before the remote is added.
    init_remote_question(name) {
        "Add the git remote `{name}`, so that `git pull {name}` brings merged changes?",
        "git のリモート `{name}` を追加しますか?（`git pull {name}` でマージ済みの変更を取得できます）",
    }
    /// The remote was added.
    init_remote_set(name, branch) {
        "Merged changes come with: git pull {name} {branch}",
        "マージ済みの変更は git pull {name} {branch} で取得できます",
    }
    /// Question 1.
    init_ask_branch() { "Branch that runs start from?", "実行の起点にするブランチは?" }
    /// Question 2.
    init_ask_model(providers) {
        "Model, as provider/name ({providers}; empty: later)?",
        "モデル（provider/name の形。{providers}。空なら後で設定）?",
    }
    /// Question 3.
    init_ask_autonomy() {
        "How far may runs go by themselves (plan, pr, deploy)?",
        "実行が自分で進める範囲は（plan、pr、deploy）?",
    }
    /// Question 4.
    init_ask_budget() { "What may one run cost, in US dollars?", "1 回の実行の予算は（米ドル）?" }
    /// A line of `miyabi` alone.
    home_repository() { "Repository", "リポジトリ" }
    /// A line of `miyabi` alone.
    home_project() { "Project", "プロジェクト" }
    /// A line of `miyabi` alone.
    home_model() { "Model", "モデル" }
    /// A line of `miyabi` alone.
    home_runs() { "Runs", "実行" }
    /// A line of `miyabi` alone.
    home_issues() { "Issues", "イシュー" }
    /// There is no repository here.
    home_no_repository() { "none here", "ここにはありません" }
    /// The repository is no project.
    home_not_connected() { "not connected", "接続されていません" }
    /// No model is chosen.
    home_no_model() { "not chosen", "選ばれていません" }
    /// Counts of runs.
    home_counts(waiting, running, latest) {
        "waiting: {waiting}, running: {running}, latest: {latest}",
        "判断待ち: {waiting}、実行中: {running}、最新: {latest}",
    }
    /// No run yet.
    home_no_run() { "none", "なし" }
    /// Open issues.
    home_open(count) { "open: {count}", "未解決: {count}" }
    /// Heading of the likely commands.
    home_likely() { "Likely next:", "次の候補:" }
}
