//! Where checkouts lie, for those who make releases of them or clean them up.

use std::path::PathBuf;
use std::str::FromStr as _;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::id::RunId;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::port::retention::CheckoutRetention;

use super::{GitCheckouts, layout};
use crate::deploy::CheckoutFolders;
use crate::snapshot::references;

impl CheckoutFolders for GitCheckouts {
    fn folder(&self, id: &CheckoutId) -> PathBuf {
        // A name that is not one of a checkout has no folder; this one never exists.
        self.path(id).unwrap_or_else(|_| self.folder.join("-"))
    }
}

#[async_trait]
impl CheckoutRetention for GitCheckouts {
    async fn list_checkouts(&self) -> Result<Vec<CheckoutId>, Failure> {
        let folder = self.folder.clone();
        let listed = tokio::task::spawn_blocking(move || list(&folder)).await;
        let listed = listed.map_err(|error| Failure::retry(ErrorCode::Internal, error.to_string()))?;
        listed.map_err(|error| {
            Failure::retry(ErrorCode::DataFolderUnusable, format!("could not list the checkouts: {error}"))
        })
    }

    fn references(&self, snapshot: &[u8]) -> Vec<Digest> {
        references(snapshot).unwrap_or_default()
    }
}

/// Blocking. Folders that are not a run's are not ours to judge and are passed over.
fn list(folder: &std::path::Path) -> std::io::Result<Vec<CheckoutId>> {
    let mut all = Vec::new();
    let runs = match std::fs::read_dir(folder) {
        Ok(runs) => runs,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(error),
    };
    for entry in runs {
        let entry = entry?;
        let Some(run) = entry.file_name().to_str().and_then(|name| RunId::from_str(name).ok()) else {
            continue;
        };
        for checkout in std::fs::read_dir(entry.path())? {
            if let Some(name) = checkout?.file_name().to_str().filter(|name| layout::is_name(name)) {
                all.push(CheckoutId { run, name: name.to_owned() });
            }
        }
    }
    all.sort();
    Ok(all)
}
