//! Who may do what: one table, asked by every use case before it does anything.

use super::Error;
use crate::id::TenantId;
use crate::run::event::Actor;

/// What a caller is to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person at this machine, or root: whoever can open the data folder.
    Operator,
}

/// Who asks, as the door that let them in found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose things they see.
    pub tenant: TenantId,
    /// Their name and how far their words are trusted.
    pub actor: Actor,
    /// What they are.
    pub role: Role,
}

macro_rules! acts {
    ($($(#[doc = $doc:literal])* $act:ident = $words:literal: [$($role:ident),*];)*) => {
        /// Something that a caller may or may not do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Act {
            $($(#[doc = $doc])* $act,)*
        }

        impl Act {
            /// All acts.
            pub const ALL: &[Self] = &[$(Self::$act,)*];

            /// The act in words: `start runs`.
            pub fn words(self) -> &'static str {
                match self { $(Self::$act => $words,)* }
            }

            /// Who may do it.
            fn roles(self) -> &'static [Role] {
                match self { $(Self::$act => &[$(Role::$role),*],)* }
            }
        }
    };
}

acts! {
    /// See runs, their events, changes and logs.
    ReadRuns = "see runs": [Operator];
    /// Start and retry runs.
    StartRun = "start runs": [Operator];
    /// Answer what a run asks.
    Decide = "decide what a run asks": [Operator];
    /// Guide the agents of a run.
    Steer = "guide runs": [Operator];
    /// Stop runs.
    Stop = "stop runs": [Operator];
    /// Bring a task's files back, or write them to a folder.
    RestoreFiles = "restore files": [Operator];
    /// See issues.
    ReadIssues = "see issues": [Operator];
    /// Make, comment and close issues.
    WriteIssues = "write issues": [Operator];
    /// See pull requests.
    ReadPullRequests = "see pull requests": [Operator];
    /// Merge and close pull requests.
    WritePullRequests = "merge and close pull requests": [Operator];
    /// See releases.
    ReadDeployments = "see deployments": [Operator];
    /// Bring an earlier release back.
    RollBack = "roll deployments back": [Operator];
    /// See connected repositories.
    ReadProjects = "see projects": [Operator];
    /// Connect repositories.
    ConnectProject = "connect projects": [Operator];
    /// See configured models.
    ReadModels = "see models": [Operator];
    /// Spend a few tokens on a test call.
    TestModel = "test models": [Operator];
    /// See the names of secrets.
    ListSecrets = "see the names of secrets": [Operator];
    /// Set and remove secrets.
    WriteSecrets = "set and remove secrets": [Operator];
    /// Remove what is no longer needed.
    CollectGarbage = "remove old data": [Operator];
    /// See versions and sizes of the store.
    ReadStore = "see the state of the store": [Operator];
}

/// Whether a caller may do something.
///
/// # Errors
/// [`Error::Permission`] if not.
pub fn may(caller: &Caller, act: Act) -> Result<(), Error> {
    if act.roles().contains(&caller.role) {
        Ok(())
    } else {
        Err(Error::Permission { name: caller.actor.name.clone(), act: act.words() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn the_operator_may_do_everything() {
        let caller = Caller {
            tenant: TenantId::mint(Timestamp::from_millis(1), 1),
            actor: Actor::operator("operator"),
            role: Role::Operator,
        };
        let refused: Vec<_> = Act::ALL.iter().filter(|act| may(&caller, **act).is_err()).collect();
        assert_eq!(refused, Vec::<&Act>::new());
    }
}
