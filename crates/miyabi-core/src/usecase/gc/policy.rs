//! What may go. Pure: what is there, the operator's numbers and the time now make the plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Retention;
use crate::id::RunId;
use crate::port::checkouts::CheckoutId;
use crate::time::Timestamp;

/// A day, in milliseconds.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What became of a run's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It is part of its branch, or was handed over as a patch.
    Merged,
    /// There is none.
    None,
    /// A person rejected it.
    Discarded,
    /// It exists in the run's record and checkouts alone.
    Unmerged,
}

/// A run, as far as its removal is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRun {
    /// The run.
    pub run: RunId,
    /// When it ended; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// What became of its change.
    pub work: Work,
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The tenant's runs.
    pub runs: Vec<FoundRun>,
    /// Checkouts on the disk.
    pub checkouts: Vec<CheckoutId>,
    /// Runs that belong to somebody else.
    pub foreign: BTreeSet<RunId>,
}

/// What goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Records of runs.
    pub runs: BTreeSet<RunId>,
    /// Checkouts.
    pub checkouts: Vec<CheckoutId>,
    /// Runs that would go but for their change, which is neither merged nor discarded.
    pub kept_for_their_change: Vec<RunId>,
}

/// What may go at this time. `discard` names runs whose change is given up on purpose.
pub fn plan(found: &Found, discard: &BTreeSet<RunId>, retention: &Retention, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let runs: BTreeMap<RunId, &FoundRun> = found.runs.iter().map(|run| (run.run, run)).collect();
    let is_old = |run: &FoundRun, days: u32| {
        run.ended_at.is_some_and(|at| now.millis_since(at) >= u64::from(days) * DAY_MS)
    };
    let is_settled = |run: &FoundRun| run.work != Work::Unmerged || discard.contains(&run.run);
    for run in runs.values() {
        if is_settled(run) && is_old(run, retention.ended_runs_days) {
            plan.runs.insert(run.run);
        }
        if !is_settled(run) && is_old(run, retention.checkouts_days.min(retention.ended_runs_days)) {
            plan.kept_for_their_change.push(run.run);
        }
    }
    for checkout in &found.checkouts {
        let goes = match runs.get(&checkout.run) {
            // What was discarded by name goes now; nobody waits for it.
            Some(run) => {
                let is_due = is_old(run, retention.checkouts_days) || discard.contains(&run.run);
                run.ended_at.is_some() && is_settled(run) && is_due
            }
            // Nobody's: its run's record is gone, so nothing can use or name it any more.
            None => !found.foreign.contains(&checkout.run),
        };
        if goes || plan.runs.contains(&checkout.run) {
            plan.checkouts.push(checkout.clone());
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000 * DAY_MS);

    fn run(number: u128, ended_days_ago: Option<u64>, work: Work) -> FoundRun {
        let ended_at = ended_days_ago.map(|days| NOW.before_millis(days * DAY_MS));
        FoundRun { run: RunId::mint(Timestamp::from_millis(1), number), ended_at, work }
    }

    fn found(runs: Vec<FoundRun>) -> Found {
        let checkouts = runs.iter().map(|run| CheckoutId { run: run.run, name: "t1".into() }).collect();
        Found { runs, checkouts, foreign: BTreeSet::new() }
    }

    fn work() -> impl Strategy<Value = Work> {
        prop_oneof![Just(Work::Merged), Just(Work::None), Just(Work::Discarded), Just(Work::Unmerged)]
    }

    #[test]
    fn what_is_settled_goes_in_its_time() {
        let retention = Retention { ended_runs_days: 90, checkouts_days: 7, ..Retention::default() };
        let runs = vec![
            run(1, Some(3), Work::Merged),
            run(2, Some(8), Work::Merged),
            run(3, Some(90), Work::Discarded),
            run(4, Some(400), Work::Unmerged),
            run(5, None, Work::None),
        ];
        let ids: Vec<_> = runs.iter().map(|run| run.run).collect();
        let plan = plan(&found(runs), &BTreeSet::new(), &retention, NOW);
        assert_eq!(plan.runs, [ids[2]].into());
        assert_eq!(plan.checkouts.iter().map(|id| id.run).collect::<Vec<_>>(), [ids[1], ids[2]]);
        assert_eq!(plan.kept_for_their_change, [ids[3]]);
    }

    #[test]
    fn what_is_discarded_by_name_goes_now() {
        let runs = vec![run(1, Some(1), Work::Unmerged), run(2, None, Work::Unmerged)];
        let discard = runs.iter().map(|run| run.run).collect();
        let first = runs[0].run;
        let plan = plan(&found(runs), &discard, &Retention::default(), NOW);
        assert_eq!(plan.checkouts.iter().map(|id| id.run).collect::<Vec<_>>(), [first]);
        assert!(plan.runs.is_empty(), "its record is kept for its time");
    }

    #[test]
    fn orphans_go_and_what_belongs_to_others_stays() {
        let mut found = found(vec![run(1, Some(1), Work::Merged), run(2, Some(1), Work::Merged)]);
        found.foreign.insert(found.runs[1].run);
        let orphan = found.checkouts[0].clone();
        found.runs.clear();
        let plan = plan(&found, &BTreeSet::new(), &Retention::default(), NOW);
        assert_eq!(plan.checkouts, [orphan]);
    }

    proptest! {
        /// Whatever is there and whatever the numbers: work that is neither merged nor given up survives, and so does
        /// everything of a run that goes on.
        #[test]
        fn unmerged_and_active_work_survives(
            runs in prop::collection::vec((prop::option::of(0u64..900), work()), 0..20),
            days in (0u32..400, 0u32..400),
        ) {
            let runs: Vec<_> = (1..).zip(runs).map(|(number, (ended, work))| run(number, ended, work)).collect();
            let retention = Retention { ended_runs_days: days.0, checkouts_days: days.1, ..Retention::default() };
            let plan = plan(&found(runs.clone()), &BTreeSet::new(), &retention, NOW);
            for run in runs.iter().filter(|run| run.ended_at.is_none() || run.work == Work::Unmerged) {
                prop_assert!(!plan.runs.contains(&run.run));
                prop_assert!(plan.checkouts.iter().all(|checkout| checkout.run != run.run));
            }
        }
    }
}
