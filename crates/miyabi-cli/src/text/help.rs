//! Words of `miyabi help`.

messages! {
    /// Heading of the list of topics.
    help_topics() { "Topics:", "トピック:" }
    /// What `miyabi help CODE` does.
    help_codes() { "What an error code means and what to do", "エラーコードの意味と対処" }
}
