//! Wire types: the JSON of the API and of `--json`, and nothing else. Additive changes only within a major version.
//!
//! Keys are `snake_case`; times are RFC 3339 in UTC with milliseconds; money is a decimal text and its currency. The
//! one exception is [`Event`], whose form is the journal's own.

mod approval;
mod cost;
mod cursor;
mod detail;
mod event;
mod evidence;
mod issue;
mod log;
mod model;
mod money;
mod page;
mod problem;
mod project;
mod pull_request;
mod release;
mod request;
mod restore;
mod review;
mod run;
mod secret;
mod stage;
mod step;
mod store;
mod task;
mod time;

pub use approval::{Approval, ApprovalDecision, ApprovalKind};
pub use cost::{Budget, ModelCost};
pub use cursor::{Cursor, CursorError};
pub use detail::{Engine, RoleModel, RunDetail};
pub use event::{Event, Health, RunEvent};
pub use evidence::{Evidence, GateReport, GateResult};
pub use issue::{Comment, CommentRequest, CreateIssue, Issue, IssueDetail};
pub use log::{LogLevel, LogLine};
pub use model::{Model, ModelPrice, ModelProbe, TestModel};
pub use money::{Currency, Money};
pub use page::{List, Page};
pub use problem::{FieldProblem, Hint, Problem};
pub use project::{ConnectProject, Project};
pub use pull_request::{Diff, FileDiff, MergeRequest, PullRequest};
pub use release::{Release, Rollback, RollbackRequest};
pub use request::{
    BudgetWish, DecideRequest, DecisionWord, EngineWish, RetryRequest, RunWishes, StartRun, SteerRequest,
    TaskWish,
};
pub use restore::{FileStep, RestoreRequest, Restored, Side};
pub use review::{Finding, Review};
pub use run::{Run, Stop};
pub use secret::{SecretName, SecretValue, SetSecret};
pub use stage::{StageState, StageView};
pub use step::{ArtifactRef, Failure, StepState, StepView};
pub use store::{ArtifactTotal, Collected, GcRequest, StoreInfo};
pub use task::{Acceptance, TaskState, TaskView, Triage};
pub use time::Time;
