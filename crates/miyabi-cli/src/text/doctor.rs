//! Words of `miyabi doctor`.

messages! {
    /// Heading of a group of checks.
    doctor_group(name) { "{name}", "{name}" }
    /// How many problems there are.
    doctor_summary(count) { "Problems: {count}", "問題: {count} 件" }
    /// What the output may be used for.
    doctor_is_safe() {
        "This output holds no secret; it may be shown to others.",
        "この出力に秘密情報は含まれません。他の人に見せても安全です。",
    }
    /// A check did not end.
    doctor_too_slow(seconds) { "no answer within {seconds} s", "{seconds} 秒以内に応答がありません" }
    /// Before a repair.
    doctor_fix_question(what) { "Repair: {what}?", "修復しますか: {what}" }
    /// A repair was made.
    doctor_fixed(what) { "Done: {what}", "完了: {what}" }
    /// A repair was not wanted.
    doctor_fix_left(what) { "Left alone: {what}", "そのままにしました: {what}" }
    /// The sandbox works.
    doctor_sandbox(level) { "{level}, tested", "{level}、確認済み" }
    /// The sandbox works at a weaker level.
    doctor_sandbox_weak(level) {
        "{level}: commands are held back less than they could be",
        "{level}: コマンドの制限が弱くなっています",
    }
    /// Enough of it.
    doctor_free(size) { "{size} free", "空き {size}" }
    /// Too little of it.
    doctor_little(size) { "only {size} free", "空きが {size} しかありません" }
    /// The data folder is usable.
    doctor_data(folder) { "{folder}", "{folder}" }
    /// Another process owns the data folder and answers.
    doctor_data_shared(folder) {
        "{folder}, owned by another miyabi process that answers",
        "{folder}（別の miyabi プロセスが所有、応答あり）",
    }
    /// The owner is another version.
    doctor_data_version(folder, version) {
        "{folder} is owned by miyabi {version}; end it to use this version",
        "{folder} は miyabi {version} が所有しています。この版を使うには終了させてください",
    }
    /// Nobody else can read it.
    doctor_private() { "only you can read it", "自分だけが読めます" }
    /// Others can read it.
    doctor_open(path) { "others can read {path}", "他の利用者が {path} を読めます" }
    /// The configuration is right.
    doctor_settings(count) { "right, values set: {count}", "問題なし、設定した値: {count} 件" }
    /// The folder is no repository.
    doctor_no_repository() { "not in a git repository", "git リポジトリの中ではありません" }
    /// Nothing to start from.
    doctor_no_commit() { "has no commit yet", "commit がまだありません" }
    /// No branch is checked out.
    doctor_no_branch() { "no branch is checked out", "ブランチが checkout されていません" }
    /// The user's own changes.
    doctor_changes(what) { "{what}; --apply waits for a clean tree", "{what}（--apply には変更のない状態が必要です）" }
    /// Nothing is in the way.
    doctor_clean(branch) { "branch {branch}, no changes", "ブランチ {branch}、変更なし" }
    /// Nothing says how to test.
    doctor_no_tests() {
        "no test command is known, so nothing proves a change",
        "テストのコマンドが分からないため、変更を確かめられません",
    }
    /// It is no project.
    doctor_not_connected() { "this repository is not connected", "このリポジトリは接続されていません" }
    /// It is a project.
    doctor_connected(name, branch) { "{name}, branch {branch}", "{name}、ブランチ {branch}" }
    /// The remote is missing or leads elsewhere.
    doctor_no_remote(name) {
        "the remote `{name}` does not lead to the project, so `git pull {name}` brings nothing",
        "リモート `{name}` がプロジェクトを指していないため、`git pull {name}` で取得できません",
    }
    /// No role has a model.
    doctor_no_model() {
        "none is chosen; only the engines patch and recipe work without one",
        "選ばれていません。モデルなしで動くのは patch と recipe のエンジンだけです",
    }
    /// Nobody was asked.
    doctor_not_asked() { "not asked", "確認していません" }
}
