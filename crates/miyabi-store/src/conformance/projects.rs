//! Cases for `port::records::Projects`.

use miyabi_core::port::records::{Error, Projects};
use miyabi_core::project::Project;

use super::fixture::{project, project_id, tenant};

/// A project is found by id and path, and listed by name.
pub async fn project_is_found_every_way(projects: &dyn Projects) {
    let tenant = tenant();
    let mut both = [project(tenant), project(tenant)];
    for project in both.iter().rev() {
        projects.create(project).await.unwrap();
    }
    let found = projects.find(tenant, both[0].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&both[0]));
    let found = projects.find_by_path(tenant, &both[1].path).await.unwrap();
    assert_eq!(found.as_ref(), Some(&both[1]));
    both.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(projects.list(tenant).await.unwrap(), both);
    assert_eq!(projects.find(tenant, project_id()).await.unwrap(), None);
    assert_eq!(projects.find_by_path(tenant, "/nowhere").await.unwrap(), None);
}

/// Name, path and id are unique for a tenant, and only for one.
pub async fn what_is_taken_is_refused(projects: &dyn Projects) {
    let first = project(tenant());
    projects.create(&first).await.unwrap();
    let other = project(first.tenant);
    let clashes = [
        Project { id: first.id, ..other.clone() },
        Project { name: first.name.clone(), ..other.clone() },
        Project { path: first.path.clone(), ..other.clone() },
    ];
    for clash in clashes {
        let error = projects.create(&clash).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
    }
    projects.create(&other).await.unwrap();
    let moved = Project { path: first.path.clone(), ..other };
    let error = projects.update(&moved).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let elsewhere = Project { tenant: tenant(), ..first };
    projects.create(&elsewhere).await.unwrap();
}

/// Path and branch can change, name and time stay.
pub async fn update_changes_path_and_branch(projects: &dyn Projects) {
    let old = project(tenant());
    projects.create(&old).await.unwrap();
    let new = Project { path: format!("{}-moved", old.path), branch: "trunk".into(), ..old.clone() };
    projects.update(&new).await.unwrap();
    assert_eq!(projects.find(old.tenant, old.id).await.unwrap(), Some(new));
    let error = projects.update(&project(old.tenant)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

/// A foreign tenant sees no project, and can't change it.
pub async fn foreign_project_answers_like_a_missing_one(projects: &dyn Projects) {
    let (mine, foreign) = (project(tenant()), tenant());
    projects.create(&mine).await.unwrap();
    assert_eq!(projects.find(foreign, mine.id).await.unwrap(), None);
    assert_eq!(projects.find_by_path(foreign, &mine.path).await.unwrap(), None);
    assert_eq!(projects.list(foreign).await.unwrap(), []);
    let stolen = Project { tenant: foreign, branch: "stolen".into(), ..mine.clone() };
    let error = projects.update(&stolen).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(projects.find(mine.tenant, mine.id).await.unwrap(), Some(mine));
}
