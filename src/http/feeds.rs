//! `/feeds`: the catalogue's releases as Atom, RSS, JSON Feed and iCalendar, for any filter.

use actix_web::{HttpRequest, HttpResponse, web};

use super::published::{Failure, Publisher, refuse};
use super::resource::read_only;
use crate::feed::{Format, Query};

/// Adds the feeds.
pub fn configure(app: &mut web::ServiceConfig) {
    for format in Format::ALL {
        app.service(read_only(
            format.path(),
            move |publisher: web::Data<Publisher>, request: HttpRequest| async move {
                match feed(&publisher, &request, format).await {
                    Ok(response) => response,
                    Err(failure) => refuse(&failure),
                }
            },
        ));
    }
}

async fn feed(publisher: &Publisher, request: &HttpRequest, format: Format) -> Result<HttpResponse, Failure> {
    let base = publisher.base(request)?;
    let query = Query::parse(format, request.query_string())?;
    let moment = publisher.feeds.moment();
    let address = query.to_url_query(query.archive());
    let render = async { Ok(publisher.feeds.render(&moment, format, &query, &base).await?) };
    let name = [format.path(), base.as_str(), address.as_str()];
    Ok(publisher.send(request, &moment, &name, render).await)
}
