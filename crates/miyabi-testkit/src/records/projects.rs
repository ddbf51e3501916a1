//! Projects in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use miyabi_core::id::{ProjectId, TenantId};
use miyabi_core::port::records::{Error, Projects};
use miyabi_core::project::Project;

/// Projects, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryProjects(Mutex<Vec<Project>>);

#[async_trait]
impl Projects for MemoryProjects {
    async fn create(&self, project: &Project) -> Result<(), Error> {
        let mut projects = self.0.lock().unwrap();
        let is_taken = |other: &Project| other.tenant == project.tenant && other.name == project.name;
        if projects.iter().any(|other| other.id == project.id || is_taken(other)) {
            return Err(Error::Exists { kind: "project", name: project.name.clone() });
        }
        projects.push(project.clone());
        Ok(())
    }

    async fn update(&self, project: &Project) -> Result<(), Error> {
        let mut projects = self.0.lock().unwrap();
        let stored = projects
            .iter_mut()
            .find(|stored| stored.tenant == project.tenant && stored.id == project.id)
            .ok_or_else(|| Error::NotFound { kind: "project", name: project.id.to_string() })?;
        stored.path.clone_from(&project.path);
        stored.branch.clone_from(&project.branch);
        Ok(())
    }

    async fn find(&self, tenant: TenantId, id: ProjectId) -> Result<Option<Project>, Error> {
        let projects = self.0.lock().unwrap();
        Ok(projects.iter().find(|project| project.tenant == tenant && project.id == id).cloned())
    }

    async fn find_by_path(&self, tenant: TenantId, path: &str) -> Result<Option<Project>, Error> {
        let projects = self.0.lock().unwrap();
        Ok(projects.iter().find(|project| project.tenant == tenant && project.path == path).cloned())
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<Project>, Error> {
        let projects = self.0.lock().unwrap();
        let mut found: Vec<_> = projects.iter().filter(|project| project.tenant == tenant).cloned().collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}
