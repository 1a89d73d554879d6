//! The bot between the real server and a stand-in for Telegram.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends where something is not as it should be"
)]

mod programs;
mod telegram;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::post,
};
use serde_json::json;
use tokio::net::TcpListener;

use self::{
    programs::{Bot, Romdex},
    telegram::Telegram,
};

/// Longer than a test: what the bot hears within it, it hears at once.
const AN_HOUR: u32 = 3600;

const FIRST: &str = "miui_ALIOTHEEAGlobal_OS1.0.7.0.TKHEUXM_0a1b2c3d4e_13.0.zip";
const SECOND: &str = "miui_ALIOTHEEAGlobal_OS1.0.8.0.TKHEUXM_1a1b2c3d4e_13.0.zip";
const SECOND_FASTBOOT: &str = "alioth_eea_global_images_OS1.0.8.0.TKHEUXM_20260901.0000.00_13.0_eea_2a1b2c3d4e.tgz";
const THIRD: &str = "miui_ALIOTHEEAGlobal_OS1.0.9.0.TKHEUXM_3a1b2c3d4e_13.0.zip";
const INDIAN: &str = "miui_ALIOTHINGlobal_V14.0.9.0.TKHINXM_4a1b2c3d4e_13.0.zip";

#[tokio::test]
async fn every_command_has_its_answer() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    let questions: &[(&str, &[&str], &[&str])] = &[
        ("/start", &["/latest alioth eea stable", "/unsubscribe"], &[]),
        ("/help", &["Official Xiaomi ROMs"], &[]),
        (
            "/latest alioth",
            &[
                "Redmi K40 / POCO F3",
                "OS1.0.5.0.TKHMIXM",
                "alioth_eea_global",
                "Stable",
            ],
            &[".zip"],
        ),
        (
            "/latest alioth eea",
            &["OS1.0.3.0.TKHEUXM</code> · Stable · Android 13.0 · 2024-07-31"],
            &["TKHMIXM"],
        ),
        (
            "/recovery ALIOTH eea",
            &[
                "miui_ALIOTHEEAGlobal_V14.0.9.0.TKHEUXM_9e74ef6f25_13.0.zip",
                "<a href=\"https://",
            ],
            &["alioth_global"],
        ),
        (
            "/recovery alioth_eea_global",
            &["V14.0.9.0.TKHEUXM"],
            &["alioth_global"],
        ),
        (
            "/fastboot alioth global",
            &["alioth_global_images_OS1.0.5.0.TKHMIXM", "Fastboot, "],
            &[".zip", "eea"],
        ),
        (
            "/firmware alioth eea",
            &["fw_alioth_miui_ALIOTHEEAGlobal_OS1.0.3.0.TKHEUXM"],
            &[],
        ),
        ("/firmware alioth japan", &["Nothing of that kind is known."], &[]),
        (
            "/archive santoni weekly",
            &["7.12.28", "santoni_global", "Weekly"],
            &["<a "],
        ),
        (
            "/check polaris V12.0.3.0.QDGCNXM",
            &[
                "There is an update.",
                "Incremental",
                "miui-blockota-polaris-V12.0.3.0.QDGCNXM-V12.5.1.0.QDGCNXM",
            ],
            &[],
        ),
        ("/check alioth_global OS1.0.5.0.TKHMIXM", &["Up to date."], &[".zip"]),
        ("/check alioth_global OS9.9.9.0.TKHMIXM", &["not known"], &[]),
        ("/check nothing <b>", &["No phone is known as", "&lt;b&gt;"], &[]),
        ("/check alioth", &["/check alioth_eea_global"], &[]),
        ("/search redmi 4x", &["santoni"], &[]),
        (
            "/search 540efd7cf5",
            &["miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip"],
            &[],
        ),
        ("/search <none>", &["Nothing is found for &lt;none&gt;."], &[]),
        ("/search", &["Search for what?"], &[]),
        ("/latest redmi note 10 5g", &["camellian"], &[]),
        ("/latest redmi", &["may be one of these", "santoni"], &[]),
        ("/latest zzzzzzzz", &["No device is called zzzzzzzz"], &[]),
        ("/latest", &["Of which device?", "stable-beta"], &[]),
        ("/latest alioth eea india", &["Only one region"], &[]),
        ("/list", &["nothing"], &[]),
        ("/unsubscribe alioth", &["no subscription to alioth"], &[]),
        ("/unsubscribe", &["From what?"], &[]),
    ];
    // Each in a chat of its own: one chat gets one message a second.
    for (chat, (command, ..)) in (1..).zip(questions) {
        telegram.types(chat, command);
    }
    for (chat, (command, said, unsaid)) in (1..).zip(questions) {
        let answer = telegram.messages(chat, 1).await.remove(0);
        for part in *said {
            assert!(answer.contains(part), "{command}: no {part:?} in\n{answer}");
        }
        for part in *unsaid {
            assert!(!answer.contains(part), "{command}: {part:?} in\n{answer}");
        }
        assert!(answer.len() <= 4096, "{command}");
    }
    let menu = telegram.call("setmycommands").await;
    assert_eq!(menu["commands"].as_array().unwrap().len(), 11, "{menu}");
}

#[tokio::test]
async fn subscriptions_are_listed_and_ended() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    let talk = [
        (
            "/subscribe Alioth_EEA_global stable-beta recovery",
            "alioth_eea_global</code> · Stable Beta · Recovery",
        ),
        ("/subscribe alioth_eea_global recovery stable-beta", "already"),
        ("/subscribe santoni", "Redmi 4X"),
        (
            "/list",
            "alioth_eea_global</code> · Stable Beta · Recovery\n\n<code>santoni</code>",
        ),
        ("/unsubscribe SANTONI", "One subscription has ended."),
        ("/unsubscribe all", "One subscription has ended."),
        ("/list", "nothing"),
    ];
    for (count, (command, said)) in (1..).zip(talk) {
        telegram.types(7, command);
        let answer = telegram.messages(7, count).await.pop().unwrap();
        assert!(answer.contains(said), "{command}: no {said:?} in\n{answer}");
    }
}

#[tokio::test]
async fn inline_search_offers_what_it_finds() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    telegram.asks_inline(1, "redmi 4x");
    let answer = telegram.call("answerinlinequery").await;
    let first = &answer["results"][0];
    assert_eq!(
        (&first["type"], &first["title"], &first["description"]),
        (&json!("article"), &json!("Redmi 4X"), &json!("santoni"))
    );
    assert_eq!(
        first["input_message_content"]["message_text"],
        "<b>Redmi 4X</b> · <code>santoni</code>"
    );
    assert_eq!(first["input_message_content"]["parse_mode"], "HTML");
}

#[tokio::test]
async fn a_subscriber_hears_of_each_release_once_also_when_the_bot_is_killed() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    telegram.types(1, "/subscribe alioth eea");
    telegram.types(2, "/subscribe alioth fastboot");
    telegram.types(3, "/subscribe alioth india");
    for chat in 1..=3 {
        assert!(telegram.messages(chat, 1).await[0].contains("You will hear"));
    }

    romdex.import(&[FIRST]).await;
    assert!(telegram.messages(1, 2).await[1].contains("OS1.0.7.0.TKHEUXM"));
    // Killed between Telegram's answer and the note of it, the bot would tell again.
    bot.has_told_all().await;
    bot.kill().await;

    // While it is away: one release, and later another package of it.
    romdex.import(&[SECOND]).await;
    romdex.import(&[SECOND_FASTBOOT]).await;
    let bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    assert!(telegram.messages(1, 3).await[2].contains("OS1.0.8.0.TKHEUXM"));
    assert!(telegram.messages(2, 2).await[1].contains("OS1.0.8.0.TKHEUXM"));
    bot.has_told_all().await;
    bot.kill().await;

    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    romdex.import(&[THIRD, INDIAN]).await;
    assert!(telegram.messages(3, 2).await[1].contains("V14.0.9.0.TKHINXM"));
    let told = telegram.messages(1, 4).await;
    let versions = [
        "You will hear",
        "OS1.0.7.0.TKHEUXM",
        "OS1.0.8.0.TKHEUXM",
        "OS1.0.9.0.TKHEUXM",
    ];
    assert_eq!(told.len(), versions.len(), "{told:#?}");
    for (text, version) in told.iter().zip(versions) {
        assert!(text.contains(version), "no {version} in {text}");
    }
    assert_eq!(telegram.messages(2, 2).await.len(), 2);
    assert_eq!(telegram.messages(3, 2).await.len(), 2);
}

#[tokio::test]
async fn who_has_blocked_the_bot_is_dropped_and_others_are_told() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    for chat in [1, 2] {
        telegram.types(chat, "/subscribe alioth");
        telegram.messages(chat, 1).await;
    }
    let blocked = json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" });
    telegram.refuses_next(1, StatusCode::FORBIDDEN, blocked);
    romdex.import(&[FIRST]).await;
    telegram.messages(2, 2).await;
    romdex.import(&[SECOND]).await;
    telegram.messages(2, 3).await;
    telegram.types(1, "/list");
    let told = telegram.messages(1, 2).await;
    assert!(told.len() == 2 && told[1].contains("nothing"), "{told:#?}");
    assert_eq!(telegram.refused(), 1);
}

#[tokio::test]
async fn when_telegram_asks_to_wait_the_message_comes_later_and_once() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let _bot = Bot::start(romdex.url(), romdex.folder(), &telegram, AN_HOUR).await;
    telegram.types(1, "/subscribe alioth");
    telegram.messages(1, 1).await;
    let wait = json!({
        "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": { "retry_after": 1 },
    });
    telegram.refuses_next(1, StatusCode::TOO_MANY_REQUESTS, wait);
    romdex.import(&[FIRST]).await;
    assert!(telegram.messages(1, 2).await[1].contains("OS1.0.7.0.TKHEUXM"));
    romdex.import(&[SECOND]).await;
    assert!(telegram.messages(1, 3).await[2].contains("OS1.0.8.0.TKHEUXM"));
    assert_eq!(telegram.refused(), 1);
}

#[tokio::test]
async fn where_websockets_are_blocked_polling_tells_the_same() {
    let (romdex, telegram) = (Romdex::start().await, Telegram::start().await);
    let url = without_websockets(romdex.url()).await;
    let _bot = Bot::start(&url, romdex.folder(), &telegram, 1).await;
    telegram.types(1, "/subscribe alioth");
    telegram.messages(1, 1).await;
    romdex.import(&[FIRST]).await;
    assert!(telegram.messages(1, 2).await[1].contains("OS1.0.7.0.TKHEUXM"));
}

/// A proxy that passes on nothing but POST.
async fn without_websockets(target: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let pass_on = async |State(target): State<String>, body: Bytes| {
        let request = reqwest::Client::new()
            .post(target)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let answer = request.send().await.unwrap();
        ([(CONTENT_TYPE, "application/json")], answer.bytes().await.unwrap())
    };
    let app = Router::new()
        .route("/graphql", post(pass_on))
        .with_state(target.to_owned());
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    url
}
