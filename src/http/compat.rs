//! `/compat` and `/api/v1`: what other programs parse today, in their form.

use actix_web::{HttpRequest, HttpResponse, web};

use super::published::{Failure, Publisher, refuse};
use super::resource::read_only;

type Data = web::Data<Publisher>;

/// Adds the drop-in routes.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(read_only("/compat/latest.yml", latest))
        .service(read_only("/compat/devices.yml", devices))
        .service(read_only("/compat/rss/{codename}.xml", device_feed))
        .service(read_only("/api/v1/{variant}/{romtype}/{incremental}", updates));
}

async fn latest(publisher: Data, request: HttpRequest) -> HttpResponse {
    let moment = publisher.feeds.moment();
    let render = async { Ok(publisher.compat.latest(&moment).await?) };
    publisher.send(&request, &moment, &["latest.yml"], render).await
}

async fn devices(publisher: Data, request: HttpRequest) -> HttpResponse {
    let moment = publisher.feeds.moment();
    let render = async { Ok(publisher.compat.devices(&moment).await?) };
    publisher.send(&request, &moment, &["devices.yml"], render).await
}

async fn device_feed(publisher: Data, request: HttpRequest, codename: web::Path<String>) -> HttpResponse {
    let base = match publisher.base(&request) {
        Ok(base) => base,
        Err(failure) => return refuse(&failure),
    };
    let moment = publisher.feeds.moment();
    let render = async { Ok::<_, Failure>(publisher.compat.device_feed(&moment, &codename, &base).await?) };
    let name = ["rss", base.as_str(), codename.as_str()];
    publisher.send(&request, &moment, &name, render).await
}

async fn updates(publisher: Data, request: HttpRequest, path: web::Path<(String, String, String)>) -> HttpResponse {
    let (variant, romtype, incremental) = path.into_inner();
    let moment = publisher.feeds.moment();
    let render = async { Ok(publisher.compat.updates(&moment, &variant, &romtype, &incremental)?) };
    let name = ["updates", variant.as_str(), romtype.as_str(), incremental.as_str()];
    publisher.send(&request, &moment, &name, render).await
}
