//! The HTTP side: connections, transports, statuses and headers. It hands requests to the GraphQL service and
//! knows neither the catalogue nor the database. Feeds and drop-in files it sends as they are rendered elsewhere.

pub mod address;
pub mod assets;
mod base;
mod caching;
mod compat;
mod compress;
mod feeds;
pub mod health;
mod metrics;
mod published;
mod resource;
pub mod settings;
pub mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, web};
use tokio_util::sync::CancellationToken;

use self::health::Health;
use self::metrics::Requests;
use self::published::Publisher;
pub use self::settings::{Settings, StatusPolicy};
use self::transport::Endpoint;
use crate::compat::Compat;
use crate::feed::Feeds;
use crate::graphql::service::Service;

/// The server: listening once built, answering while it runs.
pub struct Application {
    address: SocketAddr,
    server: Server,
    listeners: CancellationToken,
}

/// What an application serves.
pub struct Served {
    service: Service,
    documents: Option<(Feeds, Compat)>,
    health: Health,
}

impl From<Service> for Served {
    fn from(service: Service) -> Self {
        Self {
            service,
            documents: None,
            health: Health::default(),
        }
    }
}

impl Served {
    /// Adds feeds, and the forms of other programs.
    #[must_use]
    pub fn with_documents(mut self, feeds: Feeds, compat: Compat) -> Self {
        self.documents = Some((feeds, compat));
        self
    }

    /// Tells at `/health` how the sources go.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }
}

/// Stops a running [`Application`]: requests that are running are answered first.
#[derive(Clone, Debug)]
pub struct StopHandle {
    server: ServerHandle,
    listeners: CancellationToken,
}

impl StopHandle {
    /// Refuses new connections, sends those away who listen without an end, and waits for the running requests.
    pub async fn stop(&self) {
        self.listeners.cancel();
        self.server.stop(true).await;
    }
}

impl Application {
    /// Binds the address and starts to listen.
    ///
    /// # Errors
    /// The address cannot be read or bound.
    pub fn build(settings: &Settings, served: impl Into<Served>) -> io::Result<Self> {
        let Served {
            service,
            documents,
            health: told,
        } = served.into();
        let registry = service.metrics().clone();
        let requests = Arc::new(Requests::new(&registry));
        let endpoint = web::Data::new(Endpoint::new(settings, service));
        let publisher = documents.map(|(feeds, compat)| {
            let publisher = Publisher::new(settings, feeds, compat, &registry);
            web::Data::new(publisher)
        });
        let own = settings.clone();
        let listeners = endpoint.stopping();
        let mut server = HttpServer::new(move || {
            let requests = Arc::clone(&requests);
            App::new()
                .wrap_fn(move |request, service| requests.measure(request, service))
                .app_data(endpoint.clone())
                .configure(transport::configure)
                .configure(|app| health::configure(app, &told))
                .configure(|app| metrics::configure(app, &own, &registry))
                .configure(|app| published::configure(app, publisher.as_ref()))
                .configure(assets::configure)
        })
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        .client_request_timeout(Duration::from_millis(settings.header_timeout_ms))
        .client_disconnect_timeout(Duration::from_secs(2))
        // who closes its side is gone: what it asked for is dropped
        .h1_allow_half_closed(false)
        .max_connections(settings.connections_per_worker)
        .shutdown_timeout(settings.shutdown_seconds)
        .disable_signals();
        if settings.workers > 0 {
            server = server.workers(settings.workers);
        }
        let server = server.bind(settings.listen.as_str())?;
        let address = server
            .addrs()
            .first()
            .copied()
            .ok_or_else(|| io::Error::other("no address was bound"))?;
        Ok(Self {
            address,
            server: server.run(),
            listeners,
        })
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What stops the server, from any task or thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            server: self.server.handle(),
            listeners: self.listeners.clone(),
        }
    }

    /// Answers requests until the server is stopped.
    ///
    /// # Errors
    /// The server's own tasks fail.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        self.server.await
    }
}
