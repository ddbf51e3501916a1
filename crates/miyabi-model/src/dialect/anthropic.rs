//! Anthropic's Messages.

pub(crate) mod request;
pub(crate) mod stream;
