//! The JSON of each wire type, as programs read it.

use miyabi_core::stop::StopKind;

use crate::house::House;
use crate::story;

#[tokio::test]
async fn runs() {
    let house = House::new().await;
    let waiting = house.run("Last page is empty").await;
    house.write(waiting.id, story::waiting()).await;
    let failed = house.run("Retry on 429").await;
    house.write(failed.id, vec![story::ended(StopKind::TokenLimit, "used 4000000 of 4000000 tokens")]).await;
    insta::assert_json_snapshot!(house.client.list_runs("").await.unwrap());
}

#[tokio::test]
async fn a_run_in_full() {
    let house = House::new().await;
    let run = house.run("Last page is empty").await;
    house.write(run.id, story::waiting()).await;
    insta::assert_json_snapshot!(house.client.get_run(&run.id.to_string()).await.unwrap());
}

#[tokio::test]
async fn events() {
    let house = House::new().await;
    let run = house.run("Last page is empty").await;
    house.write(run.id, story::beginning()).await;
    insta::assert_json_snapshot!(house.client.list_events(&run.id.to_string(), "").await.unwrap());
}

#[tokio::test]
async fn approvals() {
    let house = House::new().await;
    let run = house.run("Last page is empty").await;
    house.write(run.id, story::waiting()).await;
    house.write(run.id, vec![story::question("Which year?")]).await;
    insta::assert_json_snapshot!(house.client.list_approvals(&run.id.to_string()).await.unwrap());
}

#[tokio::test]
async fn health() {
    let house = House::new().await;
    insta::assert_json_snapshot!(house.client.health().await.unwrap());
}

#[tokio::test]
async fn problems() {
    let house = House::new().await;
    let problem = house.client.get_run("run_zzzz").await.unwrap_err();
    insta::assert_json_snapshot!(problem, { ".request_id" => "[request]" });
}
