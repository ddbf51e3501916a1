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
mod money;
mod page;
mod problem;
mod project;
mod request;
mod review;
mod run;
mod stage;
mod step;
mod task;
mod time;

pub use approval::{Approval, ApprovalDecision, ApprovalKind};
pub use cost::{Budget, ModelCost};
pub use cursor::{Cursor, CursorError};
pub use detail::{Engine, RoleModel, RunDetail};
pub use event::{Event, Health, RunEvent};
pub use evidence::{Evidence, GateReport, GateResult};
pub use money::{Currency, Money};
pub use page::{List, Page};
pub use problem::{FieldProblem, Hint, Problem};
pub use project::{ConnectProject, Project};
pub use request::{
    BudgetWish, DecideRequest, DecisionWord, EngineWish, RetryRequest, RunWishes, StartRun, SteerRequest,
    TaskWish,
};
pub use review::{Finding, Review};
pub use run::{Run, Stop};
pub use stage::{StageState, StageView};
pub use step::{ArtifactRef, Failure, StepState, StepView};
pub use task::{TaskState, TaskView, Triage};
pub use time::Time;
