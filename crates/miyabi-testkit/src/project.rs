//! A project to test with.

use std::path::Path;

use miyabi_core::id::{ProjectId, TenantId};
use miyabi_core::project::Project;

use crate::clock::START;

/// A project of the test's tenant. Equal numbers give equal projects.
pub fn project(number: u64, path: &Path) -> Project {
    Project {
        id: ProjectId::mint(START, u128::from(number)),
        tenant: TenantId::mint(START, 1),
        name: format!("project-{number}"),
        path: path.to_string_lossy().into_owned(),
        branch: "main".into(),
        created_at: START,
    }
}
