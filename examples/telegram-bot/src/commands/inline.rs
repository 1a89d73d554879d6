//! Inline search: `@bot poco f3` in any chat.

use cynic::QueryBuilder as _;
use teloxide::{
    prelude::*,
    types::{InlineQueryResult, InlineQueryResultArticle, InputMessageContent, InputMessageContentText, ParseMode},
};

use super::result;
use crate::{
    Telegram,
    api::{Romdex, Search, SearchResult, SearchVariables},
};

/// Results shown; Telegram takes fifty at most.
const SHOWN: i32 = 20;

/// How long Telegram may give others the same answer, in seconds.
const CACHED: u32 = 60;

/// Answers an inline query with what the search finds.
pub async fn answer_inline(
    telegram: Telegram,
    query: InlineQuery,
    romdex: Romdex,
) -> Result<(), teloxide::RequestError> {
    let text = query.query.trim();
    let mut found = Vec::new();
    if !text.is_empty() {
        let variables = SearchVariables {
            text: text.to_owned(),
            first: SHOWN,
        };
        match romdex.ask(Search::build(variables)).await {
            Ok(data) => found = data.search.nodes,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an inline query has no answer"
                );
                return Ok(());
            }
        }
    }
    let articles: Vec<_> = found
        .iter()
        .enumerate()
        .filter_map(|(at, found)| article(at, found))
        .collect();
    telegram
        .answer_inline_query(query.id, articles)
        .cache_time(CACHED)
        .await
        .map(drop)
}

/// A result to choose, with the message that choosing it sends.
fn article(at: usize, found: &SearchResult) -> Option<InlineQueryResult> {
    let (title, description) = match found {
        SearchResult::Device(device) => (device.name.clone(), device.codename.clone()),
        SearchResult::Variant(variant) => (
            variant.name.clone(),
            format!("{} · {}", variant.region, variant.codename),
        ),
        SearchResult::Release(release) => (
            release.version.clone(),
            format!("{} · {}", release.variant.name, release.branch),
        ),
        SearchResult::Package(package) => (package.filename.clone(), package.r#type.to_string()),
        SearchResult::Other => return None,
    };
    let content = InputMessageContentText::new(result(found)?).parse_mode(ParseMode::Html);
    let article = InlineQueryResultArticle::new(at.to_string(), title, InputMessageContent::Text(content));
    Some(InlineQueryResult::Article(article.description(description)))
}
