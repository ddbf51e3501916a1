//! The Coordinator's plan and the rules that code holds it to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use globset::GlobBuilder;
use serde::{Deserialize, Serialize};

/// The most tasks that a plan may have.
pub const MAX_TASKS: usize = 24;

/// A task's short name within its run, such as `t1`; lower-case letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskKey(pub String);

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A graph of tasks, in the order in which they are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The tasks; the order of the list is the merge order.
    pub tasks: Vec<Task>,
}

/// A piece of work for one CodeGen agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name within the run.
    pub key: TaskKey,
    /// A few words for people.
    pub title: String,
    /// What must be true when it is done.
    pub goal: String,
    /// Globs of the files it may change, relative to the repository's root.
    pub touches: Vec<String>,
    /// Tasks that must be merged before it begins.
    pub depends_on: Vec<TaskKey>,
    /// Which acceptance items of the triage it covers, counted from 0.
    pub covers: Vec<usize>,
    /// Its share of the run's budget, in percent.
    pub budget_percent: u8,
}

/// What is wrong with a plan. The text goes back to the model that made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is nothing to do in it.
    #[error("the plan has no task")]
    Empty,
    /// More tasks than allowed.
    #[error("the plan has {0} tasks, at most {MAX_TASKS} are allowed")]
    TooManyTasks(usize),
    /// A key that is empty, too long or has other characters.
    #[error("task key `{0}` is not 1 to 16 lower-case letters and digits")]
    BadKey(String),
    /// Two tasks of one name.
    #[error("task key `{0}` is used twice")]
    DuplicateKey(TaskKey),
    /// A dependency that does not exist.
    #[error("task `{task}` depends on `{missing}`, which does not exist")]
    UnknownDependency {
        /// The dependent task.
        task: TaskKey,
        /// The name it gives.
        missing: TaskKey,
    },
    /// A dependency on itself, directly or around a corner, or on a task that is merged later.
    #[error(
        "task `{task}` depends on `{later}`, which is merged after it; list a task after those it depends on"
    )]
    OutOfOrder {
        /// The dependent task.
        task: TaskKey,
        /// The task it names.
        later: TaskKey,
    },
    /// Nothing says what it may change.
    #[error("task `{0}` names no files it touches")]
    NoTouches(TaskKey),
    /// A glob that is broken, absolute or leaves the repository.
    #[error("task `{task}` touches `{glob}`, which is not a glob relative to the repository's root")]
    BadGlob {
        /// The task.
        task: TaskKey,
        /// The glob.
        glob: String,
    },
    /// Two tasks may change the same file at the same time.
    #[error(
        "tasks `{first}` and `{second}` both touch `{glob}`; make one depend on the other or split the files"
    )]
    Overlap {
        /// One task.
        first: TaskKey,
        /// The other.
        second: TaskKey,
        /// What they share, as the second names it.
        glob: String,
    },
    /// An acceptance item that nobody works on.
    #[error("no task covers acceptance item {index}: {item}")]
    Uncovered {
        /// Counted from 0.
        index: usize,
        /// The item.
        item: String,
    },
    /// A task covers an item that does not exist.
    #[error("task `{task}` covers acceptance item {index}, but there are only {count}")]
    UnknownItem {
        /// The task.
        task: TaskKey,
        /// The index it names.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The shares add up to more than the whole.
    #[error("the tasks' budget shares add up to {0} %, at most 100 % are there")]
    OverBudget(u32),
    /// A share of nothing.
    #[error("task `{0}` has no share of the budget")]
    NoBudget(TaskKey),
}

impl Plan {
    /// Everything that is wrong with the plan, for a triage with these acceptance items.
    pub fn problems(&self, acceptance: &[String]) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.tasks.is_empty() {
            problems.push(Problem::Empty);
        }
        if self.tasks.len() > MAX_TASKS {
            problems.push(Problem::TooManyTasks(self.tasks.len()));
            return problems;
        }
        self.check_graph(&mut problems);
        self.check_coverage(acceptance, &mut problems);
        for task in &self.tasks {
            check_touches(task, &mut problems);
        }
        if problems.is_empty() {
            self.check_overlaps(&mut problems);
        }
        problems
    }

    /// The task of this name.
    pub fn task(&self, key: &TaskKey) -> Option<&Task> {
        self.tasks.iter().find(|task| task.key == *key)
    }

    fn check_graph(&self, problems: &mut Vec<Problem>) {
        let all: BTreeSet<_> = self.tasks.iter().map(|task| &task.key).collect();
        let mut before = BTreeSet::new();
        for task in &self.tasks {
            let TaskKey(key) = &task.key;
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if key.is_empty() || key.len() > 16 || !key.bytes().all(fits) {
                problems.push(Problem::BadKey(key.chars().take(32).collect()));
            }
            for dependency in &task.depends_on {
                let task = task.key.clone();
                if !all.contains(dependency) {
                    problems.push(Problem::UnknownDependency { task, missing: dependency.clone() });
                } else if !before.contains(dependency) {
                    problems.push(Problem::OutOfOrder { task, later: dependency.clone() });
                }
            }
            if !before.insert(&task.key) {
                problems.push(Problem::DuplicateKey(task.key.clone()));
            }
        }
    }

    fn check_coverage(&self, acceptance: &[String], problems: &mut Vec<Problem>) {
        let mut shares = 0;
        for task in &self.tasks {
            shares += u32::from(task.budget_percent);
            if task.budget_percent == 0 {
                problems.push(Problem::NoBudget(task.key.clone()));
            }
            for &index in task.covers.iter().filter(|index| **index >= acceptance.len()) {
                let (task, count) = (task.key.clone(), acceptance.len());
                problems.push(Problem::UnknownItem { task, index, count });
            }
        }
        if shares > 100 {
            problems.push(Problem::OverBudget(shares));
        }
        for (index, item) in acceptance.iter().enumerate() {
            if !self.tasks.iter().any(|task| task.covers.contains(&index)) {
                problems.push(Problem::Uncovered { index, item: item.clone() });
            }
        }
    }

    fn check_overlaps(&self, problems: &mut Vec<Problem>) {
        let ancestors = self.ancestors();
        for (index, second) in self.tasks.iter().enumerate() {
            for first in &self.tasks[..index] {
                if ancestors.get(&second.key).is_some_and(|set| set.contains(&first.key)) {
                    continue;
                }
                let shared = second.touches.iter().find(|b| first.touches.iter().any(|a| may_overlap(a, b)));
                if let Some(glob) = shared {
                    let (first, second) = (first.key.clone(), second.key.clone());
                    problems.push(Problem::Overlap { first, second, glob: glob.clone() });
                }
            }
        }
    }

    /// For each task, all tasks before it in the graph. Needs the list in dependency order.
    fn ancestors(&self) -> BTreeMap<&TaskKey, BTreeSet<&TaskKey>> {
        let mut ancestors: BTreeMap<&TaskKey, BTreeSet<&TaskKey>> = BTreeMap::new();
        for task in &self.tasks {
            let mut before = BTreeSet::new();
            for dependency in &task.depends_on {
                before.insert(dependency);
                before.extend(ancestors.get(dependency).into_iter().flatten());
            }
            ancestors.insert(&task.key, before);
        }
        ancestors
    }
}

fn check_touches(task: &Task, problems: &mut Vec<Problem>) {
    if task.touches.is_empty() {
        problems.push(Problem::NoTouches(task.key.clone()));
    }
    for glob in &task.touches {
        let relative = !glob.starts_with('/') && !glob.split('/').any(|part| part == "..");
        if glob.is_empty() || !relative || glob.len() > 512 || GlobBuilder::new(glob).build().is_err() {
            let (task, glob) = (task.key.clone(), glob.chars().take(128).collect());
            problems.push(Problem::BadGlob { task, glob });
        }
    }
}

/// Whether two globs may match a common path. Errs on the side of yes: a needless order between two tasks costs some
/// time, a missed overlap costs a merge conflict.
pub fn may_overlap(a: &str, b: &str) -> bool {
    let (a_fixed, b_fixed) = (fixed_prefix(a), fixed_prefix(b));
    let matches = |glob: &str, path: &str| {
        let glob = GlobBuilder::new(glob).literal_separator(true).build();
        glob.is_ok_and(|glob| glob.compile_matcher().is_match(path))
    };
    match (a_fixed.len() == a.len(), b_fixed.len() == b.len()) {
        (true, true) => a == b || is_folder_of(a, b) || is_folder_of(b, a),
        (true, false) => matches(b, a) || is_folder_of(a, b_fixed),
        (false, true) => matches(a, b) || is_folder_of(b, a_fixed),
        (false, false) => {
            let prefixes_meet = a_fixed.starts_with(b_fixed) || b_fixed.starts_with(a_fixed);
            prefixes_meet && endings_meet(a, b)
        }
    }
}

/// Two globs whose fixed endings contradict each other, such as `*.rs` and `*.md`, share no path.
fn endings_meet(a: &str, b: &str) -> bool {
    let ending = |glob: &str| glob.rsplit(['*', '?', ']', '}']).next().unwrap_or_default().to_owned();
    let (a, b) = (ending(a), ending(b));
    a.ends_with(&b) || b.ends_with(&a)
}

fn is_folder_of(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// What stands before the first wildcard.
fn fixed_prefix(glob: &str) -> &str {
    glob.find(['*', '?', '[', '{']).map_or(glob, |end| &glob[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(key: &str, touches: &[&str], depends_on: &[&str], covers: &[usize]) -> Task {
        Task {
            key: TaskKey(key.into()),
            title: key.into(),
            goal: "done".into(),
            touches: touches.iter().map(|glob| (*glob).into()).collect(),
            depends_on: depends_on.iter().map(|key| TaskKey((*key).into())).collect(),
            covers: covers.to_vec(),
            budget_percent: 10,
        }
    }

    fn problems(tasks: Vec<Task>) -> Vec<String> {
        Plan { tasks }.problems(&["works".into()]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_plan_has_no_problems() {
        let tasks = vec![
            task("t1", &["src/a.rs"], &[], &[0]),
            task("t2", &["src/b/**"], &[], &[]),
            task("t3", &["src/**"], &["t1", "t2"], &[]),
        ];
        assert_eq!(problems(tasks), Vec::<String>::new());
    }

    #[test]
    fn cycles_and_unknown_names_are_found() {
        let tasks = vec![task("a", &["x"], &["b"], &[0]), task("b", &["y"], &["a", "zz"], &[])];
        assert_eq!(
            problems(tasks),
            [
                "task `a` depends on `b`, which is merged after it; list a task after those it depends on",
                "task `b` depends on `zz`, which does not exist",
            ]
        );
        assert!(!problems(vec![task("a", &["x"], &["a"], &[0])]).is_empty());
    }

    #[test]
    fn parallel_tasks_may_not_share_files() {
        let tasks = vec![task("a", &["src/**"], &[], &[0]), task("b", &["src/lib.rs"], &[], &[])];
        assert_eq!(problems(tasks).len(), 1);
    }

    #[test]
    fn hostile_fields_are_refused() {
        for glob in ["/etc/passwd", "../x", "a/../../b", "", "[z"] {
            assert_eq!(problems(vec![task("a", &[glob], &[], &[0])]).len(), 1, "{glob}");
        }
        for key in ["", "../x", "T1", "a b", "a2345678901234567"] {
            assert_eq!(problems(vec![task(key, &["x"], &[], &[0])]).len(), 1, "{key}");
        }
    }

    #[test]
    fn overlap_of_globs() {
        for (a, b, expected) in [
            ("src/a.rs", "src/a.rs", true),
            ("src/a.rs", "src/b.rs", false),
            ("src", "src/b.rs", true),
            ("src/*.rs", "src/b.rs", true),
            ("src/*.rs", "src/sub/b.rs", false),
            ("src/**", "src/sub/b.rs", true),
            ("src/**/*.rs", "src/**/*.md", false),
            ("docs/**", "src/**", false),
            ("**/*.rs", "src/**", true),
            ("src/a*", "src/ab*", true),
        ] {
            assert_eq!(may_overlap(a, b), expected, "{a} {b}");
            assert_eq!(may_overlap(b, a), expected, "{b} {a}");
        }
    }
}
