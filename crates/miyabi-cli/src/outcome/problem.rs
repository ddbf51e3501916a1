//! Any error as the problem document that the API would send: a code, what happened, what to do.

use miyabi_core::config::Problems;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_dashboard::api::Problem;
use miyabi_store::FolderError;
use miyabi_workspace::{git, sandbox};

use super::UsageError;

/// Any error as the problem document that `--json` prints.
pub(crate) fn problem_of(error: &anyhow::Error) -> Problem {
    error
        .chain()
        .find_map(|cause| known(cause, error))
        .unwrap_or_else(|| Problem::new(ErrorCode::Internal, chain(error)))
}

/// The problem behind a cause, if it is of a kind that has a code.
fn known(cause: &(dyn std::error::Error + 'static), whole: &anyhow::Error) -> Option<Problem> {
    if let Some(problem) = cause.downcast_ref::<Problem>() {
        return Some(problem.clone());
    }
    if let Some(usage) = cause.downcast_ref::<UsageError>() {
        let problem = Problem::new(ErrorCode::UsageInvalid, usage.message.clone());
        return Some(match &usage.fix {
            Some(fix) => problem.with_hint(fix.clone(), None),
            None => problem,
        });
    }
    if let Some(problems) = cause.downcast_ref::<Problems>() {
        return Some(configuration(problems));
    }
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(Problem::new(failure.code, failure.message.clone()));
    }
    let code = if let Some(folder) = cause.downcast_ref::<FolderError>() {
        folder.code()
    } else if let Some(store) = cause.downcast_ref::<miyabi_store::Error>() {
        store.code()
    } else if let Some(git) = cause.downcast_ref::<git::Error>() {
        match git {
            git::Error::Unusable { .. } => ErrorCode::GitUnavailable,
            _ => ErrorCode::GitFailed,
        }
    } else if cause.is::<sandbox::Error>() {
        ErrorCode::SandboxUnavailable
    } else {
        return None;
    };
    Some(Problem::new(code, chain(whole)))
}

/// All problems of a configuration, each as a field of its own.
fn configuration(problems: &Problems) -> Problem {
    let detail = match problems.0.len() {
        1 => "the configuration is wrong".to_owned(),
        count => format!("the configuration has {count} problems"),
    };
    let mut problem = Problem::new(ErrorCode::ConfigInvalid, detail);
    for wrong in &problems.0 {
        let hint = wrong.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        problem = problem.with_error(&wrong.key, format!("{}{hint} ({})", wrong.message, wrong.origin));
    }
    problem.with_hint("correct your own file", Some("miyabi config edit"))
}

fn chain(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}
