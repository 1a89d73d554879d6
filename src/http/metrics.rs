//! `/metrics`: what is counted, for Prometheus and who reads its format; and the counting of requests.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::guard::{Guard, GuardContext};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, HeaderMap, HeaderValue, X_FORWARDED_FOR};
use actix_web::{Error, HttpResponse, web};

use super::address::{Networks, Proxies};
use super::resource::read_only;
use super::settings::Settings;
use crate::telemetry::metrics::{Grid, Histogram, MEDIA_TYPE, Registry};

const PATH: &str = "/metrics";

/// Who may read the figures.
#[derive(Clone)]
struct Readers {
    networks: Networks,
    proxies: Proxies,
}

/// Adds `/metrics`; for everyone else there is nothing at this address.
pub fn configure(app: &mut web::ServiceConfig, settings: &Settings, registry: &Registry) {
    let readers = Readers {
        networks: settings.metrics_networks.clone(),
        proxies: settings.proxies(),
    };
    let registry = registry.clone();
    let write = move || {
        let registry = registry.clone();
        async move {
            HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
                .insert_header((CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)))
                .body(registry.text().await)
        }
    };
    app.service(read_only(PATH, write).guard(readers));
}

impl Guard for Readers {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        let head = context.head();
        let Some(peer) = head.peer_addr.map(|peer| peer.ip()) else {
            return false;
        };
        // a proxy that nobody has told us of says that it stands for somebody: not for itself, then
        let is_itself = self.proxies.trusted.contain(peer) || !speaks_for_another(head.headers());
        is_itself && self.networks.contain(self.proxies.resolve(peer, head.headers()).ip())
    }
}

fn speaks_for_another(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// What requests are counted with.
pub struct Requests {
    answered: Grid<{ Route::NAMES.len() }, { STATUS_NAMES.len() }>,
    durations: [Histogram; Route::NAMES.len()],
}

/// What a request is for.
#[derive(Clone, Copy)]
enum Route {
    Graphql,
    Feeds,
    Compat,
    Playground,
    Health,
    Metrics,
    /// Nothing that there is.
    Other,
}

impl Route {
    const NAMES: [&'static str; 7] = ["graphql", "feeds", "compat", "playground", "health", "metrics", "other"];

    fn of(path: &str) -> Self {
        match path {
            super::transport::PATH => Self::Graphql,
            "/health" => Self::Health,
            PATH => Self::Metrics,
            "/" | "/playground" => Self::Playground,
            _ if path.starts_with("/playground/") => Self::Playground,
            _ if path.starts_with("/feeds/") => Self::Feeds,
            _ if path.starts_with("/compat/") || path.starts_with("/api/v1/") => Self::Compat,
            _ => Self::Other,
        }
    }
}

/// The statuses that are told apart; any other is the last name's.
const STATUSES: [u16; 25] = [
    101, 200, 204, 206, 294, 301, 302, 304, 307, 400, 401, 403, 404, 405, 406, 408, 413, 414, 415, 422, 429, 499, 500,
    503, 504,
];
const STATUS_NAMES: [&str; STATUSES.len() + 1] = [
    "101", "200", "204", "206", "294", "301", "302", "304", "307", "400", "401", "403", "404", "405", "406", "408",
    "413", "414", "415", "422", "429", "499", "500", "503", "504", "other",
];

/// The client left before there was an answer.
const LEFT: u16 = 499;

/// A request that is being answered; counted when it is dropped.
struct Measured {
    requests: Arc<Requests>,
    route: Route,
    began: Instant,
    status: u16,
}

impl Requests {
    /// Counts in this registry.
    pub fn new(registry: &Registry) -> Self {
        Self {
            answered: registry.grid(
                "romdex_http_requests",
                "Requests by what they were for and the status of the answer; 499 where the client left before it",
                ("route", Route::NAMES),
                ("status", STATUS_NAMES),
            ),
            durations: registry.durations(
                "romdex_http_request_seconds",
                "How long requests took, from their headers to the answer's",
                "route",
                Route::NAMES,
            ),
        }
    }

    /// Counts a request, whatever becomes of it.
    pub fn measure<S, B>(
        self: &Arc<Self>,
        request: ServiceRequest,
        service: &S,
    ) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let measured = Measured {
            requests: Arc::clone(self),
            route: Route::of(request.path()),
            began: Instant::now(),
            status: LEFT,
        };
        let answering = service.call(request);
        async move {
            let answer = answering.await;
            measured.end(match &answer {
                Ok(response) => response.status().as_u16(),
                Err(error) => error.as_response_error().status_code().as_u16(),
            });
            answer
        }
    }
}

impl Measured {
    fn end(mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let route = self.route as usize;
        let status = STATUSES.iter().position(|status| *status == self.status);
        self.requests.answered.count(route, status.unwrap_or(STATUSES.len()));
        if let Some(durations) = self.requests.durations.get(route) {
            durations.observe_duration(self.began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_name() {
        for (status, name) in STATUSES.iter().zip(STATUS_NAMES) {
            assert_eq!(status.to_string(), name);
        }
    }

    #[test]
    fn every_path_is_of_a_known_kind() {
        for (path, name) in [
            ("/graphql", "graphql"),
            ("/graphql/", "other"),
            ("/feeds/atom", "feeds"),
            ("/compat/latest.yml", "compat"),
            ("/api/v1/sweet/nightly/1", "compat"),
            ("/", "playground"),
            ("/playground", "playground"),
            ("/playground/assets/x.js", "playground"),
            ("/health", "health"),
            ("/metrics", "metrics"),
            ("/metrics/x", "other"),
            ("/wp-login.php", "other"),
            ("", "other"),
        ] {
            assert_eq!(Route::NAMES[Route::of(path) as usize], name, "{path}");
        }
    }
}
