//! Runs one command in a cage.
