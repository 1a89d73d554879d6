//! Who may see and change webhooks, and what the database holds of them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use entity::{token, webhook};
use sea_orm::EntityTrait;

use super::{Bench, CREATE, HOUR};
use crate::{
    support::{
        database::{TestDatabase, on_every_database},
        program::run,
        served::Served,
        server::client,
    },
    token::{create, with_secret},
};

on_every_database!(
    only_who_has_a_token_of_the_scope_comes_in,
    a_token_is_looked_for_in_its_header_alone,
    an_owner_sees_and_changes_what_is_its_own_alone,
    webhooks_of_an_owner_without_a_valid_token_wait,
    what_cannot_be_is_refused_by_its_argument,
    mutations_of_one_operation_run_in_their_order,
    the_filter_and_the_place_are_shown_as_they_were_given,
    a_copy_of_the_database_holds_no_secret,
    how_webhooks_are_served_is_published,
    webhooks_are_listed_in_pages,
);

/// Code and argument of an answer's first error.
fn refusal(answer: &Value) -> (&str, &str) {
    let extensions = &answer["errors"][0]["extensions"];
    (
        extensions["code"].as_str().unwrap_or("no error"),
        extensions["argument"].as_str().unwrap_or_default(),
    )
}

async fn only_who_has_a_token_of_the_scope_comes_in(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let other = create(&database, "reader");
    let row = token::Entity::find()
        .all(database.connection())
        .await
        .unwrap()
        .pop()
        .unwrap();
    let mut row = sea_orm::IntoActiveModel::into_active_model(row);
    row.scopes = sea_orm::ActiveValue::Set(String::new());
    sea_orm::ActiveModelTrait::update(row, database.connection())
        .await
        .unwrap();
    for query in [
        "{ webhooks { totalCount } }",
        "{ webhook(id: \"wh_1\") { id } }",
        "mutation { createWebhook(input: { url: \"https://example.com/\" }) { secret } }",
        "mutation { updateWebhook(input: { id: \"wh_1\" }) { webhook { id } } }",
        "mutation { rotateWebhookSecret(input: { id: \"wh_1\" }) { secret } }",
        "mutation { deleteWebhook(input: { id: \"wh_1\" }) { deletedId } }",
        "mutation { pingWebhook(input: { id: \"wh_1\" }) { delivery { id } } }",
        "mutation { redeliver(input: { id: \"msg_1\" }) { delivery { id } } }",
    ] {
        let request = client()
            .post(bench.server.url("/graphql"))
            .json(&json!({ "query": query }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(refusal(&answer), ("UNAUTHENTICATED", ""), "{query} {answer}");
        let answer = bench.server.post_as(&other, query, json!({})).await;
        assert_eq!(refusal(&answer), ("FORBIDDEN", ""), "{query} {answer}");
        assert!(
            answer["data"].as_object().unwrap().values().all(Value::is_null),
            "{answer}"
        );
    }
}

async fn a_token_is_looked_for_in_its_header_alone(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let token = &bench.token;
    let query =
        "query($token: String, $id: ID = \"x\") { webhook(id: $id) { id } device(codename: $token) { codename } }";
    let query = query.replace("$token: String,", "$token: String!,");
    let address = format!(
        "{}?access_token={token}&token={token}&authorization=Bearer%20{token}",
        bench.server.url("/graphql")
    );
    let request = client()
        .post(address)
        .header("cookie", format!("authorization=Bearer {token}; token={token}"))
        .header("x-api-key", token)
        .json(&json!({
            "query": query,
            "variables": { "token": token },
            "token": token,
            "extensions": { "authorization": format!("Bearer {token}") },
        }));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(refusal(&answer), ("UNAUTHENTICATED", ""), "{answer}");
}

async fn an_owner_sees_and_changes_what_is_its_own_alone(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, _) = bench.register().await;
    let message = bench.ping(&id).await;
    bench.receiver.next().await;
    let (other, same) = (create(&database, "other"), create(&database, "bot"));
    let list = "{ webhooks { totalCount nodes { id } } }";
    let answer = bench.server.post_as(&other, list, json!({})).await;
    assert_eq!(
        answer,
        json!({ "data": { "webhooks": { "totalCount": 0, "nodes": [] } } })
    );
    let answer = bench.server.post_as(&same, list, json!({})).await;
    assert_eq!(answer["data"]["webhooks"]["nodes"], json!([{ "id": id }]));
    let answer = bench
        .server
        .post_as(
            &other,
            "query($id: ID!) { webhook(id: $id) { url } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(answer, json!({ "data": { "webhook": null } }));
    for mutation in [
        "updateWebhook(input: { id: $id, enabled: false }) { webhook { id } }",
        "rotateWebhookSecret(input: { id: $id }) { secret }",
        "deleteWebhook(input: { id: $id }) { deletedId }",
        "pingWebhook(input: { id: $id }) { delivery { id } }",
        "redeliver(input: { id: $message }) { delivery { id } }",
    ] {
        let query = format!(
            "mutation($id: ID!, $message: ID!) {{ {mutation} x: deleteWebhook(input: {{ id: $id }}) {{ deletedId }} y: redeliver(input: {{ id: $message }}) {{ delivery {{ id }} }} }}"
        );
        let answer = bench
            .server
            .post_as(&other, &query, json!({ "id": id, "message": message }))
            .await;
        assert_eq!(refusal(&answer), ("BAD_USER_INPUT", "input.id"), "{mutation} {answer}");
        assert_eq!(answer["errors"].as_array().unwrap().len(), 3);
    }
    assert_eq!(bench.webhook(&id).await["enabled"], true);
    let delete = "mutation($id: ID!) { deleteWebhook(input: { id: $id }) { deletedId } }";
    let data = bench.ask(delete, json!({ "id": id })).await;
    assert_eq!(data["deleteWebhook"]["deletedId"], id.as_str());
    assert_eq!(bench.ask(list, json!({})).await["webhooks"]["totalCount"], 0);
    let rows = entity::delivery::Entity::find()
        .all(database.connection())
        .await
        .unwrap();
    assert!(rows.is_empty());
}

async fn webhooks_of_an_owner_without_a_valid_token_wait(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let other = create(&database, "other");
    let (id, _) = bench.register().await;
    let receiver = crate::support::receiver::Receiver::start();
    let mut theirs = receiver;
    let input = json!({ "url": theirs.url("/"), "filter": { "kind": "RELEASE_ADDED" } });
    bench.server.post_as(&other, CREATE, json!({ "input": input })).await;
    let ran = run(&mut with_secret(
        bench.folder.path(),
        &database,
        ["token", "revoke", "1"],
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    theirs.next().await;
    assert!(bench.receiver.rest().is_empty());
    // A new token of the same name speaks for the owner again, and nothing was lost.
    bench.token = create(&database, "bot");
    assert_eq!(bench.receiver.next().await.version(), "V2.0.0.0.NAMMIEK");
    assert_eq!(bench.webhook(&id).await["enabled"], true);
}

async fn what_cannot_be_is_refused_by_its_argument(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let mut command = super::command(bench.folder.path(), &database, HOUR);
    bench.server = Served::start(command.env("ROMDEX__WEBHOOKS__MAX_PER_OWNER", "2"));
    let (id, _) = bench.register().await;
    let url = bench.receiver.url("/");
    let create = async |input: Value| {
        bench
            .server
            .post_as(&bench.token, CREATE, json!({ "input": input }))
            .await
    };
    for (input, argument, said) in [
        (json!({ "url": "ftp://example.com/" }), "", "http or https"),
        (
            json!({ "url": "http://user:pass@127.0.0.1/" }),
            "input.url",
            "no user and no password",
        ),
        (
            json!({ "url": url, "description": "x".repeat(201) }),
            "input.description",
            "at most 200 characters, are 201",
        ),
        (
            json!({ "url": url, "after": "x" }),
            "input.after",
            "not a cursor of the change log",
        ),
        (
            json!({ "url": url, "filter": { "kind": "EVERYTHING" } }),
            "",
            "EVERYTHING",
        ),
    ] {
        let answer = create(input).await;
        assert_eq!(refusal(&answer), ("BAD_USER_INPUT", argument), "{answer}");
        assert!(
            answer["errors"][0]["message"].as_str().unwrap().contains(said),
            "{answer}"
        );
    }
    for (mutation, argument, said) in [
        (
            "updateWebhook(input: { id: $id, url: \"http://10.0.0.1/\" }) { webhook { id } }",
            "input.url",
            "public address",
        ),
        (
            "rotateWebhookSecret(input: { id: $id, previousValidSeconds: -1 }) { secret }",
            "input.previousValidSeconds",
            "0 to 604800",
        ),
        (
            "rotateWebhookSecret(input: { id: $id, previousValidSeconds: 604801 }) { secret }",
            "input.previousValidSeconds",
            "is 604801",
        ),
    ] {
        let query = format!("mutation($id: ID!) {{ {mutation} }}");
        let answer = bench.server.post_as(&bench.token, &query, json!({ "id": id })).await;
        assert_eq!(refusal(&answer), ("BAD_USER_INPUT", argument), "{answer}");
        assert!(
            answer["errors"][0]["message"].as_str().unwrap().contains(said),
            "{answer}"
        );
    }
    assert_eq!(create(json!({ "url": url })).await.get("errors"), None);
    let answer = create(json!({ "url": url })).await;
    assert_eq!(refusal(&answer), ("BAD_USER_INPUT", "input"));
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("at most 2 webhooks"),
        "{answer}"
    );
    // Also where they come all at once.
    let other = create_token(&database);
    let at_once = (0..6).map(|_| bench.server.post_as(&other, CREATE, json!({ "input": { "url": url } })));
    let answers = futures::future::join_all(at_once).await;
    let made = answers.iter().filter(|answer| answer.get("errors").is_none()).count();
    assert_eq!(made, 2, "{answers:?}");
    // A receiver that does not answer: pings pile up only so far.
    bench.receiver.answer(|_| crate::support::receiver::Reply::Hang);
    let ping = "mutation($id: ID!) { pingWebhook(input: { id: $id }) { delivery { id } } }";
    for _ in 0..5 {
        bench.ping(&id).await;
    }
    let answer = bench.server.post_as(&bench.token, ping, json!({ "id": id })).await;
    assert_eq!(refusal(&answer), ("BAD_USER_INPUT", "input.id"), "{answer}");
}

fn create_token(database: &TestDatabase) -> String {
    create(database, "another")
}

async fn mutations_of_one_operation_run_in_their_order(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let (id, _) = bench.register().await;
    let mut fields = String::new();
    for number in 0..20 {
        // One that fails does not keep the others from being done.
        let id = if number == 7 { "\"wh_none\"" } else { "$id" };
        let _ = write!(
            fields,
            "m{number}: updateWebhook(input: {{ id: {id}, description: \"{number}\" }}) {{ webhook {{ description updatedAt }} }} "
        );
    }
    let query = format!("mutation($id: ID!) {{ {fields} }}");
    let answer = bench.server.post_as(&bench.token, &query, json!({ "id": id })).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["m7"]));
    let data = answer["data"].as_object().unwrap();
    let mut last = String::new();
    for (number, (key, payload)) in data.iter().enumerate() {
        assert_eq!(*key, format!("m{number}"));
        if number == 7 {
            assert_eq!(*payload, json!(null));
            continue;
        }
        assert_eq!(payload["webhook"]["description"], number.to_string());
        let at = payload["webhook"]["updatedAt"].as_str().unwrap().to_owned();
        assert!(at >= last);
        last = at;
    }
    let data = bench
        .ask(
            "query($id: ID!) { webhook(id: $id) { description } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(data["webhook"]["description"], "19");
    // What stands behind a deletion finds nothing; what stood before it was done.
    let query = "mutation($id: ID!) {
        a: updateWebhook(input: { id: $id, description: \"a\" }) { webhook { description } }
        b: deleteWebhook(input: { id: $id }) { deletedId }
        c: updateWebhook(input: { id: $id, description: \"c\" }) { webhook { description } } }";
    let answer = bench.server.post_as(&bench.token, query, json!({ "id": id })).await;
    assert_eq!(answer["data"]["a"]["webhook"]["description"], "a");
    assert_eq!(
        (&answer["data"]["b"]["deletedId"], &answer["data"]["c"]),
        (&json!(id), &json!(null))
    );
}

async fn the_filter_and_the_place_are_shown_as_they_were_given(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let filter = json!({
        "kind": ["RELEASE_ADDED", "RELEASE_PROMOTED"],
        "device": ["alioth", "santoni_global"],
        "os": ["HYPEROS"],
        "branch": ["STABLE"],
        "region": ["EEA", "LATIN_AMERICA"],
        "type": ["FASTBOOT"],
    });
    let input = json!({ "url": bench.receiver.url("/"), "filter": filter, "description": "posts to a channel" });
    let (id, _) = bench.register_with(input).await;
    let query = "query($id: ID!) { webhook(id: $id) {
        description enabled cursor filter { kind device os branch region type } } }";
    let webhook = bench.ask(query, json!({ "id": id })).await["webhook"].take();
    assert_eq!(webhook["filter"], filter);
    assert_eq!(
        (&webhook["description"], &webhook["enabled"]),
        (&json!("posts to a channel"), &json!(true))
    );
    let log = bench
        .server
        .query("{ changes(first: 100) { pageInfo { endCursor } } }")
        .await;
    assert_eq!(webhook["cursor"], log["changes"]["pageInfo"]["endCursor"]);
    bench.update(&id, json!({ "filter": {} })).await;
    let webhook = bench.ask(query, json!({ "id": id })).await["webhook"].take();
    let all = json!({ "kind": null, "device": null, "os": null, "branch": null, "region": null, "type": null });
    assert_eq!(
        (&webhook["filter"], &webhook["description"]),
        (&all, &json!("posts to a channel"))
    );
}

async fn a_copy_of_the_database_holds_no_secret(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let (id, first) = bench.register().await;
    let rotate = "mutation($id: ID!) { rotateWebhookSecret(input: { id: $id }) { secret } }";
    let data = bench.ask(rotate, json!({ "id": id })).await;
    let second = data["rotateWebhookSecret"]["secret"].as_str().unwrap().to_owned();
    let row = webhook::Entity::find_by_id(&id)
        .one(database.connection())
        .await
        .unwrap()
        .unwrap();
    let bytes = |secret: &str| BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut copy = [row.secret, row.previous_secret.unwrap()].concat();
    assert_eq!(copy.len(), 2 * (24 + 32 + 16), "nonces, secrets and their seals");
    if let Some(path) = database.url().strip_prefix("sqlite://") {
        for suffix in ["", "-wal"] {
            copy.extend(std::fs::read(format!("{path}{suffix}")).unwrap());
        }
    }
    let token = bench.token.clone();
    for hidden in [
        bytes(&first),
        bytes(&second),
        first["whsec_".len()..].into(),
        second["whsec_".len()..].into(),
        token["romdex_".len()..].into(),
        crate::token::SECRET.into(),
    ] {
        assert!(!copy.windows(hidden.len()).any(|window| window == hidden));
    }
    // Nor can a server with another secret use them.
    let mut command = super::command(bench.folder.path(), &database, HOUR);
    let other = Served::start(command.env("ROMDEX__SECURITY__SECRET", "another secret that is long enough"));
    let answer = other.post_as(&token, "{ webhooks { totalCount } }", json!({})).await;
    assert_eq!(refusal(&answer), ("UNAUTHENTICATED", ""));
}

async fn how_webhooks_are_served_is_published(database: TestDatabase) {
    let bench = Bench::start(&database, "5,30,300");
    let query = "{ serviceConfig { webhooks { maxPerOwner maxUrlBytes allowedPorts timeoutMs concurrency
        retryScheduleSeconds longestRetryAfterSeconds rotationSeconds keptDays } } }";
    let expected = json!({
        "maxPerOwner": 20, "maxUrlBytes": 2048, "allowedPorts": [], "timeoutMs": 10000, "concurrency": 4,
        "retryScheduleSeconds": [5, 30, 300], "longestRetryAfterSeconds": 86400, "rotationSeconds": 86400, "keptDays": 14,
    });
    assert_eq!(bench.server.query(query).await["serviceConfig"]["webhooks"], expected);
}

async fn webhooks_are_listed_in_pages(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bench.register().await.0);
    }
    let query = "query($after: String) { webhooks(first: 2, after: $after) {
        totalCount edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let one = bench.ask(query, json!({})).await["webhooks"].take();
    let two = bench.ask(query, json!({ "after": one["pageInfo"]["endCursor"] })).await["webhooks"].take();
    let listed = |page: &Value| {
        page["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!([listed(&one), listed(&two)].concat(), ids);
    assert_eq!(
        (&one["totalCount"], &one["pageInfo"]["hasNextPage"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(
        (&two["pageInfo"]["hasNextPage"], &two["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(one["edges"][1]["cursor"], one["pageInfo"]["endCursor"]);
}
