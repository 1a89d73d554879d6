//! `/health`: whether the process answers, for whoever supervises it.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};

use super::resource::read_only;

/// Adds `/health`.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(read_only("/health", health));
}

async fn health() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .content_type("application/json")
        .body(r#"{"status":"ok"}"#)
}
