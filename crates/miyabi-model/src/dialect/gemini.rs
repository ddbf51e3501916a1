//! Gemini's `generateContent`.

pub(crate) mod request;
pub(crate) mod stream;
