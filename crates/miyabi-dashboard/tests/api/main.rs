//! The API over a real store, a real forge and real git, by both of its ways in.
#![cfg(test)]

mod decisions;
mod events;
mod files;
mod forge;
mod house;
mod objects;
mod outside;
mod runs;
mod shapes;
mod socket;
mod start;
mod story;
mod upkeep;
