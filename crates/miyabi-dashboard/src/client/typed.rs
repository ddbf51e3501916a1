//! The calls that the command line makes most, with their types.

use axum::http::Method;

use super::{Call, Client, encode};
use crate::api::{
    Approval, DecideRequest, Health, List, Page, Problem, RetryRequest, Run, RunDetail, RunEvent, StartRun,
    SteerRequest,
};

impl Client {
    /// Whether the server answers.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn health(&self) -> Result<Health, Problem> {
        self.get("/health").await
    }

    /// Starts a run, once per key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn start_run(&self, request: &StartRun, idempotency_key: &str) -> Result<Run, Problem> {
        let key = Some(idempotency_key);
        self.make(Call { method: Method::POST, path: "/runs", body: Some(request), idempotency_key: key })
            .await
    }

    /// Runs, newest first. The query is what stands behind the `?`: `project`, `state`, `since`, `limit`, `cursor`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_runs(&self, query: &str) -> Result<Page<Run>, Problem> {
        self.get(&format!("/runs?{query}")).await
    }

    /// A run in full, by its id or the last characters of it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_run(&self, run: &str) -> Result<RunDetail, Problem> {
        self.get(&format!("/runs/{}", encode(run))).await
    }

    /// Starts an ended run again, once per key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn retry_run(
        &self,
        run: &str,
        request: &RetryRequest,
        idempotency_key: &str,
    ) -> Result<Run, Problem> {
        let path = format!("/runs/{}/retry", encode(run));
        let key = Some(idempotency_key);
        self.make(Call { method: Method::POST, path: &path, body: Some(request), idempotency_key: key }).await
    }

    /// Guides a run's agents.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn steer(&self, run: &str, text: &str) -> Result<Run, Problem> {
        let request = SteerRequest { text: text.to_owned() };
        self.post(&format!("/runs/{}/steer", encode(run)), &request).await
    }

    /// Stops a run.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn stop_run(&self, run: &str) -> Result<Run, Problem> {
        self.post(&format!("/runs/{}/stop", encode(run)), &()).await
    }

    /// What a run asks and asked.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_approvals(&self, run: &str) -> Result<List<Approval>, Problem> {
        self.get(&format!("/runs/{}/approvals", encode(run))).await
    }

    /// Decides what a run asks.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn decide(&self, run: &str, request: &DecideRequest) -> Result<Run, Problem> {
        self.post(&format!("/runs/{}/approvals", encode(run)), request).await
    }

    /// A page of a run's events, oldest first; `query` holds `limit` and `cursor`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_events(&self, run: &str, query: &str) -> Result<Page<RunEvent>, Problem> {
        self.get(&format!("/runs/{}/events?{query}", encode(run))).await
    }
}
