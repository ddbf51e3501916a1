//! Ids, events and rows to write.

use std::sync::atomic::{AtomicU64, Ordering};

use miyabi_core::digest::Digest;
use miyabi_core::id::{ProjectId, RunId, TenantId};
use miyabi_core::label::Label;
use miyabi_core::money::UsdMicros;
use miyabi_core::port::journal::RunRow;
use miyabi_core::project::Project;
use miyabi_core::run::event::{Actor, VERSION};
use miyabi_core::run::{Event, EventBody, Stage};
use miyabi_core::stop::{Status, Stop, StopKind};
use miyabi_core::time::Timestamp;

/// When everything here begins: 2025-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// A number that no other call gets.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A tenant that nobody else has.
pub fn tenant() -> TenantId {
    TenantId::mint(START, u128::from(unique()))
}

/// A project's id that nobody else has.
pub fn project_id() -> ProjectId {
    ProjectId::mint(START, u128::from(unique()))
}

/// A run's id, later than those before it.
pub fn run_id() -> RunId {
    let unique = unique();
    RunId::mint(START.plus_millis(unique), u128::from(unique))
}

/// A project of a tenant.
pub fn project(tenant: TenantId) -> Project {
    let unique = unique();
    Project {
        id: ProjectId::mint(START, u128::from(unique)),
        tenant,
        name: format!("project-{unique}"),
        path: format!("/srv/checkouts/{unique}"),
        branch: "main".into(),
        created_at: START,
    }
}

/// A run to write events for. It only counts; the events need not make sense together.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its row after the events so far.
    pub row: RunRow,
}

impl Run {
    /// A run of a tenant in a project, before its first event.
    pub fn new(tenant: TenantId, project: ProjectId) -> Self {
        let run_id = run_id();
        Self {
            row: RunRow {
                run_id,
                tenant,
                project,
                title: "parse dates — 日付を読む".into(),
                issue: Some(7),
                status: Status::Queued,
                stage: None,
                stop: None,
                waits_for: Vec::new(),
                pull_request: None,
                seq: 0,
                cost_usd_micros: UsdMicros::ZERO,
                tokens: 0,
                active_ms: 0,
                is_scripted: true,
                created_at: run_id.minted_at(),
                updated_at: run_id.minted_at(),
            },
        }
    }

    /// The next event; the row counts it.
    pub fn next(&mut self, body: EventBody) -> Event {
        self.row.seq += 1;
        self.row.updated_at = self.row.updated_at.plus_millis(5);
        Event { v: VERSION, run_id: self.row.run_id, seq: self.row.seq, at: self.row.updated_at, body }
    }

    /// Several events that differ.
    pub fn events(&mut self, count: u64) -> Vec<Event> {
        (0..count).map(|_| self.work()).collect()
    }

    /// The first events of a run that is under way.
    pub fn begin(&mut self) -> Vec<Event> {
        self.row.status = Status::Running;
        self.row.stage = Some(Stage::Issue);
        let stage = EventBody::StageEntered { stage: Stage::Issue, round: 0 };
        vec![self.next(EventBody::RunStarted), self.next(stage)]
    }

    /// Something happens.
    pub fn work(&mut self) -> Event {
        let seq = self.row.seq;
        self.row.tokens += 10;
        self.row.cost_usd_micros += UsdMicros(seq);
        let body = match seq % 3 {
            0 => EventBody::Steered {
                by: Actor { name: format!("person {seq} \"quoted\" 山田\u{7}"), label: Label::Writer },
                text: Digest::of(&seq.to_be_bytes()),
                tokens: seq,
            },
            1 => EventBody::BudgetWarned { percent: 80 },
            _ => EventBody::StageEntered { stage: Stage::ALL[usize::try_from(seq % 6).unwrap()], round: 1 },
        };
        self.next(body)
    }

    /// The last event.
    pub fn end(&mut self) -> Event {
        let stop = Stop::new(StopKind::GateFailed, "the test gate stayed red");
        self.row.status = stop.kind.status();
        self.row.stop = Some(stop.clone());
        self.next(EventBody::RunEnded { stop })
    }
}
