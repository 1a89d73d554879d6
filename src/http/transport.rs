//! GraphQL over HTTP at `/graphql`: what a request must look like, and which answer it gets.

mod budget;
mod get;
mod incoming;
mod listeners;
mod multipart;
mod negotiate;
mod post;
mod reply;
mod sse;
pub(super) mod status;
mod stream;
mod websocket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use tokio_util::sync::CancellationToken;

use self::budget::Budget;
use self::listeners::{Listeners, Subscribers};
pub use self::negotiate::Media;
use super::address::{ClientAddress, Proxies};
use super::caching::cache_control;
use super::compress::Compressor;
use super::settings::{Settings, StatusPolicy};
use crate::graphql::error::{Code, Fault};
use crate::graphql::limits::SubscriptionLimits;
use crate::graphql::service::Service;

/// Where GraphQL is served.
pub const PATH: &str = "/graphql";
const METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// The endpoint: the service and how its answers are sent.
pub struct Endpoint {
    service: Service,
    policy: StatusPolicy,
    body_bytes: usize,
    body_timeout: Duration,
    uri_bytes: usize,
    proxies: Proxies,
    budget: Option<Budget>,
    cache_control: HeaderValue,
    compressor: Compressor,
    limits: SubscriptionLimits,
    listeners: Arc<Listeners>,
    subscribers: Subscribers,
    allowed_origins: Vec<String>,
    /// Cancelled when the server stops: what would go on without an end ends.
    stopping: CancellationToken,
}

impl Endpoint {
    /// An endpoint for this service.
    #[must_use]
    pub fn new(settings: &Settings, service: Service) -> Self {
        let limits = service.subscription_limits();
        Self {
            budget: service.rate_limit().map(Budget::new),
            limits,
            listeners: Listeners::new(&limits, service.metrics()),
            subscribers: Subscribers::new(service.metrics()),
            allowed_origins: settings.allowed_origins.clone(),
            stopping: CancellationToken::new(),
            policy: settings.status,
            body_bytes: settings.body_bytes,
            body_timeout: Duration::from_millis(settings.body_timeout_ms),
            uri_bytes: settings.uri_bytes,
            proxies: settings.proxies(),
            cache_control: cache_control(settings),
            compressor: Compressor::new(
                settings.compressed_bytes,
                "romdex_compressed_answers",
                service.metrics(),
            ),
            service,
        }
    }

    /// What ends the connections that listen, once it is cancelled.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// How long a listener may leave an answer unread.
    fn send_timeout(&self) -> Duration {
        Duration::from_millis(self.limits.send_timeout_ms.into())
    }

    /// Who a request comes from, as limits count.
    fn network(&self, request: &HttpRequest) -> IpAddr {
        self.client(request).network()
    }

    /// Who a request comes from.
    #[must_use]
    pub fn client(&self, request: &HttpRequest) -> ClientAddress {
        self.proxies.client(request)
    }
}

/// Adds `/graphql` with all its methods.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(
        web::resource(PATH)
            .route(web::post().to(post::post))
            .route(web::get().guard(websocket::WantsSocket).to(websocket::open))
            .route(web::get().to(get::get))
            .route(web::head().to(get::get))
            .route(web::method(actix_web::http::Method::OPTIONS).to(options))
            .default_service(web::to(other_method)),
    );
}

async fn options() -> HttpResponse {
    reply::preflight(METHODS)
}

async fn other_method(endpoint: web::Data<Endpoint>, request: HttpRequest) -> HttpResponse {
    let media = Media::of(&request).unwrap_or(Media::Json);
    let fault = Fault::new(
        Code::MethodNotAllowed,
        format!("{} is not served here: use GET or POST", request.method()),
    );
    let mut response = reply::refusal(&endpoint, media, &fault);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}
