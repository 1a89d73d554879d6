//! Which media type an answer gets, from the request's `Accept`.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// A media type in which answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`, where the status tells how the request went.
    GraphqlResponse,
    /// `application/json`, for clients that know no other.
    Json,
}

impl Media {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// The media type that the request asks for, or `None` where it accepts neither.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let mut accept = request.headers().get_all(ACCEPT).peekable();
        if accept.peek().is_none() {
            return Some(Self::Json);
        }
        let mut wanted = Wanted::default();
        for value in accept {
            let Ok(value) = value.to_str() else { continue };
            ranges(value).for_each(|range| wanted.read(&range));
        }
        wanted.choose()
    }
}

/// How much each media type is wanted: the weight of the most specific range that names it, and its place.
#[derive(Default)]
struct Wanted {
    graphql: Option<Weight>,
    json: Option<Weight>,
    application: Option<Weight>,
    any: Option<Weight>,
    place: u32,
}

#[derive(Clone, Copy)]
struct Weight {
    thousandths: u32,
    place: u32,
}

impl Wanted {
    fn read(&mut self, range: &Range) {
        self.place += 1;
        if range
            .parameters
            .iter()
            .any(|(key, value)| key == "charset" && value != "utf-8")
        {
            return;
        }
        let slot = match range.name.as_str() {
            "application/graphql-response+json" => &mut self.graphql,
            "application/json" => &mut self.json,
            "application/*" => &mut self.application,
            "*/*" => &mut self.any,
            _ => return,
        };
        slot.get_or_insert(Weight {
            thousandths: range.thousandths,
            place: self.place,
        });
    }

    fn choose(&self) -> Option<Media> {
        let json = self
            .json
            .or(self.application)
            .or(self.any)
            .filter(|weight| weight.thousandths > 0);
        let graphql = self
            .graphql
            .or(self.application)
            .or(self.any)
            .filter(|weight| weight.thousandths > 0);
        match (graphql, json) {
            (None, None) => None,
            (Some(_), None) => Some(Media::GraphqlResponse),
            (None, Some(_)) => Some(Media::Json),
            (Some(graphql), Some(json)) => {
                let earlier = graphql.place < json.place;
                let wins = graphql.thousandths > json.thousandths || graphql.thousandths == json.thousandths && earlier;
                Some(if wins { Media::GraphqlResponse } else { Media::Json })
            }
        }
    }
}

/// A media range of an `Accept`, all in lower case.
pub struct Range {
    /// Type and subtype.
    pub name: String,
    /// How much it is wanted; 0 is not.
    pub thousandths: u32,
    parameters: Vec<(String, String)>,
}

impl Range {
    /// Whether a parameter has this value.
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.parameters
            .iter()
            .any(|(name, given)| name == key && given == value)
    }
}

/// The media ranges of a value of `Accept`.
pub fn ranges(value: &str) -> impl Iterator<Item = Range> {
    value.split(',').map(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let mut thousandths = 1000;
        let mut parameters = Vec::new();
        for parameter in parts {
            let (key, value) = parameter.split_once('=').unwrap_or((&parameter, ""));
            let (key, value) = (key.trim(), value.trim().trim_matches('"'));
            if key == "q" {
                thousandths = quality(value);
            } else {
                parameters.push((key.to_owned(), value.to_owned()));
            }
        }
        Range {
            name,
            thousandths,
            parameters,
        }
    })
}

/// A weight in thousandths; what cannot be read is not wanted.
fn quality(text: &str) -> u32 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => thousandths(weight),
        _ => 0,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the weight lies between 0 and 1"
)]
fn thousandths(weight: f32) -> u32 {
    (weight * 1000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn chosen(accept: &str) -> Option<Media> {
        Media::of(&TestRequest::default().insert_header((ACCEPT, accept)).to_http_request())
    }

    #[test]
    fn the_media_type_follows_the_weights() {
        let table = [
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            (
                "application/graphql-response+json, application/json;q=0.9",
                Some(Media::GraphqlResponse),
            ),
            (
                "application/graphql-response+json;q=0.5, application/json;q=0.9",
                Some(Media::Json),
            ),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            (
                "application/graphql-response+json, application/json",
                Some(Media::GraphqlResponse),
            ),
            (
                "application/graphql-response+json; charset=UTF-8, application/json; charset=utf-8",
                Some(Media::GraphqlResponse),
            ),
            ("application/json;q=0, */*", Some(Media::GraphqlResponse)),
            ("application/json;q=0", None),
            ("application/json;q=nonsense", None),
            ("application/json; charset=iso-8859-1", None),
            ("text/html", None),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Some(Media::Json),
            ),
            ("APPLICATION/JSON", Some(Media::Json)),
        ];
        for (accept, expected) in table {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
    }

    #[test]
    fn without_accept_the_answer_is_json() {
        assert_eq!(Media::of(&TestRequest::default().to_http_request()), Some(Media::Json));
    }
}
