//! `/health`: whether the process answers, for whoever supervises it.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};

/// Adds `/health`.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/health")
            .route(web::get().to(health))
            .route(web::head().to(health))
            .default_service(web::to(async || {
                HttpResponse::MethodNotAllowed()
                    .insert_header(("allow", "GET, HEAD"))
                    .finish()
            })),
    );
}

async fn health() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .content_type("application/json")
        .body(r#"{"status":"ok"}"#)
}
