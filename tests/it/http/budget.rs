//! The rate limit: what a request is charged, what a client is told of it, and what happens when nothing is left.

use reqwest::{Response, StatusCode};
use romdex::graphql::rate;
use romdex::http::{StatusPolicy, address::Networks};
use serde_json::{Value, json};

use super::sample::{Server, code, serve};

/// A page of a hundred objects: what it costs, and what has to be there before it runs.
const PAGE: &str = "{ items(first: 100) { nodes { id number } } }";
const PAGE_COST: u64 = 202;
const PAGE_AT_MOST: u64 = 301;

/// A server with so much to spend, of which nothing comes back while a test runs.
async fn limited(capacity: u32) -> Server {
    serve(|_, options| {
        options.limits.cost = 500;
        options.rate_limit = rate::Settings {
            capacity,
            refill_per_second: 1,
            callers: 1_000,
        };
    })
    .await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn remaining(response: &Response) -> u64 {
    header(response, "x-ratelimit-remaining").parse().unwrap()
}

async fn ask(server: &Server, query: &str) -> Response {
    server.post(&json!({ "query": query })).send().await.unwrap()
}

#[tokio::test]
async fn every_answer_tells_what_it_cost_and_what_is_left() {
    let server = limited(1_000).await;
    let answer = ask(&server, PAGE).await;
    assert_eq!(header(&answer, "x-ratelimit-cost"), PAGE_COST.to_string());
    assert_eq!(header(&answer, "x-ratelimit-limit"), "1000");
    assert_eq!(header(&answer, "ratelimit-policy"), "\"cost\";q=1000;w=1000");
    let left = remaining(&answer);
    assert!((1_000 - PAGE_COST..=1_000 - PAGE_COST + 5).contains(&left), "{left}");
    let told = header(&answer, "ratelimit");
    assert!(told.starts_with(&format!("\"cost\";r={left};t=")), "{told}");
    let reset: u64 = header(&answer, "x-ratelimit-reset").parse().unwrap();
    let now = chrono::Utc::now().timestamp().unsigned_abs();
    assert!((now + 100..=now + PAGE_COST + 1).contains(&reset), "{reset} at {now}");
    assert_eq!(header(&answer, "retry-after"), "");
}

#[tokio::test]
async fn whoever_has_spent_all_is_told_when_to_come_back() {
    for policy in [StatusPolicy::Compat, StatusPolicy::Spec2026] {
        let server = serve(|settings, options| {
            settings.status = policy;
            options.limits.cost = 500;
            options.rate_limit = rate::Settings {
                capacity: 500,
                refill_per_second: 1,
                callers: 1_000,
            };
        })
        .await;
        let mut status = StatusCode::OK;
        for number in 0..3 {
            // other keys, so that no answer is at hand
            let answer = ask(&server, &PAGE.replace("{ id", &format!("{{ a{number}: id"))).await;
            status = answer.status();
            if status == StatusCode::OK {
                continue;
            }
            let wait: u64 = header(&answer, "retry-after").parse().unwrap();
            let left = remaining(&answer);
            assert_eq!(header(&answer, "cache-control"), "no-store");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(code(&body), "RATE_LIMITED");
            assert!(body.get("data").is_none());
            let told = &body["errors"][0]["extensions"];
            assert_eq!(told["limit"], "rate_limit");
            assert_eq!(told["maximum"], 500);
            assert_eq!(told["retryAfter"], wait);
            // what is missing comes back one a second
            let missing = PAGE_AT_MOST - left;
            assert!((missing - 1..=missing + 1).contains(&wait), "{wait} for {left}");
        }
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        // what costs little still runs
        assert_eq!(ask(&server, "{ number }").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn refused_documents_are_paid_for_as_well() {
    let server = limited(500).await;
    assert_eq!(ask(&server, "{ number }").await.status(), StatusCode::OK);
    while ask(&server, "{ nothing }").await.status() != StatusCode::TOO_MANY_REQUESTS {}
    let refused = ask(&server, PAGE).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn an_answer_at_hand_costs_one() {
    let server = limited(1_000).await;
    let made = ask(&server, PAGE).await;
    let kept = ask(&server, PAGE).await;
    assert_eq!(header(&kept, "x-ratelimit-cost"), "1");
    assert!(remaining(&made) - remaining(&kept) <= 1);
    assert_eq!(made.bytes().await.unwrap(), kept.bytes().await.unwrap());
}

#[tokio::test]
async fn what_an_answer_did_not_need_is_put_back() {
    let server = limited(1_000).await;
    let query = "query ($all: Boolean!) { number items(first: 100) @include(if: $all) { nodes { id number } } }";
    for (all, cost) in [(false, "1"), (true, "203")] {
        let body = json!({ "query": query, "variables": { "all": all } });
        let answer = server.post(&body).send().await.unwrap();
        assert_eq!(header(&answer, "x-ratelimit-cost"), cost);
    }
}

#[tokio::test]
async fn the_cost_stands_in_the_answer_for_whoever_asks() {
    let server = limited(1_000).await;
    for _ in 0..2 {
        let request = server.post(&json!({ "query": "{ number }" }));
        let answer = request.header("x-graphql-cost-debug", "1").send().await.unwrap();
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["data"], json!({ "number": 7 }));
        let cost = &answer["extensions"]["cost"];
        assert_eq!(cost["requestedQueryCost"], 1);
        assert_eq!(cost["actualQueryCost"], 1);
        assert_eq!(cost["throttleStatus"]["maximumAvailable"], 1_000);
        assert_eq!(cost["throttleStatus"]["restoreRate"], 1);
        assert!(cost["throttleStatus"]["currentlyAvailable"].as_u64().unwrap() >= 990);
    }
    assert_eq!(server.query("{ number }").await, json!({ "data": { "number": 7 } }));
}

#[tokio::test]
async fn only_a_trusted_proxy_tells_whose_budget_it_is() {
    for (trusted, together) in [(vec!["127.0.0.0/8".to_owned()], false), (Vec::new(), true)] {
        let server = serve(|settings, options| {
            settings.trusted_proxies = Networks::try_from(trusted).unwrap();
            options.limits.cost = 500;
            options.rate_limit.capacity = 1_000;
            options.rate_limit.refill_per_second = 1;
        })
        .await;
        let mut left = Vec::new();
        for client in ["203.0.113.1", "203.0.113.2"] {
            let request = server.post(&json!({ "query": PAGE.replace("number", "n: number") }));
            let answer = request.header("x-forwarded-for", client).send().await.unwrap();
            left.push(remaining(&answer));
            let request = server.post(&json!({ "query": "{ text(length: 1) }" }));
            let answer = request.header("x-forwarded-for", client).send().await.unwrap();
            left.push(remaining(&answer));
        }
        // the second client asks for what is at hand by then
        let second = if together { left[0] } else { 1_000 };
        assert!(second.abs_diff(left[2]) <= 5, "{left:?}");
    }
}

#[tokio::test]
async fn without_a_rate_limit_nothing_is_said_of_it() {
    let server = serve(|_, options| options.rate_limit.capacity = 0).await;
    let answer = ask(&server, PAGE).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!answer.headers().keys().any(|name| name.as_str().contains("ratelimit")));
}

#[tokio::test]
async fn a_batch_is_charged_for_all_its_operations() {
    let server = serve(|_, options| {
        options.limits.cost = 700;
        options.limits.batch_size = 10;
        options.rate_limit.capacity = 700;
        options.rate_limit.refill_per_second = 1;
    })
    .await;
    let pages = |count: usize, key: &str| {
        let page = json!({ "query": PAGE.replace("{ id", &format!("{{ {key}: id")) });
        Value::Array(vec![page; count])
    };
    let answer = server.post(&pages(2, "a")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    // the second of the two is at hand
    assert_eq!(header(&answer, "x-ratelimit-cost"), (PAGE_COST + 1).to_string());
    let answer = server.post(&pages(2, "b")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let left = remaining(&answer);
    assert!(
        left >= 700 - PAGE_COST - 1,
        "nothing is charged for what did not run: {left}"
    );
}

#[tokio::test]
async fn a_token_has_a_budget_of_its_own() {
    let server = limited(500).await;
    assert_eq!(ask(&server, PAGE).await.status(), StatusCode::OK);
    let request = server.post(&json!({ "query": PAGE })).bearer_auth("right");
    let answer = request.send().await.unwrap();
    assert!(remaining(&answer) >= 500 - PAGE_COST);
    // a token that is not accepted is paid for by the address
    let left = remaining(&ask(&server, "{ number }").await);
    let request = server.post(&json!({ "query": PAGE })).bearer_auth("wrong");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(remaining(&answer) <= left - 15, "{left}");
}
