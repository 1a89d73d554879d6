//! What the document pipeline runs operations on: the schema over a catalogue.

use std::sync::Arc;

use async_graphql::{Request, Response};

use super::{
    Schema, context,
    limits::Limits,
    order, schema, sdl,
    service::{Backend, Service, ServiceError},
};
use crate::catalog::{Catalog, Snapshot};

/// The schema over a catalogue.
struct Served {
    schema: Schema,
    catalog: Catalog,
    limits: Limits,
}

impl Backend for Served {
    type Moment = Arc<Snapshot>;

    fn sdl(&self) -> String {
        sdl()
    }

    fn moment(&self) -> Self::Moment {
        self.catalog.snapshot()
    }

    async fn run(&self, request: Request, moment: Self::Moment) -> Response {
        let mut request = request;
        let keys = order::root_keys(&mut request);
        let request = context::prepare(request, &self.catalog, moment, self.limits);
        order::arrange(self.schema.execute(request).await, &keys)
    }
}

impl Service {
    /// The service over a catalogue.
    ///
    /// # Errors
    /// When the limits contradict one another.
    pub fn new(catalog: Catalog, limits: Limits) -> Result<Self, ServiceError> {
        Self::over(
            Served {
                schema: schema(),
                catalog,
                limits,
            },
            limits,
        )
    }
}
