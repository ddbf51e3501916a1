//! The API of the platform: what every command, page and program asks for, as HTTP under `/api/v1`.
//!
//! Here live the wire types, the routes (each a few lines over one use case of core), the stream of events, the Unix
//! socket by which other processes reach the owner of the data folder, and the client that the command line uses for
//! both ways. No rule of the business, no SQL, no other protocol.

pub mod api;
pub mod client;
mod door;
mod frame;
mod route;
pub mod socket;

pub use client::Client;
pub use door::Peer;
pub use route::{Options, router};
