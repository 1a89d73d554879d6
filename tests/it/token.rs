//! API tokens: made, listed and revoked by the command, and recognised by the server.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use reqwest::StatusCode;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    database::{TestDatabase, on_every_database, on_postgres},
    program::{Ran, romdex, run},
    served::Served,
    server::client,
};

on_every_database!(
    a_token_is_shown_once_and_only_its_hash_is_kept,
    a_token_that_is_wrong_expired_or_revoked_opens_nothing,
    a_token_of_another_secret_is_not_known,
    the_use_of_a_token_is_noted,
);

pub const SECRET: &str = "a secret of the tests, long enough";

/// A command that knows the tests' secret.
pub fn with_secret<const N: usize>(folder: &Path, database: &TestDatabase, arguments: [&str; N]) -> Command {
    let mut command = romdex(folder, arguments.iter().chain(&["--database-url", database.url()]));
    command.env("ROMDEX__SECURITY__SECRET", SECRET);
    command
}

/// Makes a token.
pub fn create(database: &TestDatabase, name: &str) -> String {
    let folder = TempDir::new().unwrap();
    let ran = run(&mut with_secret(folder.path(), database, ["token", "create", name]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.trim().to_owned()
}

fn tokens<const N: usize>(database: &TestDatabase, arguments: [&str; N]) -> Ran {
    let folder = TempDir::new().unwrap();
    run(&mut with_secret(folder.path(), database, arguments))
}

/// Status, challenge and answer of a request with this header.
async fn ask(server: &Served, authorization: Option<&str>) -> (StatusCode, String, Value) {
    let request = client()
        .post(server.url("/graphql"))
        .json(&json!({"query": "{ catalog { revision } }"}));
    let request = authorization
        .into_iter()
        .fold(request, |request, value| request.header("authorization", value));
    let answer = request.send().await.unwrap();
    let header = |name: &str| {
        let value = answer.headers().get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    if authorization.is_some() {
        assert_eq!(header("cache-control"), "no-store");
    }
    (
        answer.status(),
        header("www-authenticate"),
        answer.json().await.unwrap(),
    )
}

async fn a_token_is_shown_once_and_only_its_hash_is_kept(database: TestDatabase) {
    let made = tokens(&database, ["token", "create", "bot", "--expires-in-days", "30"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let token = made.stdout.trim_end();
    assert!(token.starts_with("romdex_") && token.len() == 79, "{token}");
    assert!(!made.stderr.contains(token), "{}", made.stderr);
    let list = tokens(&database, ["token", "list"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    let line = list.stdout.lines().nth(1).unwrap();
    assert!(
        line.starts_with("1\tbot\twebhooks\t") && line.ends_with("\tnever\tvalid"),
        "{line}"
    );
    let row = entity::token::Entity::find()
        .one(database.connection())
        .await
        .unwrap()
        .unwrap();
    let (digits, _) = token["romdex_".len()..].split_at(64);
    let bytes: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(row.digest.len(), 32);
    for plain in [
        bytes.clone(),
        blake3::hash(token.as_bytes()).as_bytes().to_vec(),
        blake3::hash(&bytes).as_bytes().to_vec(),
    ] {
        assert_ne!(row.digest, plain, "the hash is keyed");
    }
}

async fn a_token_that_is_wrong_expired_or_revoked_opens_nothing(database: TestDatabase) {
    let (good, revoked, expired) = (
        create(&database, "bot"),
        create(&database, "bot"),
        create(&database, "bot"),
    );
    let ran = tokens(&database, ["token", "revoke", "2"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "token 2 is revoked\n"),
        "{}",
        ran.stderr
    );
    let row = entity::token::Entity::find_by_id(3)
        .one(database.connection())
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    row.expires_at = Set(Some(chrono::Utc::now()));
    row.update(database.connection()).await.unwrap();

    let folder = TempDir::new().unwrap();
    let server = Served::start(&mut with_secret(
        folder.path(),
        &database,
        ["serve", "--listen", "127.0.0.1:0"],
    ));
    let well_formed = format!("{}{}", &good[..good.len() - 72], "0".repeat(72));
    for (header, said) in [
        (None, None),
        (Some(format!("Bearer {good}")), None),
        (Some(format!("bearer  {good}")), None),
        (Some("Basic dXNlcjpwYXNz".to_owned()), None),
        (Some(format!("Bearer {revoked}")), Some("the token has been revoked")),
        (Some(format!("Bearer {expired}")), Some("the token has expired")),
        (
            Some(format!("Bearer {well_formed}")),
            Some("the token is not known here"),
        ),
        (Some(format!("Bearer {good}x")), Some("the token is not known here")),
        (Some("Bearer".to_owned()), Some("the token is not known here")),
    ] {
        let (status, challenge, answer) = ask(&server, header.as_deref()).await;
        match said {
            None => assert_eq!((status.as_u16(), challenge.as_str()), (200, ""), "{header:?} {answer}"),
            Some(said) => {
                assert_eq!(status, 401, "{header:?} {answer}");
                assert_eq!(challenge, r#"Bearer realm="romdex", error="invalid_token""#);
                assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
                assert_eq!(answer["errors"][0]["message"], said);
                assert_eq!(answer.get("data"), None);
            }
        }
    }
}

async fn a_token_of_another_secret_is_not_known(database: TestDatabase) {
    let token = create(&database, "bot");
    let folder = TempDir::new().unwrap();
    let mut command = with_secret(folder.path(), &database, ["serve", "--listen", "127.0.0.1:0"]);
    let server = Served::start(command.env("ROMDEX__SECURITY__SECRET", "another secret that is long enough"));
    assert_eq!(ask(&server, Some(&format!("Bearer {token}"))).await.0, 401);
}

async fn the_use_of_a_token_is_noted(database: TestDatabase) {
    let token = create(&database, "bot");
    let folder = TempDir::new().unwrap();
    let server = Served::start(&mut with_secret(
        folder.path(),
        &database,
        ["serve", "--listen", "127.0.0.1:0"],
    ));
    assert_eq!(ask(&server, Some(&format!("Bearer {token}"))).await.0, 200);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let row = entity::token::Entity::find()
            .one(database.connection())
            .await
            .unwrap()
            .unwrap();
        if row.last_used_at.is_some() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the use is not noted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn commands_that_cannot_be_are_refused() {
    let folder = TempDir::new().unwrap();
    for (arguments, code, said) in [
        (&["token", "revoke", "7"][..], 1, "there is no token 7"),
        (&["token", "create", "a name"], 1, "a name must be"),
        (
            &["token", "create", "bot", "--scope", "everything"],
            2,
            "a scope must be one of webhooks",
        ),
        (&["token", "create", "bot", "--expires-in-days", "0"], 2, "0"),
        (&["token", "create"], 2, "NAME"),
        (&["token"], 2, "Usage"),
    ] {
        let ran = run(&mut romdex(folder.path(), arguments));
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, ""),
            "{arguments:?} {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(said), "{arguments:?} {}", ran.stderr);
    }
}

#[test]
fn an_sqlite_database_gets_a_secret_of_its_own_beside_it() {
    let folder = TempDir::new().unwrap();
    let first = run(&mut romdex(folder.path(), ["token", "create", "bot"]));
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stderr.contains("romdex.sqlite-secret"), "{}", first.stderr);
    let file = folder.path().join("romdex.sqlite-secret");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    let list = run(&mut romdex(folder.path(), ["token", "list"]));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    for text in [&first.stdout, &first.stderr, &list.stdout, &list.stderr] {
        assert!(!text.contains(secret.trim()));
    }
}

#[tokio::test]
async fn without_a_secret_a_shared_database_has_no_tokens() {
    on_postgres(async |database: TestDatabase| {
        let folder = TempDir::new().unwrap();
        let ran = run(&mut romdex(
            folder.path(),
            ["token", "create", "bot", "--database-url", database.url()],
        ));
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains("set security.secret or security.secret_file"),
            "{}",
            ran.stderr
        );
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
        let server = Served::start(&mut romdex(folder.path(), arguments));
        assert_eq!(ask(&server, None).await.0, 200);
        let (status, _, answer) = ask(&server, Some("Bearer x")).await;
        assert_eq!(status, 401);
        assert!(
            answer["errors"][0]["message"]
                .as_str()
                .unwrap()
                .contains("has no secret"),
            "{answer}"
        );
    })
    .await;
}

#[test]
fn the_secret_is_never_printed() {
    let folder = TempDir::new().unwrap();
    let ran = run(romdex(folder.path(), ["config"]).env("ROMDEX__SECURITY__SECRET", SECRET));
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.contains("secret = \"***\" # ROMDEX__SECURITY__SECRET"),
        "{}",
        ran.stdout
    );
    std::fs::write(folder.path().join("romdex.toml"), "[security]\nsecret = 1234567890").unwrap();
    let refused = run(&mut romdex(folder.path(), ["config"]));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("security.secret"), "{}", refused.stderr);
    let short = run(romdex(folder.path(), ["token", "list"]).env("ROMDEX__SECURITY__SECRET", "hush-hush"));
    assert_eq!(short.code, 2);
    for text in [ran.stdout, ran.stderr, refused.stderr, short.stderr] {
        assert!(
            !text.contains(SECRET) && !text.contains("1234567890") && !text.contains("hush-hush"),
            "{text}"
        );
    }
}
