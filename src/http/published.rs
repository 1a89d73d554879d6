//! Documents that are rendered from the catalogue and then sent as they are: each once for a revision, however many ask.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    Header as _, HeaderValue, HttpDate, IF_NONE_MATCH, IfModifiedSince, LAST_MODIFIED, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use moka::future::Cache;
use rustc_hash::FxBuildHasher;

use super::base::PublicUrl;
use super::caching::{self, CACHE_STATUS};
use super::compress::{Compressor, Encoding};
use super::settings::Settings;
use super::transport::status;
use super::{compat, feeds};
use crate::compat::{Compat, CompatError};
use crate::feed::{Document, FeedError, Feeds, Growth, Moment, Refusal};
use crate::graphql::error::{Code, Fault, chain};
use crate::graphql::service::{Answer, Kind, Origin, Stamp};
use crate::telemetry::metrics::{self, Counter, Registry};

const ANY: HeaderValue = HeaderValue::from_static("*");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A full page of an archive is only ever corrected.
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Renders documents, keeps them and sends them.
pub struct Publisher {
    pub(super) feeds: Feeds,
    pub(super) compat: Compat,
    public_url: PublicUrl,
    uri_bytes: usize,
    cache_control: HeaderValue,
    kept: Cache<u128, Arc<Rendered>, FxBuildHasher>,
    hits: Counter,
    misses: Counter,
    compressor: Compressor,
}

/// A document, and what tells it from others.
struct Rendered {
    document: Document,
    stamp: Stamp,
}

/// Why there is no document.
#[derive(Clone, Debug)]
pub struct Failure(pub Fault);

/// Adds `/feeds`, `/compat` and `/api/v1`, where there is something to publish.
pub fn configure(app: &mut web::ServiceConfig, publisher: Option<&web::Data<Publisher>>) {
    if let Some(publisher) = publisher {
        app.app_data(publisher.clone());
        feeds::configure(app);
        compat::configure(app);
    }
}

impl Publisher {
    /// Publishes these.
    pub fn new(settings: &Settings, feeds: Feeds, compat: Compat, registry: &Registry) -> Self {
        let kept = Cache::builder()
            .max_capacity(settings.rendered_bytes)
            .weigher(|_: &u128, rendered: &Arc<Rendered>| {
                u32::try_from(rendered.document.body.len() + 256).unwrap_or(u32::MAX)
            })
            .build_with_hasher(FxBuildHasher);
        metrics::register_cache(
            registry,
            "romdex_rendered_cache",
            "Feeds and files that are kept",
            &kept,
        );
        let [hits, misses] = registry.counters(
            "romdex_rendered_cache_requests",
            "Feeds and files that were asked for: rendered before, or now",
            "result",
            ["hit", "miss"],
        );
        Self {
            hits,
            misses,
            feeds,
            compat,
            public_url: settings.public_url.clone(),
            uri_bytes: settings.uri_bytes,
            cache_control: caching::cache_control(settings),
            kept,
            compressor: Compressor::new(settings.compressed_bytes, "romdex_compressed_files", registry),
        }
    }

    /// The server's own address for this request.
    pub fn base(&self, request: &HttpRequest) -> Result<String, Failure> {
        if request.query_string().len() > self.uri_bytes {
            return Err(Failure(Fault::uri_too_long(self.uri_bytes)));
        }
        self.public_url.of(request).map_err(Failure)
    }

    /// Sends what `name` stands for at this moment, rendered by `render` unless it is at hand. Equal names are equal
    /// documents; whoever asks for one that is being rendered waits for it.
    pub async fn send<R>(&self, request: &HttpRequest, moment: &Moment, name: &[&str], render: R) -> HttpResponse
    where
        R: Future<Output = Result<Document, Failure>>,
    {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&moment.stamp().to_be_bytes());
        for part in name {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        let made = async {
            let mut document = render.await?;
            // copied, so that what is kept is as large as it is counted
            document.body = Bytes::copy_from_slice(&document.body);
            let stamp = Stamp(first_half(blake3::hash(&document.body)));
            Ok(Arc::new(Rendered { document, stamp }))
        };
        match self
            .kept
            .entry(first_half(hasher.finalize()))
            .or_try_insert_with(made)
            .await
        {
            Ok(entry) => {
                let (origin, counter) = if entry.is_fresh() {
                    (Origin::Made, &self.misses)
                } else {
                    (Origin::Kept, &self.hits)
                };
                counter.inc();
                self.answer(request, moment, entry.value(), origin).await
            }
            Err(failure) => refuse(&failure),
        }
    }

    async fn answer(
        &self,
        request: &HttpRequest,
        moment: &Moment,
        rendered: &Rendered,
        origin: Origin,
    ) -> HttpResponse {
        let Rendered { document, stamp } = rendered;
        let modified = moment.made_at().map(SystemTime::from);
        let is_known = if request.headers().contains_key(IF_NONE_MATCH) {
            caching::known(request).contains(stamp)
        } else {
            modified.is_some_and(|modified| is_known_since(request, modified))
        };
        let mut response = if is_known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        response
            .insert_header((ETAG, caching::tag(*stamp)))
            .insert_header((
                CACHE_CONTROL,
                match document.growth {
                    Growth::Open => self.cache_control.clone(),
                    Growth::Closed => FOR_A_DAY,
                },
            ))
            .insert_header((CACHE_STATUS, caching::status(origin)));
        if let Some(modified) = modified {
            response.insert_header((LAST_MODIFIED, HttpDate::from(modified)));
        }
        if is_known {
            return shared(&mut response).finish();
        }
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(document.media_type)));
        let mut body = document.body.clone();
        if let Some(encoding) = Encoding::of(request)
            && let Some(written) = self.compressor.compress(&body, Some(*stamp), encoding).await
        {
            response.insert_header((CONTENT_ENCODING, encoding.header()));
            body = written;
        }
        shared(&mut response).body(body)
    }
}

/// Whether the client has what was made then. HTTP dates have no fractions of seconds.
fn is_known_since(request: &HttpRequest, modified: SystemTime) -> bool {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs());
    IfModifiedSince::parse(request).is_ok_and(|since| {
        let asked = seconds(since.0.into());
        seconds(modified).is_ok_and(|modified| asked.is_ok_and(|asked| modified <= asked))
    })
}

/// What every answer says: it may be read from any page, and it is what it says it is.
fn shared(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((VARY, HeaderValue::from_static("accept-encoding")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, ANY))
}

/// The answer where there is no document: an error in the form of the GraphQL API's.
pub fn refuse(Failure(fault): &Failure) -> HttpResponse {
    let mut response = HttpResponse::build(status::of_refusal(fault.code()));
    response.insert_header((CACHE_CONTROL, NO_STORE)).insert_header((
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    ));
    shared(&mut response).body(Answer::refused(Kind::Malformed, std::slice::from_ref(fault)).body)
}

fn first_half(hash: blake3::Hash) -> u128 {
    let mut half = [0; 16];
    half.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(half)
}

impl From<Refusal> for Failure {
    fn from(Refusal { parameter, message }: Refusal) -> Self {
        let fault = Fault::new(Code::BadUserInput, format!("parameter \"{parameter}\": {message}"));
        Self(fault.with("argument", parameter.as_str()))
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Refused(refusal) => refusal.into(),
            error => Self(Fault::masked(&chain(&error))),
        }
    }
}

impl From<CompatError> for Failure {
    fn from(error: CompatError) -> Self {
        match error {
            CompatError::Unknown(message) => Self(Fault::new(Code::NotFound, message)),
            CompatError::Refused { part, message } => {
                let fault = Fault::new(Code::BadUserInput, format!("part \"{part}\" of the address: {message}"));
                Self(fault.with("argument", part))
            }
            CompatError::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::header::IF_MODIFIED_SINCE;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn fractions_of_seconds_do_not_count() {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_900);
        for (since, known) in [
            ("Thu, 01 Jan 1970 00:16:39 GMT", false),
            ("Thu, 01 Jan 1970 00:16:40 GMT", true),
            ("Thu, 01 Jan 1970 00:16:41 GMT", true),
            ("nonsense", false),
        ] {
            let request = TestRequest::default()
                .insert_header((IF_MODIFIED_SINCE, since))
                .to_http_request();
            assert_eq!(is_known_since(&request, modified), known, "{since}");
        }
    }
}
