//! The analysers' part of a review.

use miyabi_core::error::Failure;
use miyabi_core::run::StepValue;

use super::{Job, missing_fact};
use crate::analyse;

/// The largest diff that reviewers are shown, in bytes.
pub(crate) const DIFF_BYTES: u64 = 200 * 1024;

pub(super) async fn analyse(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let base = &job.state.opened().ok_or_else(|| missing_fact("the project"))?.base;
    let head = job.state.head().ok_or_else(|| missing_fact("the run's head"))?;
    let change = job.ports.repositories.diff(&project, base, head, DIFF_BYTES).await?;
    let findings = analyse::findings(&change);
    let mut missing = Vec::new();
    if change.is_truncated {
        missing.push(format!("the diff is longer than {DIFF_BYTES} bytes and was cut"));
    }
    let diff = job.store(&change.patch).await?;
    Ok(StepValue::Analysed { findings, missing, diff })
}
