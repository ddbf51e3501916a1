//! The words around an error.

messages! {
    /// What went wrong.
    label_error() { "error:", "エラー:" }
    /// The words of whoever found it, where the summary comes first.
    label_detail() { "  detail:", "  詳細:" }
    /// One of several causes.
    label_why() { "  why:", "  理由:" }
    /// What to do.
    label_fix() { "  fix:", "  対処:" }
    /// The code.
    label_ref() { "  ref:", "  参照:" }
    /// Where to read more.
    label_docs() { "  docs:", "  説明:" }
    /// A bug was found.
    bug_found() {
        "a bug in miyabi ended this command. Nothing that was finished is lost.",
        "miyabi の不具合によりこのコマンドは終了しました。完了した作業は失われていません。",
    }
    /// Where the report of a bug is.
    bug_report(path) { "  report: {path}    (no secrets; look at it before you send it)", "  レポート: {path}    （秘密情報は含みません。送る前に確認してください）" }
}
