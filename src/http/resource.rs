//! What is only read: addresses that take GET and HEAD alone.

use actix_web::http::header::ALLOW;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, web};

/// An address that answers GET and HEAD, and tells every other method so.
pub fn read_only<H, Arguments>(path: &str, handler: H) -> Resource
where
    H: Handler<Arguments, Output = HttpResponse>,
    Arguments: FromRequest + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(async || {
            HttpResponse::MethodNotAllowed()
                .insert_header((ALLOW, "GET, HEAD"))
                .finish()
        }))
}
