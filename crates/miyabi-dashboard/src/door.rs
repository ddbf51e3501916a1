//! Who comes in by which door. Each transport says who its peer is; handlers only see a caller.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use miyabi_core::error::ErrorCode;
use miyabi_core::usecase::{Caller, Role};

use crate::api::Problem;
use crate::frame::Refusal;
use crate::route::App;

/// Who sent a request, as the transport found out. A request without a peer came in by no door and is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// This process itself.
    InProcess,
    /// A process on this machine, by the Unix socket in the data folder. Only the owner of that folder and root come
    /// through.
    Socket {
        /// The user id that the kernel vouches for.
        uid: u32,
    },
}

/// The caller of a request, for handlers.
pub(crate) struct By(pub(crate) Caller);

impl FromRequestParts<Arc<App>> for By {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let Some(peer) = parts.extensions.get::<Peer>() else {
            let problem =
                Problem::new(ErrorCode::PermissionMissing, "nobody vouches for the sender of this request");
            return Err(Refusal(Box::new(problem.with_status(401))));
        };
        let role = match peer {
            Peer::InProcess | Peer::Socket { .. } => Role::Operator,
        };
        Ok(Self(Caller { tenant: app.options.tenant, actor: app.options.operator.clone(), role }))
    }
}
