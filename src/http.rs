//! The HTTP side: connections, transports, statuses and headers. It hands requests to the GraphQL service and
//! knows neither the catalogue nor the database.

pub mod address;
pub mod assets;
pub mod health;
pub mod settings;
pub mod transport;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, web};

pub use self::settings::{Settings, StatusPolicy};
use self::transport::Endpoint;
use crate::graphql::service::Service;

/// The server: listening once built, answering while it runs.
pub struct Application {
    address: SocketAddr,
    server: Server,
}

/// Stops a running [`Application`]: requests that are running are answered first.
#[derive(Clone, Debug)]
pub struct StopHandle(ServerHandle);

impl StopHandle {
    /// Refuses new connections and waits for the running requests.
    pub async fn stop(&self) {
        self.0.stop(true).await;
    }
}

impl Application {
    /// Binds the address and starts to listen.
    ///
    /// # Errors
    /// The address cannot be read or bound.
    pub fn build(settings: &Settings, service: Service) -> io::Result<Self> {
        let endpoint = web::Data::new(Endpoint::new(settings, service));
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(endpoint.clone())
                .configure(transport::configure)
                .configure(health::configure)
                .configure(assets::configure)
        })
        .keep_alive(Duration::from_secs(settings.keep_alive_seconds))
        .client_request_timeout(Duration::from_millis(settings.header_timeout_ms))
        .client_disconnect_timeout(Duration::from_secs(2))
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
        StopHandle(self.server.handle())
    }

    /// Answers requests until the server is stopped.
    ///
    /// # Errors
    /// The server's own tasks fail.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        self.server.await
    }
}
