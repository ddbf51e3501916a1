//! Commits of the project that come into checkouts.

use miyabi_core::port::checkouts::Checkouts as _;

use crate::support::House;

#[tokio::test]
async fn a_commit_comes_in_beside_the_tasks_changes() {
    let house = House::new(&[("a", "1\n2\n3\n"), ("b", "1\n"), ("c", "1\n")]).await;
    let onto = house.other("other", &[("b", "2\n"), ("new", "new\n")]).await;
    let id = house.checkout("task").await;
    house.write(&id, "a", "1\n2\ndrei\n");
    house.write(&id, "own", "own\n");
    std::fs::remove_file(house.tree(&id).join("c")).unwrap();
    let refresh = async || house.checkouts.refresh(&id, &house.project, &onto).await.unwrap();
    assert_eq!(refresh().await, [""; 0]);
    assert_eq!(
        house.prints(&id, "cat a b new own; git rev-parse HEAD").await,
        format!("1\n2\ndrei\n2\nnew\nown\n{onto}")
    );
    assert_eq!(house.prints(&id, "git status --porcelain").await, " M a\n D c\n?? own");
    assert_eq!(refresh().await, [""; 0], "again");
    let committed = house.commit(&id).await.unwrap();
    assert_eq!((committed.base.as_str(), committed.files), (onto.as_str(), 3));
}

#[tokio::test]
async fn contradictions_carry_marks_and_are_named() {
    let house = House::new(&[("a", "1\n"), ("b", "1\n"), ("binary", "\0 1")]).await;
    let onto = house.other("other", &[("a", "theirs\n"), ("binary", "\0 2")]).await;
    let id = house.checkout("task").await;
    house.write(&id, "a", "ours\n");
    house.write(&id, "b", "2\n");
    house.write(&id, "binary", "\0 3");
    let conflicts = house.checkouts.refresh(&id, &house.project, &onto).await.unwrap();
    assert_eq!(conflicts, ["a", "binary"]);
    assert_eq!(house.prints(&id, "cat a").await, "<<<<<<< branch\ntheirs\n=======\nours\n>>>>>>> task");
    assert_eq!(house.prints(&id, "cat b").await, "2");
    let again = house.checkouts.refresh(&id, &house.project, &onto).await.unwrap();
    assert_eq!(again, ["a"], "what can be seen to be open");
    house.write(&id, "a", "both\n");
    assert_eq!(house.checkouts.refresh(&id, &house.project, &onto).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_merge_that_was_cut_off_is_finished_and_not_done_twice() {
    let house = House::new(&[("a", "1\n"), ("b", "1\n")]).await;
    let onto = house.other("other", &[("a", "theirs\n"), ("b", "2\n")]).await;
    let id = house.checkout("task").await;
    house.write(&id, "a", "ours\n");
    let state = house.tree(&id).with_file_name("checkout.json");
    let before = std::fs::read_to_string(&state).unwrap();
    assert_eq!(house.checkouts.refresh(&id, &house.project, &onto).await.unwrap(), ["a"]);
    let marked = house.prints(&id, "cat a b").await;
    // As if killed after some of the files were written: the note is there, the base is still the old one.
    let after: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&state).unwrap()).unwrap();
    let mut cut: serde_json::Value = serde_json::from_str(&before).unwrap();
    cut["merging"] = after["merged"].clone();
    std::fs::write(&state, cut.to_string()).unwrap();
    house.write(&id, "b", "half");
    std::fs::write(house.tree(&id).with_file_name("git").join("index.lock"), "").unwrap();
    let house = house.restarted().await;
    assert_eq!(house.checkouts.refresh(&id, &house.project, &onto).await.unwrap(), ["a"]);
    assert_eq!(house.prints(&id, "cat a b").await, marked);
    assert_eq!(house.prints(&id, "git rev-parse HEAD").await, onto);
}
