//! The command line: raw words in, one API call, output. The composition root is `wire`; nothing else here knows an
//! adapter, and nobody imports this crate.

mod args;
mod command;
mod context;
mod follow;
mod format;
mod input;
mod link;
mod outcome;
mod page;
mod panic;
mod paths;
mod print;
mod start;
mod style;
mod table;
mod terminal;
mod text;
mod userfile;
mod wire;

pub use start::main;
