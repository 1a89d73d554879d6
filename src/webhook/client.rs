//! Sends one message to one receiver, within bounds.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};

use url::Url;

use super::{
    backoff,
    guard::{Guard, LeadsInside},
    settings::Settings,
};

/// How many bytes of an answer are kept for the owner to see.
const KEPT_BYTES: usize = 1024;

/// How long a connection is kept for the next message to the same receiver.
const IDLE: Duration = Duration::from_secs(30);

/// A message, ready to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where to.
    pub url: String,
    /// Its id.
    pub id: String,
    /// Its signatures, separated by blanks.
    pub signature: String,
    /// When it was signed, in seconds of Unix time.
    pub timestamp: i64,
    /// Its body, JSON.
    pub body: String,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What the receiver asked for.
    pub retry_after: Option<Duration>,
    /// The beginning of the answer.
    pub body: String,
    /// Why the message does not count as accepted; none where it does.
    pub failure: Option<String>,
}

/// Sends messages. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: Guard,
    settings: Arc<Settings>,
}

/// There is nothing to send with.
#[derive(Debug, thiserror::Error)]
#[error("messages cannot be sent")]
pub struct ClientError(#[from] reqwest::Error);

impl Client {
    /// A client that reaches only what the guard admits.
    ///
    /// # Errors
    /// When the system's TLS settings cannot be used.
    pub fn new(guard: Guard, settings: Arc<Settings>) -> Result<Self, ClientError> {
        // Somebody else may have chosen the provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("romdex/", env!("CARGO_PKG_VERSION")))
            // A proxy would connect where it likes, and a redirect leads where it likes.
            .no_proxy()
            .redirect(Policy::none())
            .https_only(!settings.allow_http)
            .referer(false)
            .dns_resolver(guard.clone())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.concurrency_per_webhook.get())
            .build()?;
        Ok(Self { http, guard, settings })
    }

    /// Sends a message once.
    pub async fn send(&self, message: &Message) -> Attempt {
        // The configuration may have become stricter since the webhook was made; and names are looked up by the guard, but
        // addresses are connected to as they are.
        match self.guard.check(&message.url) {
            Ok(url) => self.post(url, message).await,
            Err(refused) => Attempt::failed(format!("the address {refused}")),
        }
    }

    async fn post(&self, url: Url, message: &Message) -> Attempt {
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.timestamp)
            .header("webhook-signature", &message.signature)
            .body(message.body.clone());
        match tokio::time::timeout(self.settings.timeout(), request.send()).await {
            Ok(Ok(response)) => self.read(response, Utc::now()).await,
            Ok(Err(error)) => Attempt::failed(self.reason(&error)),
            Err(_) => Attempt::failed(self.too_slow()),
        }
    }

    async fn read(&self, response: Response, now: DateTime<Utc>) -> Attempt {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| backoff::retry_after(value, now));
        // The status counts, however slow or large the rest is.
        let mut body = Vec::new();
        let whole = async {
            let mut chunks = response.bytes_stream();
            while let Some(Ok(chunk)) = chunks.next().await {
                let room = self.settings.answer_bytes.saturating_sub(body.len());
                body.extend(chunk.iter().take(room));
                if chunk.len() >= room {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(self.settings.timeout(), whole).await;
        body.truncate(KEPT_BYTES);
        Attempt {
            status: Some(status.as_u16()),
            retry_after,
            body: printable(&body),
            failure: failure(status),
        }
    }

    /// Why there was no answer, without what is of no concern to the owner.
    fn reason(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return self.too_slow();
        }
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<LeadsInside>() {
                return refused.to_string();
            }
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(error) = wrapped.and_then(|error| error.downcast_ref::<rustls::Error>()) {
                return format!("no secure connection: {error}");
            }
            cause = error.source();
        }
        if error.is_connect() {
            "the receiver could not be connected to".to_owned()
        } else {
            "the receiver broke off the connection".to_owned()
        }
    }

    fn too_slow(&self) -> String {
        format!("no answer within {} ms", self.settings.timeout_ms)
    }
}

impl Attempt {
    /// An attempt without an answer.
    #[must_use]
    pub fn failed(reason: String) -> Self {
        Self {
            status: None,
            retry_after: None,
            body: String::new(),
            failure: Some(reason),
        }
    }
}

fn failure(status: StatusCode) -> Option<String> {
    if status.is_success() {
        None
    } else if status.is_redirection() {
        Some(format!("the receiver answered {status}; redirects are not followed"))
    } else {
        Some(format!("the receiver answered {status}"))
    }
}

/// What can be kept of an answer: text, with a sign for each character that is none.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| {
            if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_client_connects_only_where_the_guard_lets_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let settings = Arc::new(Settings {
            allow_http: true,
            allowed_ports: Vec::new(),
            ..crate::webhook::tests::settings()
        });
        let client = Client::new(Guard::new(Arc::clone(&settings)), settings).unwrap();
        let message = Message {
            url: format!("http://localhost:{}/", listener.local_addr().unwrap().port()),
            id: "msg_1".to_owned(),
            signature: "v1,".to_owned(),
            timestamp: 0,
            body: "{}".to_owned(),
        };
        // Whatever a name is taken for when it is read, its addresses are looked at when they are connected to.
        let attempt = client.post(message.url.parse().unwrap(), &message).await;
        assert_eq!(
            attempt.failure.as_deref(),
            Some("the name leads to no public address of the internet")
        );
        let attempt = client.send(&message).await;
        assert_eq!(
            attempt.failure.as_deref(),
            Some("the address must lead to a public address of the internet")
        );
        assert!(listener.accept().is_err(), "nothing was connected");
    }

    #[test]
    fn only_2xx_is_accepted() {
        for (status, accepted) in [
            (200, true),
            (204, true),
            (299, true),
            (301, false),
            (400, false),
            (500, false),
        ] {
            assert_eq!(
                failure(StatusCode::from_u16(status).unwrap()).is_none(),
                accepted,
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_kept_of_an_answer_is_text() {
        assert_eq!(printable(b"a\0b\n\xff"), "a\u{fffd}b\n\u{fffd}");
    }
}
