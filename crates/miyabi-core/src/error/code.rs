//! The stable names of errors. Each has a page in `docs/errors/`; a test holds the two together.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A stable name of an error, the same in the journal, the API, the command line and the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl ErrorCode {
            /// All codes, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name itself.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Its page of the error reference in English: Markdown of at most 80 columns, the second paragraph a
            /// summary in one sentence. Part of the program, so that help needs neither files nor a network.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../../../docs/errors/", $text, ".md")),)* }
            }

            /// The same page in Japanese.
            pub const fn page_in_japanese(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../../../docs/errors/ja/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    /// Somebody asked for it to stop.
    Cancelled = "CANCELLED",
    /// A bug in the product.
    Internal = "INTERNAL",
    /// The command line is wrong.
    UsageInvalid = "USAGE_INVALID",
    /// A configuration file or variable is wrong.
    ConfigInvalid = "CONFIG_INVALID",
    /// The named thing does not exist.
    NotFound = "NOT_FOUND",
    /// The name fits more than one thing.
    Ambiguous = "AMBIGUOUS",
    /// It changed since it was looked at.
    Conflict = "CONFLICT",
    /// The request is not of the form that is expected.
    RequestInvalid = "REQUEST_INVALID",
    /// The same idempotency key came with another request.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",

    /// Another process owns the data folder and does not answer.
    DataFolderBusy = "DATA_FOLDER_BUSY",
    /// The data folder was written by a newer version.
    DataFolderNewer = "DATA_FOLDER_NEWER",
    /// The data folder can't be used: permissions, file system.
    DataFolderUnusable = "DATA_FOLDER_UNUSABLE",
    /// The owner of the data folder can't be reached.
    ServerUnreachable = "SERVER_UNREACHABLE",
    /// The database can't be read or written.
    StoreUnavailable = "STORE_UNAVAILABLE",
    /// No space is left on the disk.
    StoreFull = "STORE_FULL",
    /// Stored bytes are not what they should be.
    StoreCorrupt = "STORE_CORRUPT",
    /// An artifact is gone or does not match its digest.
    ArtifactMissing = "ARTIFACT_MISSING",

    /// The run has ended; nothing can be asked of it any more.
    RunEnded = "RUN_ENDED",
    /// The run does not wait for a decision.
    RunNotWaiting = "RUN_NOT_WAITING",
    /// The decision was made about another commit than the current one.
    ApprovalStale = "APPROVAL_STALE",
    /// Another process took over the run.
    RunLeaseLost = "RUN_LEASE_LOST",
    /// The journal was written by a newer version.
    JournalNewer = "JOURNAL_NEWER",

    /// No model of that name is configured.
    ModelUnknown = "MODEL_UNKNOWN",
    /// The provider refused the key.
    ModelAuthentication = "MODEL_AUTHENTICATION",
    /// The provider limits the rate.
    ModelRateLimited = "MODEL_RATE_LIMITED",
    /// The provider did not answer.
    ModelUnavailable = "MODEL_UNAVAILABLE",
    /// The provider refused the request.
    ModelRejected = "MODEL_REJECTED",
    /// The conversation is too long for the model.
    ModelContextOverflow = "MODEL_CONTEXT_OVERFLOW",
    /// The model's answers stay unusable after all corrections.
    ModelUnusable = "MODEL_UNUSABLE",
    /// A model script is wrong.
    ScriptInvalid = "SCRIPT_INVALID",

    /// The sandbox can't be had at the chosen level.
    SandboxUnavailable = "SANDBOX_UNAVAILABLE",
    /// The sandbox could not be set up for a command.
    SandboxSetup = "SANDBOX_SETUP",
    /// A set-up command failed.
    SetupFailed = "SETUP_FAILED",

    /// The folder is not a git repository.
    NotARepository = "NOT_A_REPOSITORY",
    /// No git, or one that is too old.
    GitUnavailable = "GIT_UNAVAILABLE",
    /// Git failed.
    GitFailed = "GIT_FAILED",
    /// The repository is larger than allowed.
    RepositoryTooLarge = "REPOSITORY_TOO_LARGE",
    /// A ref or revision is not allowed or does not exist.
    RevisionInvalid = "REVISION_INVALID",
    /// The user's branch and the forge's branch went apart.
    BranchDiverged = "BRANCH_DIVERGED",
    /// The user's checkout has changes that would be lost.
    CheckoutDirty = "CHECKOUT_DIRTY",
    /// A change can't be applied.
    PatchRejected = "PATCH_REJECTED",
    /// Commits of a task were refused on import.
    ImportRefused = "IMPORT_REFUSED",
    /// Two changes contradict each other.
    MergeConflict = "MERGE_CONFLICT",
    /// The branch moved while it was being merged.
    BranchMoved = "BRANCH_MOVED",
    /// The folder is not a project.
    ProjectUnknown = "PROJECT_UNKNOWN",

    /// A gate failed and was not repaired.
    GateFailed = "GATE_FAILED",
    /// The reviewers did not pass the change.
    ReviewFailed = "REVIEW_FAILED",
    /// A policy refuses this act.
    PolicyRefused = "POLICY_REFUSED",
    /// The plan is not one that can be carried out.
    PlanInvalid = "PLAN_INVALID",

    /// The release could not be built.
    BuildFailed = "BUILD_FAILED",
    /// The release did not become or stay healthy.
    Unhealthy = "UNHEALTHY",
    /// The previous release could not be brought back.
    RollbackFailed = "ROLLBACK_FAILED",
    /// Nothing says how to deploy the project.
    DeployNotConfigured = "DEPLOY_NOT_CONFIGURED",

    /// A secret is asked for that is not set.
    SecretMissing = "SECRET_MISSING",
    /// The caller may not do this.
    PermissionMissing = "PERMISSION_MISSING",
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ErrorCode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text)).ok_or(())
    }
}
