//! Releases over time: made once, listed, proven, pruned.

use std::fs;

use miyabi_core::error::ErrorCode;
use miyabi_core::port::deploy_target::DeployTarget as _;

use crate::house::{House, page, site};

#[tokio::test]
async fn a_complete_release_is_left_as_it_is() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.write("index.html", "something else");
    let again = house.stage("run-1", &site()).await.unwrap();
    assert_eq!(fs::read_to_string(house.files("run-1").join("index.html")).unwrap(), "<p>run-1</p>");
    assert_eq!(again.commit, "commit-of-run-1");
    let from = miyabi_core::port::checkouts::CheckoutId {
        run: miyabi_core::id::RunId::mint(miyabi_testkit::clock::START, 1),
        name: "build".into(),
    };
    let at = miyabi_testkit::clock::START;
    let other = house.target.stage(&house.project, "run-1", "other", &site(), &from, at).await;
    assert_eq!(other.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_half_made_release_does_not_count_and_is_made_again() {
    let house = House::new();
    house.stage_site("run-1").await;
    let releases = house.project_folder().join("releases");
    fs::rename(releases.join("run-1"), releases.join(".staging-run-2")).unwrap();
    fs::write(releases.join(".staging-run-2/files/left-over"), "x").unwrap();
    assert_eq!(house.target.list(&house.project).await.unwrap(), []);
    assert!(!house.target.is_restorable(&house.project, "run-2").await.unwrap());
    let missing = house.activate("run-2").await.unwrap_err();
    assert_eq!(missing.code, ErrorCode::NotFound);
    house.stage_site("run-2").await;
    assert!(!house.files("run-2").join("left-over").exists());
    assert!(house.target.is_restorable(&house.project, "run-2").await.unwrap());
}

#[tokio::test]
async fn a_release_that_was_changed_is_neither_restorable_nor_started() {
    type Tampering = fn(&std::path::Path);
    let tamperings: [(&str, Tampering); 6] = [
        ("other bytes", |files| fs::write(files.join("index.html"), "<p>evil!</p>").unwrap()),
        ("one more file", |files| fs::write(files.join("more"), "").unwrap()),
        ("one file less", |files| fs::remove_file(files.join("index.html")).unwrap()),
        ("a folder in its place", |files| {
            fs::remove_file(files.join("index.html")).unwrap();
            fs::create_dir(files.join("index.html")).unwrap();
        }),
        ("a link in its place", |files| {
            fs::rename(files.join("index.html"), files.join("../kept")).unwrap();
            std::os::unix::fs::symlink("../kept", files.join("index.html")).unwrap();
        }),
        ("no files at all", |files| fs::remove_dir_all(files).unwrap()),
    ];
    for (what, tamper) in tamperings {
        let house = House::new();
        house.stage_site("run-1").await;
        assert!(house.target.is_restorable(&house.project, "run-1").await.unwrap());
        tamper(&house.files("run-1"));
        assert!(!house.target.is_restorable(&house.project, "run-1").await.unwrap(), "{what}");
        let refused = house.activate("run-1").await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::StoreCorrupt, "{what}");
        assert_eq!(house.current().await, None, "{what}");
    }
}

#[tokio::test]
async fn a_damaged_description_hides_only_its_release() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    fs::write(house.files("run-1").join("../release.json"), "{").unwrap();
    let names: Vec<_> =
        house.target.list(&house.project).await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["run-2"]);
    assert!(!house.target.is_restorable(&house.project, "run-1").await.unwrap());
}

#[tokio::test]
async fn the_list_is_newest_first_and_knows_the_current_one() {
    let house = House::new();
    for name in ["run-1", "run-3", "run-2"] {
        house.stage_site(name).await;
    }
    let port = house.activate("run-2").await.unwrap();
    let list = house.target.list(&house.project).await.unwrap();
    let seen: Vec<_> = list.iter().map(|it| (it.name.as_str(), it.is_current, it.url.clone())).collect();
    let url = Some(format!("http://127.0.0.1:{port}/"));
    assert_eq!(seen, [("run-3", false, None), ("run-2", true, url), ("run-1", false, None)]);
    assert_eq!(house.target.current(&house.project).await.unwrap().unwrap(), list[1]);
}

#[tokio::test]
async fn pruning_spares_the_newest_the_current_and_the_one_before() {
    let house = House::new();
    for name in ["run-1", "run-2", "run-3", "run-4", "run-5"] {
        house.stage_site(name).await;
    }
    house.activate("run-1").await.unwrap();
    house.activate("run-3").await.unwrap();
    let releases = house.project_folder().join("releases");
    fs::create_dir(releases.join(".staging-run-9")).unwrap();
    fs::create_dir(releases.join(".removed-run-0")).unwrap();
    assert_eq!(house.target.prune(&house.project, 1).await.unwrap(), 2);
    let mut left: Vec<_> =
        fs::read_dir(releases).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["run-1", "run-3", "run-5"]);
    assert_eq!(house.target.previous(&house.project).await.unwrap().as_deref(), Some("run-1"));
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    assert_eq!(page(port, "/").unwrap(), "<p>run-1</p>");
}

#[tokio::test]
async fn a_project_that_was_never_deployed_has_nothing() {
    let house = House::new();
    let (target, project) = (&house.target, &house.project);
    assert_eq!(target.current(project).await.unwrap(), None);
    assert_eq!(target.list(project).await.unwrap(), []);
    assert_eq!(target.prune(project, 0).await.unwrap(), 0);
    assert_eq!(target.ensure_running(project).await.unwrap(), None);
    target.deactivate(project).await.unwrap();
    let sample = house.sample().await;
    assert_eq!((sample.is_healthy, sample.detail.as_str()), (false, "no release is current"));
}
