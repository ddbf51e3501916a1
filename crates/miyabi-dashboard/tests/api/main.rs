//! The API over a real store, a real forge and real git, by both of its ways in.
#![cfg(test)]

mod decisions;
mod events;
mod house;
mod outside;
mod runs;
mod shapes;
mod socket;
mod start;
mod story;
