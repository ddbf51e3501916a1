//! SQLite: the one place with its SQL. One module per aggregate, plain queries beside the functions that run them.
//!
//! Every query names the tenant it is for. The few that must see all tenants say so with `-- every tenant: <why>`
//! in their text; a test holds both.

pub(crate) mod connect;
pub(crate) mod database;
pub(crate) mod events;
pub(crate) mod fault;
pub(crate) mod forge;
pub(crate) mod idempotency;
pub(crate) mod journal;
pub(crate) mod migrate;
pub(crate) mod projects;
pub(crate) mod retention;
pub(crate) mod row;
pub(crate) mod runs;
pub(crate) mod secrets;
pub(crate) mod writer;
