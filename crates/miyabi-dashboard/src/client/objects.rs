//! Calls about everything that is no run: projects, the forge, releases, models, secrets, the store.

use axum::http::Method;
use miyabi_core::port::model::ModelName;

use super::{Call, Client, encode};
use crate::api::{
    Collected, Comment, CommentRequest, ConnectProject, CreateIssue, Diff, GcRequest, Issue, IssueDetail,
    List, MergeRequest, Model, ModelProbe, Page, Problem, Project, PullRequest, Release, Rollback,
    RollbackRequest, SecretName, SetSecret, StoreInfo, TestModel,
};

/// A path below a project, which is named by its id or its short name.
fn of(project: &str, rest: &str) -> String {
    format!("/projects/{}/{rest}", encode(project))
}

impl Client {
    /// All projects, or the one of a checkout's path.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_projects(&self, path: Option<&str>) -> Result<List<Project>, Problem> {
        match path {
            Some(path) => self.get(&format!("/projects?path={}", encode(path))).await,
            None => self.get("/projects").await,
        }
    }

    /// A project by its id or its short name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_project(&self, project: &str) -> Result<Project, Problem> {
        self.get(&format!("/projects/{}", encode(project))).await
    }

    /// Connects a repository.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn connect_project(&self, request: &ConnectProject) -> Result<Project, Problem> {
        self.post("/projects", request).await
    }

    /// Issues, newest first; `query` holds `state`, `limit` and `cursor`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_issues(&self, project: &str, query: &str) -> Result<Page<Issue>, Problem> {
        self.get(&of(project, &format!("issues?{query}"))).await
    }

    /// An issue with its comments.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_issue(&self, project: &str, number: u64) -> Result<IssueDetail, Problem> {
        self.get(&of(project, &format!("issues/{number}"))).await
    }

    /// Makes an issue, once per key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn create_issue(
        &self,
        project: &str,
        request: &CreateIssue,
        idempotency_key: &str,
    ) -> Result<Issue, Problem> {
        let (path, key) = (of(project, "issues"), Some(idempotency_key));
        let method = Method::POST;
        self.make(Call { method, path: &path, body: Some(request), idempotency_key: key }).await
    }

    /// Comments on an issue, once per key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn comment_issue(
        &self,
        project: &str,
        number: u64,
        request: &CommentRequest,
        idempotency_key: &str,
    ) -> Result<Comment, Problem> {
        let (path, key) = (of(project, &format!("issues/{number}/comments")), Some(idempotency_key));
        let method = Method::POST;
        self.make(Call { method, path: &path, body: Some(request), idempotency_key: key }).await
    }

    /// Closes an issue.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn close_issue(&self, project: &str, number: u64) -> Result<Issue, Problem> {
        self.post(&of(project, &format!("issues/{number}/close")), &()).await
    }

    /// Opens an issue again.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn reopen_issue(&self, project: &str, number: u64) -> Result<Issue, Problem> {
        self.post(&of(project, &format!("issues/{number}/reopen")), &()).await
    }

    /// Pull requests, newest first; `query` holds `state`, `limit` and `cursor`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_pull_requests(&self, project: &str, query: &str) -> Result<Page<PullRequest>, Problem> {
        self.get(&of(project, &format!("pull_requests?{query}"))).await
    }

    /// A pull request.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_pull_request(&self, project: &str, number: u64) -> Result<PullRequest, Problem> {
        self.get(&of(project, &format!("pull_requests/{number}"))).await
    }

    /// What a pull request changes.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn diff_pull_request(&self, project: &str, number: u64) -> Result<Diff, Problem> {
        self.get(&of(project, &format!("pull_requests/{number}/diff"))).await
    }

    /// Merges a pull request.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn merge_pull_request(
        &self,
        project: &str,
        number: u64,
        request: &MergeRequest,
    ) -> Result<PullRequest, Problem> {
        self.post(&of(project, &format!("pull_requests/{number}/merge")), request).await
    }

    /// Closes a pull request.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn close_pull_request(&self, project: &str, number: u64) -> Result<PullRequest, Problem> {
        self.post(&of(project, &format!("pull_requests/{number}/close")), &()).await
    }

    /// Releases, newest first.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_releases(&self, project: &str) -> Result<List<Release>, Problem> {
        self.get(&of(project, "releases")).await
    }

    /// A release by name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_release(&self, project: &str, name: &str) -> Result<Release, Problem> {
        self.get(&of(project, &format!("releases/{}", encode(name)))).await
    }

    /// Brings an earlier release back.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn roll_back(&self, project: &str, request: &RollbackRequest) -> Result<Rollback, Problem> {
        self.post(&of(project, "releases/rollback"), request).await
    }

    /// All configured models.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_models(&self) -> Result<List<Model>, Problem> {
        self.get("/models").await
    }

    /// Asks a model for one word.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn test_model(&self, model: &ModelName) -> Result<ModelProbe, Problem> {
        self.post("/models/test", &TestModel { model: model.clone() }).await
    }

    /// Asks a provider which models it has.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn discover_models(&self, provider: &str) -> Result<List<ModelName>, Problem> {
        self.get(&format!("/models/discover?provider={}", encode(provider))).await
    }

    /// The names of secrets.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_secrets(&self) -> Result<List<SecretName>, Problem> {
        self.get("/secrets").await
    }

    /// Sets or replaces a secret.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn set_secret(&self, name: &str, request: &SetSecret) -> Result<(), Problem> {
        self.call(Method::PUT, &format!("/secrets/{}", encode(name)), Some(request)).await
    }

    /// Forgets a secret.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn remove_secret(&self, name: &str) -> Result<(), Problem> {
        self.call(Method::DELETE, &format!("/secrets/{}", encode(name)), None::<&()>).await
    }

    /// Version and sizes of the store.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_store(&self) -> Result<StoreInfo, Problem> {
        self.get("/store").await
    }

    /// Cleans up by the operator's policy.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn collect_garbage(&self, request: &GcRequest) -> Result<Collected, Problem> {
        self.post("/store/gc", request).await
    }
}
