//! Words about configuration, backups and the program itself.

messages! {
    /// All files were checked.
    config_is_right() { "The configuration is right.", "設定に問題はありません。" }
    /// A value was written to the user's file.
    config_was_set(key, value) { "{key} is now {value}", "{key} を {value} に設定しました" }
    /// A later layer hides what was just written.
    config_is_hidden(origin) {
        "It has no effect here: {origin} sets another value.",
        "ここでは効果がありません。{origin} が別の値を設定しています。",
    }
    /// The editor changed nothing.
    config_is_unchanged() { "Nothing was changed.", "変更はありません。" }
    /// What was edited is wrong, and kept.
    config_draft_kept(path) {
        "The file was not changed. Your text is kept: {path}",
        "ファイルは変更していません。編集した内容: {path}",
    }
    /// Manual pages were written.
    pages_written(count, folder) { "{count} pages in {folder}", "{count} ページを {folder} に書きました" }
    /// What a check looked at.
    backup_saw(runs, events, artifacts, size) {
        "runs: {runs}, events: {events}, artifacts: {artifacts} ({size})",
        "実行: {runs}、イベント: {events}、成果物: {artifacts}（{size}）",
    }
    /// Nothing is wrong with a copy.
    backup_is_whole(folder) { "{folder} is whole.", "{folder} に問題はありません。" }
    /// A copy is damaged.
    backup_is_damaged(folder, count) {
        "{folder} is damaged: {count} problems.",
        "{folder} は壊れています。問題: {count} 件。",
    }
    /// The key of the secrets is not in a copy.
    backup_without_key() {
        "The key that opens stored secrets is not in it (--with-key). Keep it elsewhere.",
        "秘密情報を開く鍵は含まれません（--with-key で含めます）。別の場所に保管してください。",
    }
    /// Before a copy is put in place.
    backup_restore_question(folder, target) {
        "Restore {folder} into {target}?",
        "{folder} を {target} に復元しますか?",
    }
}
