//! OpenAI's Chat Completions, which many other servers speak too.

pub(crate) mod request;
pub(crate) mod stream;
