//! What a model is told when the host does not accept its work.

use miyabi_core::error::Failure;
use miyabi_core::gate::{Gate, GateResult, Verdict};
use miyabi_core::run::step::GateTarget;
use miyabi_core::run::{Step, StepValue};

use super::text;
use crate::perform::{Job, missing_fact};

/// The most characters of one failing command's output.
const LOG_CHARS: usize = 3_000;

/// The gates' report about a refused `finish`: each failure with the end of its output.
pub(super) async fn gates(job: &Job<'_>, target: &GateTarget) -> Result<String, Failure> {
    let report = job.state.gate_report(target).ok_or_else(|| missing_fact("the gates' report"))?;
    let mut said =
        String::from("not accepted: the gates ran your change in a clean clone, and these do not pass.\n");
    for result in report.with_verdict(Verdict::Fail) {
        said.push_str(&failure(job, result).await?);
    }
    let passed: Vec<_> = report.with_verdict(Verdict::Pass).map(|result| Gate::as_str(result.gate)).collect();
    if !passed.is_empty() {
        said.push_str(&format!("\nThese pass: {}.", passed.join(", ")));
    }
    said.push_str("\nRepair the cause, not the check, then call `finish` again.");
    Ok(said)
}

async fn failure(job: &Job<'_>, result: &GateResult) -> Result<String, Failure> {
    let mut said = format!("\n## {}\n{}\n", result.gate.as_str(), result.detail);
    if let Some(failed) = result.evidence.iter().find(|evidence| !evidence.succeeded()) {
        let log = text::visible(&job.text(failed.log).await?, usize::MAX);
        said.push_str(&format!("$ {}\n{}\n", failed.command.join(" "), text::tail(&log, LOG_CHARS)));
        said.push_str(&format!("(whole output: `recall` {})\n", failed.log));
    }
    Ok(said)
}

/// What changed under the feet of a task, and what to do about it.
pub(super) async fn refresh(job: &Job<'_>, step: &Step) -> Result<String, Failure> {
    let Some(StepValue::Refreshed { conflicts, onto, .. }) = job.state.value(step) else {
        return Err(missing_fact("the refreshed clone"));
    };
    let mut said = format!(
        "not accepted yet: other changes were merged meanwhile. They are in your files now (commit {}).\n",
        onto.get(..12).unwrap_or(onto)
    );
    if conflicts.is_empty() {
        said.push_str(
            "Nothing contradicts your change line by line, but the whole does not pass the gates:\n",
        );
        if let (Step::Refresh { task, round }, true) =
            (step, matches!(step, Step::Refresh { round: 1.., .. }))
        {
            let target = GateTarget::Integration { task: task.clone(), round: round - 1 };
            if job.state.gate_report(&target).is_some() {
                said.push_str(&gates(job, &target).await?);
                return Ok(said);
            }
        }
    } else {
        said.push_str("These files contradict it and carry conflict marks (<<<<<<<, =======, >>>>>>>):\n");
        for file in conflicts {
            said.push_str(&format!("- {file}\n"));
        }
        said.push_str("Keep what both sides mean, remove all marks.\n");
    }
    said.push_str("Then check and call `finish` again.");
    Ok(said)
}
