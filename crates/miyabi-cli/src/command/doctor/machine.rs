//! The machine: git, the sandbox, disk and memory.

use std::path::Path;
use std::sync::Arc;

use miyabi_core::config::Effective;
use miyabi_core::sandbox::SandboxLevel;
use miyabi_workspace::git::Git;
use miyabi_workspace::sandbox::{Options, Sandbox};

use super::finding::{Finding, Group};
use crate::context::Context;
use crate::format::bytes;
use crate::link::Owner;
use crate::page;
use crate::wire::find_program;

/// Below this much free disk nothing can be relied on.
const DISK_LEAST: u64 = 256 << 20;
/// Below this much free disk a large build may fail.
const DISK_LITTLE: u64 = 2 << 30;
/// Below this much free memory a large build may fail.
const MEMORY_LITTLE: u64 = 1 << 30;

/// Disk and memory.
pub(super) fn look(context: &Context) -> Vec<Finding> {
    [memory(context), disk(context)].into_iter().flatten().collect()
}

/// Git: there, and new enough.
pub(super) async fn git(context: &Context) -> Vec<Finding> {
    let git = Git::open(find_program("git", &context.variables)).await;
    vec![match git {
        Ok(git) => Finding::ok(Group::Machine, "git", git.version().to_string()),
        Err(error) => Finding::fail(Group::Machine, "git", error.to_string())
            .cure(page::advice(miyabi_core::error::ErrorCode::GitUnavailable, context.lang())),
    }]
}

/// The sandbox's own test, at the level that runs would use: in the sandbox that this process wired, or in one of its
/// own where another process owns the data folder.
pub(super) async fn sandbox(
    context: &Context,
    effective: Option<&Effective>,
    owner: Option<&Owner>,
) -> Vec<Finding> {
    let level = effective.map(|effective| effective.config.sandbox.level).unwrap_or_default();
    let sandbox = match owner {
        Some(owner) => Arc::clone(&owner.wired().sandbox),
        None => {
            let options = Options::new(level, context.paths.data.join("sandbox"));
            if let Err(error) = tokio::fs::create_dir_all(&options.state_dir).await {
                return vec![Finding::skipped(Group::Machine, "sandbox", error.to_string())];
            }
            Arc::new(Sandbox::new(options))
        }
    };
    let test = sandbox.self_test().await;
    let lang = context.lang();
    vec![match test.advice {
        Some(advice) => Finding::fail(Group::Machine, "sandbox", advice.cause).cure(advice.cure),
        None if level == SandboxLevel::Strict => {
            Finding::ok(Group::Machine, "sandbox", lang.doctor_sandbox(level.as_str()))
        }
        None => Finding::warn(Group::Machine, "sandbox", lang.doctor_sandbox_weak(level.as_str()))
            .cure("miyabi config set sandbox.level strict"),
    }]
}

fn memory(context: &Context) -> Option<Finding> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024);
    let (lang, shown) = (context.lang(), bytes(free));
    Some(if free < MEMORY_LITTLE {
        Finding::warn(Group::Machine, "memory", lang.doctor_little(shown))
            .cure("miyabi config set run.parallel 1")
    } else {
        Finding::ok(Group::Machine, "memory", lang.doctor_free(shown))
    })
}

fn disk(context: &Context) -> Option<Finding> {
    let folder = context.paths.data.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let about = rustix::fs::statvfs(folder).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let (lang, shown) = (context.lang(), bytes(free));
    Some(match free {
        0..DISK_LEAST => Finding::fail(Group::Machine, "disk", lang.doctor_little(shown)).cure("miyabi gc"),
        DISK_LEAST..DISK_LITTLE => {
            Finding::warn(Group::Machine, "disk", lang.doctor_little(shown)).cure("miyabi gc")
        }
        _ => Finding::ok(Group::Machine, "disk", lang.doctor_free(shown)),
    })
}
