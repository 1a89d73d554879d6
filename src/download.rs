//! Fetching a source over HTTP into a temporary file: conditionally, within bounds, and resumed where it broke off.
//! What the file means is for others to say.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    time::Duration,
};

use futures::StreamExt as _;
use reqwest::{
    Client, Response, StatusCode,
    header::{
        ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
        RANGE,
    },
};
use url::Url;

/// How often a download that broke off is taken up again before it is given up.
const RESUMPTIONS: u32 = 5;

/// The pause before the first resumption; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a server may take to accept a connection, or to send the next bytes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What bounds a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that are taken.
    pub bytes: u64,
    /// The longest it may take altogether.
    pub time: Duration,
}

/// What a server said of the document it sent, to be sent back when asking again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag`.
    pub etag: Option<String>,
    /// The `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub enum Fetched {
    /// The document is as it was.
    Unchanged,
    /// The document, read from its beginning.
    Document {
        /// Its bytes, in a file without a name: it is gone with whoever holds it.
        file: File,
        /// What to ask with next time.
        validators: Validators,
    },
}

/// Why a document could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server could not be reached, or the connection to it was lost too often.
    #[error("{0}")]
    Unreachable(String),
    /// The server ended its answer too early, too often.
    #[error("the server broke off")]
    BrokeOff,
    /// The server cannot answer for now.
    #[error("the server answered {0}")]
    Unavailable(StatusCode),
    /// The server refused.
    #[error("the server answered {0}")]
    Refused(StatusCode),
    /// The document is larger than it may be.
    #[error("the document is larger than {0} bytes, the most that is taken")]
    TooLarge(u64),
    /// It took longer than it may.
    #[error("the download took longer than {} seconds, the most that is waited", .0.as_secs())]
    TooSlow(Duration),
    /// The temporary file could not be written.
    #[error("the download could not be kept: {0}")]
    Disk(#[from] std::io::Error),
}

impl DownloadError {
    /// Whether it is worth asking again soon.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::BrokeOff | Self::Unavailable(_))
    }

    /// What anybody may read of it: nothing of this machine and its network.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::Unreachable(_) => "the server could not be reached, or the connection was lost".to_owned(),
            Self::Disk(_) => "the download could not be kept".to_owned(),
            Self::BrokeOff | Self::Unavailable(_) | Self::Refused(_) | Self::TooLarge(_) | Self::TooSlow(_) => {
                self.to_string()
            }
        }
    }
}

/// Makes the client that fetches sources.
///
/// # Errors
/// When the system's TLS settings cannot be used.
pub fn client() -> Result<Client, DownloadError> {
    // Somebody else may have chosen the provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .user_agent(concat!("romdex/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(unreachable)
}

/// Fetches a document, unless it is as it was when the server gave these validators.
///
/// # Errors
/// When the document cannot be had within the limits.
pub async fn fetch(client: &Client, url: &Url, known: &Validators, limits: Limits) -> Result<Fetched, DownloadError> {
    tokio::time::timeout(limits.time, fetch_all(client, url, known, limits.bytes))
        .await
        .unwrap_or(Err(DownloadError::TooSlow(limits.time)))
}

async fn fetch_all(client: &Client, url: &Url, known: &Validators, bytes: u64) -> Result<Fetched, DownloadError> {
    let mut part = Part {
        file: tempfile::tempfile()?,
        length: 0,
        validators: None,
    };
    let mut pause = PAUSE;
    for attempt in 0..=RESUMPTIONS {
        match part.take_up(client, url, known, bytes).await {
            Ok(Some(())) => {
                part.file.seek(SeekFrom::Start(0))?;
                return Ok(Fetched::Document {
                    file: part.file,
                    validators: part.validators.unwrap_or_default(),
                });
            }
            Ok(None) => return Ok(Fetched::Unchanged),
            Err(error) if error.is_passing() && attempt < RESUMPTIONS => {
                let location = url.path();
                tracing::debug!(location, reason = %error, received = part.length, "download broke off");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(error),
        }
    }
    Err(DownloadError::BrokeOff)
}

/// What has arrived so far.
struct Part {
    file: File,
    length: u64,
    /// Those of the document of which this is a part.
    validators: Option<Validators>,
}

impl Part {
    /// Asks for what is missing and takes it in; `None` when the whole document is as it was.
    async fn take_up(
        &mut self,
        client: &Client,
        url: &Url,
        known: &Validators,
        most: u64,
    ) -> Result<Option<()>, DownloadError> {
        // Plain bytes: a range of a compressed answer could not be put together.
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        let strong = self
            .validators
            .as_ref()
            .and_then(|validators| validators.etag.as_deref());
        if let Some(etag) = strong.filter(|etag| self.length > 0 && !etag.starts_with("W/")) {
            request = request
                .header(RANGE, format!("bytes={}-", self.length))
                .header(IF_RANGE, etag);
        } else {
            if let Some(etag) = &known.etag {
                request = request.header(IF_NONE_MATCH, etag);
            }
            if let Some(last_modified) = &known.last_modified {
                request = request.header(IF_MODIFIED_SINCE, last_modified);
            }
        }
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(None),
            StatusCode::PARTIAL_CONTENT if starts_at(response.headers(), self.length) => {}
            StatusCode::OK => self.start_over(&response)?,
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(DownloadError::Unavailable(status));
            }
            status => return Err(DownloadError::Refused(status)),
        }
        let expected = response
            .content_length()
            .map(|length| self.length.saturating_add(length));
        if expected.is_some_and(|length| length > most) {
            return Err(DownloadError::TooLarge(most));
        }
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(unreachable)?;
            self.length += chunk.len() as u64;
            if self.length > most {
                return Err(DownloadError::TooLarge(most));
            }
            self.file.write_all(&chunk)?;
        }
        if expected.is_some_and(|length| length != self.length) {
            return Err(DownloadError::BrokeOff);
        }
        Ok(Some(()))
    }

    fn start_over(&mut self, response: &Response) -> Result<(), DownloadError> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        let header = |name| {
            let value: Option<&reqwest::header::HeaderValue> = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        self.validators = Some(Validators {
            etag: header(ETAG),
            last_modified: header(LAST_MODIFIED),
        });
        Ok(())
    }
}

/// Whether a partial answer begins where we left off.
fn starts_at(headers: &HeaderMap, length: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {length}-")))
}

/// What a person can do something about: the innermost reason, without the address.
fn unreachable(error: reqwest::Error) -> DownloadError {
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(cause) = reason.source() {
        reason = cause;
    }
    DownloadError::Unreachable(reason.to_string())
}
