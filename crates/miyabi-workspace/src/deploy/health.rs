//! One look at the current release's health: its process runs, answers as it should, and is the one that answers.

mod request;
mod words;

use miyabi_core::port::deploy_target::Sample;
use miyabi_core::project::HealthCheck;

use self::request::Answer;
use super::LocalTarget;
use super::error::Error;
use super::layout::{ProjectFolder, ReleaseName};
use super::listener::{self, Owner};
use super::release::{self, Manifest};
use super::runner::CheckSpec;
use super::state::{Service, State};
use crate::blocking;

/// What showed that a release is healthy, or why it is not.
type Seen = Result<String, Problem>;

/// Why a release is not healthy.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// Its process does not run any more.
    Ended(String),
    /// Anything else; it may pass.
    Sick(String),
}

fn sick(detail: impl Into<String>) -> Problem {
    Problem::Sick(detail.into())
}

impl LocalTarget {
    /// Looks once. What is wrong with the release is a sample; what is wrong with the machine is an error.
    pub(super) async fn look_at_health(&self, folder: &ProjectFolder) -> Result<Sample, Error> {
        let (is_healthy, has_ended, detail) = match self.see(folder).await? {
            Ok(detail) => (true, false, detail),
            Err(Problem::Sick(detail)) => (false, false, detail),
            Err(Problem::Ended(detail)) => (false, true, detail),
        };
        Ok(Sample { is_healthy, has_ended, detail: words::one_line(&detail) })
    }

    async fn see(&self, folder: &ProjectFolder) -> Result<Seen, Error> {
        let (current, state) = self.look(folder).await?;
        let Some(name) = current else {
            return Ok(Err(sick("no release is current")));
        };
        let manifest = blocking({
            let (folder, name) = (folder.clone(), name.clone());
            move || release::find(&folder, &name)
        });
        let Some(manifest) = manifest.await? else {
            return Ok(Err(sick(format!("release `{name}` is gone"))));
        };
        let State { service: Some(service), port: Some(port), .. } = state else {
            return Ok(Err(sick(format!("release `{name}` was not started"))));
        };
        if service.release != name.as_str() {
            return Ok(Err(sick(format!("release `{}` runs instead of `{name}`", service.release))));
        }
        if !self.runner.is_alive(service.id) {
            return Ok(Err(Problem::Ended(last_words(folder, &name).await)));
        }
        let seen = match &manifest.config.health.command {
            Some(argv) => self.run_command(folder, &name, argv, port).await?,
            None => ask(&manifest, port, &service).await?,
        };
        // It may have ended since, and its answer have come from somebody else.
        if !self.runner.is_alive(service.id) {
            return Ok(Err(Problem::Ended(last_words(folder, &name).await)));
        }
        Ok(seen)
    }

    async fn run_command(
        &self,
        folder: &ProjectFolder,
        name: &ReleaseName,
        argv: &[String],
        port: u16,
    ) -> Result<Seen, Error> {
        let check = CheckSpec { argv: argv.to_vec(), files: folder.files(name), port };
        let outcome = self.runner.check(&check).await.map_err(Error::Service)?;
        let detail = format!("the health command {}", outcome.detail);
        Ok(if outcome.succeeded { Ok(detail) } else { Err(sick(detail)) })
    }
}

async fn ask(manifest: &Manifest, port: u16, service: &Service) -> Result<Seen, Error> {
    let HealthCheck { path, contains, .. } = &manifest.config.health;
    let answer = match request::get(port, path).await {
        Ok(answer) => answer,
        Err(problem) => return Ok(Err(sick(problem))),
    };
    let stranger =
        || Ok(Err(sick(format!("another program than release `{}` answers on port {port}", manifest.name))));
    if manifest.config.run.is_none() && answer.release.as_deref() != Some(manifest.name.as_str()) {
        return stranger();
    }
    let pid = service.id.pid;
    match blocking(move || listener::owner(port, pid)).await {
        Owner::Stranger | Owner::Nobody => return stranger(),
        Owner::Service | Owner::Unknown => {}
    }
    Ok(judge(&answer, path, contains.as_deref()))
}

fn judge(answer: &Answer, path: &str, contains: Option<&str>) -> Seen {
    let status = format!("status {} from `{path}`", answer.status);
    if !(200..400).contains(&answer.status) {
        return Err(sick(status));
    }
    match contains {
        Some(text) if !answer.has(text) => {
            Err(sick(format!("{status}, but the answer does not contain `{text}`")))
        }
        _ => Ok(status),
    }
}

async fn last_words(folder: &ProjectFolder, name: &ReleaseName) -> String {
    let log = folder.log(name);
    let said = blocking(move || words::of_ended(&log)).await;
    format!("the process of release `{name}` does not run: {said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_content_decide() {
        let answer = |status, body: &str| Answer { status, body: body.as_bytes().to_vec(), release: None };
        assert_eq!(judge(&answer(200, ""), "/", None), Ok("status 200 from `/`".into()));
        assert_eq!(judge(&answer(399, ""), "/", None), Ok("status 399 from `/`".into()));
        assert_eq!(judge(&answer(400, ""), "/x", None), Err(sick("status 400 from `/x`")));
        assert_eq!(judge(&answer(199, ""), "/", None), Err(sick("status 199 from `/`")));
        assert_eq!(judge(&answer(200, "all ok"), "/", Some("ok")), Ok("status 200 from `/`".into()));
        assert_eq!(
            judge(&answer(200, "all bad"), "/", Some("ok")),
            Err(sick("status 200 from `/`, but the answer does not contain `ok`"))
        );
    }
}
