//! The local deployment target with real folders, real sandboxed processes and real crashes.
#![cfg(test)]

mod builds;
mod crashes;
mod health;
mod house;
mod releases;
mod services;
