//! What a client is told of errors, and what it is not told.

use serde_json::json;

use super::sample::{code, serve, server};

#[tokio::test]
async fn our_failures_are_masked_behind_a_reference() {
    let server = server().await;
    for query in ["{ fails }", "{ panics }", "{ number panics }", "{ item { id must } }"] {
        let text = server.text(&json!({"query": query})).await;
        assert!(!text.contains("secret") && !text.contains("argument"), "{text}");
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(code(&answer), "INTERNAL_SERVER_ERROR");
        assert_eq!(
            answer["errors"][0]["extensions"]["reference"].as_str().unwrap().len(),
            16
        );
    }
    assert_eq!(server.query("{ number }").await, json!({"data": {"number": 7}}));
}

#[tokio::test]
async fn the_callers_mistakes_are_told_with_their_place() {
    let server = server().await;
    let answer = server.query("{\n  item {\n    may\n  }\n}").await;
    let expected = json!([{
        "message": "argument \"first\": is not to my liking",
        "locations": [{"line": 3, "column": 5}],
        "path": ["item", "may"],
        "extensions": {"code": "BAD_USER_INPUT", "argument": "first"},
    }]);
    assert_eq!(answer["errors"], expected);
    assert_eq!(answer["data"], json!({"item": {"may": null}}));
}

#[tokio::test]
async fn null_goes_up_to_where_it_may_stand() {
    let server = server().await;
    let table = [
        (
            "{ item { id may } number }",
            json!({"item": {"id": "1", "may": null}, "number": 7}),
        ),
        ("{ item { id must } number }", json!({"item": null, "number": 7})),
        (
            "{ item { child { must } id } }",
            json!({"item": {"child": null, "id": "1"}}),
        ),
        (
            "{ item { children { must id } } number }",
            json!({"item": null, "number": 7}),
        ),
        ("{ number fails }", json!(null)),
    ];
    for (query, expected) in table {
        assert_eq!(server.query(query).await["data"], expected, "{query}");
    }
}

#[tokio::test]
async fn validation_errors_name_their_place() {
    let server = server().await;
    let answer = server.query("{\n  number\n  nothing\n}").await;
    let error = &answer["errors"][0];
    assert_eq!(error["locations"], json!([{"line": 3, "column": 3}]));
    assert_eq!(error["message"], "Cannot query field \"nothing\" on type \"Query\".");
}

#[tokio::test]
async fn errors_are_few_and_short() {
    let server = server().await;
    let many: Vec<_> = (0..500).map(|number| format!("nothing{number}")).collect();
    let many = many.join(" ");
    let long = "x".repeat(100_000);
    for query in [
        format!("{{ item {{ {many} }} }}"),
        format!("{{ {long} }}"),
        long.clone(),
        format!("{{ echo(text: {long}) }}"),
        format!("{{ \"{long}\" }}"),
    ] {
        let text = server.text(&json!({"query": query})).await;
        assert!(text.len() < 20 * 500, "{} bytes", text.len());
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors = answer["errors"].as_array().unwrap();
        assert!(errors.len() <= 20);
        assert!(
            errors
                .iter()
                .all(|error| error["message"].as_str().unwrap().chars().count() <= 300)
        );
    }
    let failing =
        "{ item { children { a: may b: may c: may d: may e: may f: may g: may h: may i: may j: may k: may } } }";
    assert_eq!(server.query(failing).await["errors"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_given_up() {
    let server = serve(|_, options| options.limits.timeout_ms = 50).await;
    let response = server.post(&json!({"query": "{ sleeps }"})).send().await.unwrap();
    assert_eq!(response.status(), 504);
    let answer: serde_json::Value = response.json().await.unwrap();
    assert_eq!(code(&answer), "OPERATION_TIMEOUT");
    assert_eq!(answer["data"], json!(null));
}
