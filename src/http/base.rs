//! The server's own address, for documents that name themselves.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::graphql::error::{Code, Fault};

/// The address by which clients reach the server, where it is known: http or https, a host, maybe a path. Kept without a
/// slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicUrl(Option<String>);

impl PublicUrl {
    /// Reads an address; nothing means that it is not known.
    ///
    /// # Errors
    /// When it is none of the allowed form; says which is.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let allowed = "must be an address such as https://roms.example.com, without user, query and fragment";
        let url = Url::parse(text).map_err(|error| format!("{allowed}: {error}"))?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain {
            return Err(allowed.to_owned());
        }
        Ok(Self(Some(url.as_str().trim_end_matches('/').to_owned())))
    }

    /// The server's address for a request, without a slash at its end: the known one, or what the request names as its host.
    ///
    /// # Errors
    /// When the request names no host, or something that is none.
    pub fn of(&self, request: &HttpRequest) -> Result<String, Fault> {
        if let Some(known) = &self.0 {
            return Ok(known.clone());
        }
        let mut hosts = request.headers().get_all(HOST);
        let only = hosts.next().filter(|_| hosts.next().is_none());
        only.and_then(|host| host.to_str().ok())
            .and_then(origin)
            .ok_or_else(|| {
                Fault::new(
                    Code::BadRequest,
                    "header \"Host\" must name this server's host, and nothing else",
                )
            })
    }
}

/// The origin of a host, where that is all that the text holds.
fn origin(host: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if host.is_empty() || host.len() > 255 || !host.bytes().all(allowed) {
        return None;
    }
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    Some(url.origin().ascii_serialization())
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_deref().unwrap_or(""))
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_makes_an_origin_and_nothing_more() {
        for (host, expected) in [
            ("roms.example.com", Some("http://roms.example.com")),
            ("ROMS.example.com:80", Some("http://roms.example.com")),
            ("127.0.0.1:8000", Some("http://127.0.0.1:8000")),
            ("[::1]:8000", Some("http://[::1]:8000")),
            ("", None),
            ("example.com/path", None),
            ("user@example.com", None),
            ("example.com?x", None),
            ("example.com:port", None),
            ("a b", None),
            ("\"><script>", None),
        ] {
            assert_eq!(origin(host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_public_address_is_plain() {
        for (text, kept) in [
            ("", None),
            ("https://roms.example.com", Some("https://roms.example.com")),
            ("https://roms.example.com/", Some("https://roms.example.com")),
            ("http://example.com:8080/roms/", Some("http://example.com:8080/roms")),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().0.as_deref(), kept, "{text}");
        }
        for text in [
            "example.com",
            "ftp://example.com",
            "https://u:p@example.com",
            "https://example.com/?a",
            "https://",
        ] {
            assert!(
                PublicUrl::parse(text).unwrap_err().contains("https://roms.example.com"),
                "{text}"
            );
        }
    }
}
