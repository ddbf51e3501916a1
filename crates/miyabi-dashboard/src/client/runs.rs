//! Calls about runs.

use axum::http::Method;
use bytes::Bytes;
use miyabi_core::digest::Digest;

use super::{Call, Client, encode};
use crate::api::{
    Approval, DecideRequest, Diff, FileStep, Health, List, LogLine, Page, Problem, RestoreRequest, Restored,
    RetryRequest, Run, RunDetail, RunEvent, StartRun, SteerRequest,
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

    /// What a run changed so far.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn diff_run(&self, run: &str) -> Result<Diff, Problem> {
        self.get(&format!("/runs/{}/diff", encode(run))).await
    }

    /// A page of a run's log, oldest first; `query` holds `level`, `limit` and `cursor`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn log_run(&self, run: &str, query: &str) -> Result<Page<LogLine>, Problem> {
        self.get(&format!("/runs/{}/log?{query}", encode(run))).await
    }

    /// Some bytes of a content that a run names, from an offset: at most `length`, none at its end.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn read_artifact(
        &self,
        run: &str,
        digest: Digest,
        offset: u64,
        length: u64,
    ) -> Result<Bytes, Problem> {
        let digest = encode(&digest.to_string());
        let path = format!("/runs/{}/artifacts/{digest}?offset={offset}&length={length}", encode(run));
        self.bytes(Call { method: Method::GET, path: &path, body: None::<&()>, idempotency_key: None }).await
    }

    /// The steps of a run that changed files.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn list_file_steps(&self, run: &str) -> Result<List<FileStep>, Problem> {
        self.get(&format!("/runs/{}/files", encode(run))).await
    }

    /// Brings a task's files back to before or after a step.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn restore_files(&self, run: &str, request: &RestoreRequest) -> Result<Restored, Problem> {
        self.post(&format!("/runs/{}/restore", encode(run)), request).await
    }
}
