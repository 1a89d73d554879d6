//! The playground: the files that Vite built, as part of the program. Nothing here knows what is in them.

use std::borrow::Cow;
use std::fmt::Write as _;

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentEncoding, ETAG, Encoding,
    EntityTag, HeaderValue, IfNoneMatch, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};

use super::resource::read_only;

/// The playground. The folder is empty where the program was built without Node.js.
#[derive(Embed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Playground;

const INDEX: &str = "index.html";

/// The folder of files whose names change with their contents.
const HASHED: &str = "assets/";

/// Everything from this server, nothing from elsewhere. The editor sets styles as it runs and brings its fonts along.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What `/playground` says where there is none.
const NOT_BUILT: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>romdex playground</title>
<h1>The playground is not part of this build</h1>
<p>It is built with Node.js: run <code>make web</code> in romdex's folder, then build romdex again.</p>
<p>The API itself is at <a href=\"../graphql\">/graphql</a>.</p>
</html>
";

/// How a file may have been compressed when it was built, best first, and what its name then ends in.
const COMPRESSED: [(ContentEncoding, &str); 2] = [(ContentEncoding::Brotli, "br"), (ContentEncoding::Gzip, "gz")];

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Adds `/playground` with what is below it, and `/`, which leads there.
pub fn configure(app: &mut web::ServiceConfig) {
    configure_with::<Playground>(app);
}

fn configure_with<Files: Embed + 'static>(app: &mut web::ServiceConfig) {
    app.service(read_only("/", to_playground))
        .service(read_only("/playground", to_playground))
        .service(read_only("/playground/{path:.*}", serve::<Files>));
}

/// The page's own addresses are relative: it has to be asked for with a slash at the end.
async fn to_playground() -> HttpResponse {
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, "playground/"))
        .finish()
}

async fn serve<Files: Embed>(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let path = if path.is_empty() { INDEX } else { path.as_str() };
    let Some(plain) = Files::get(path) else {
        return if path == INDEX { not_built() } else { not_found() };
    };
    let (encoding, file) = compressed::<Files>(&request, path).map_or((None, plain), |(how, file)| (Some(how), file));
    let tag = entity_tag(&file);
    let known = request.get_header::<IfNoneMatch>().is_some_and(|known| match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|other| other.weak_eq(&tag)),
    });

    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    guard(&mut response)
        .insert_header((ETAG, tag.to_string()))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((
            CACHE_CONTROL,
            if path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN },
        ));
    if known {
        return response.finish();
    }
    if let Some(encoding) = encoding {
        response.insert_header((CONTENT_ENCODING, encoding.as_str()));
    }
    response.content_type(content_type(path)).body(match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    })
}

/// The best form of a file that was compressed when it was built and that the client can read.
fn compressed<Files: Embed>(request: &HttpRequest, path: &str) -> Option<(ContentEncoding, EmbeddedFile)> {
    let accepted = request.get_header::<AcceptEncoding>()?;
    COMPRESSED.into_iter().find_map(|(encoding, ending)| {
        let wanted = Encoding::Known(encoding);
        (accepted.negotiate([&wanted].into_iter()).as_ref() == Some(&wanted))
            .then(|| Files::get(&format!("{path}.{ending}")))
            .flatten()
            .map(|file| (encoding, file))
    })
}

/// What the file holds, in short: other contents, another tag.
fn entity_tag(file: &EmbeddedFile) -> EntityTag {
    let digest = file.metadata.sha256_hash();
    let tag = digest.iter().take(12).fold(String::new(), |mut tag, byte| {
        let _ = write!(tag, "{byte:02x}");
        tag
    });
    EntityTag::new_strong(tag)
}

fn content_type(path: &str) -> String {
    let found = mime_guess::from_path(path).first_or_octet_stream();
    if found.type_() == mime_guess::mime::TEXT {
        format!("{found}; charset=utf-8")
    } else {
        found.to_string()
    }
}

/// What holds for every answer: it is what it says it is, and it reaches for nothing outside this server.
fn guard(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
}

fn not_built() -> HttpResponse {
    guard(&mut HttpResponse::Ok())
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(NOT_BUILT)
}

fn not_found() -> HttpResponse {
    guard(&mut HttpResponse::NotFound())
        .content_type("text/plain; charset=utf-8")
        .body("there is no such file\n")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderName, IF_NONE_MATCH};
    use actix_web::http::{Method, StatusCode};
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, dev::ServiceResponse};

    use super::*;

    /// Three small files in the shape of what Vite writes.
    #[derive(Embed)]
    #[folder = "tests/fixtures/playground"]
    struct Small;

    /// A build without Node.js.
    #[derive(Embed)]
    #[folder = "tests/fixtures/nothing"]
    #[allow_missing = true]
    struct Nothing;

    const SCRIPT: &str = "/playground/assets/app-AbCd1234.js";

    async fn ask<Files: Embed + 'static>(request: TestRequest) -> ServiceResponse {
        let app = init_service(App::new().configure(configure_with::<Files>)).await;
        call_service(&app, request.to_request()).await
    }

    fn get(path: &str) -> TestRequest {
        TestRequest::get().uri(path)
    }

    fn header(response: &ServiceResponse, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn text(response: ServiceResponse) -> String {
        String::from_utf8(read_body(response).await.to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn the_root_and_the_bare_name_lead_to_the_playground() {
        for path in ["/", "/playground"] {
            let response = ask::<Small>(get(path)).await;
            assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT, "{path}");
            assert_eq!(header(&response, LOCATION), "playground/", "{path}");
        }
    }

    #[actix_web::test]
    async fn the_page_is_asked_for_anew_and_reaches_for_nothing_outside() {
        let response = ask::<Small>(get("/playground/")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(header(&response, CONTENT_SECURITY_POLICY).starts_with("default-src 'none'; script-src 'self';"));
        assert!(text(response).await.contains("app-AbCd1234.js"));
    }

    #[actix_web::test]
    async fn a_hashed_file_is_kept_for_ever() {
        let response = ask::<Small>(get(SCRIPT)).await;
        assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(header(&response, CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(header(&response, CONTENT_ENCODING), "");
        assert!(text(response).await.starts_with("document.title"));
    }

    #[actix_web::test]
    async fn a_file_is_sent_compressed_to_whoever_can_read_it() {
        for (accepted, sent) in [
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0.1, gzip", "br"),
            ("gzip", ""), // was not built in this form
            ("br;q=0", ""),
            ("identity", ""),
        ] {
            let response = ask::<Small>(get(SCRIPT).insert_header((ACCEPT_ENCODING, accepted))).await;
            assert_eq!(response.status(), StatusCode::OK, "{accepted}");
            assert_eq!(header(&response, CONTENT_ENCODING), sent, "{accepted}");
            assert_eq!(
                header(&response, CONTENT_TYPE),
                "text/javascript; charset=utf-8",
                "{accepted}"
            );
            assert_eq!(header(&response, VARY), "accept-encoding", "{accepted}");
        }
    }

    #[actix_web::test]
    async fn what_a_client_has_is_not_sent_again() {
        let response = ask::<Small>(get(SCRIPT)).await;
        let tag = header(&response, ETAG).to_owned();
        for (known, status) in [
            (tag.as_str(), StatusCode::NOT_MODIFIED),
            (&format!("W/{tag}"), StatusCode::NOT_MODIFIED),
            ("*", StatusCode::NOT_MODIFIED),
            ("\"other\"", StatusCode::OK),
        ] {
            let response = ask::<Small>(get(SCRIPT).insert_header((IF_NONE_MATCH, known))).await;
            assert_eq!(response.status(), status, "{known}");
            assert_eq!(header(&response, ETAG), tag, "{known}");
        }
        let compressed = ask::<Small>(get(SCRIPT).insert_header((ACCEPT_ENCODING, "br"))).await;
        assert_ne!(header(&compressed, ETAG), tag);
    }

    #[actix_web::test]
    async fn only_the_bundle_s_files_are_served() {
        for path in [
            "/playground/none.js",
            "/playground/../Cargo.toml",
            "/playground/%2e%2e/defects.rs",
            "/playground//etc/passwd",
        ] {
            assert_eq!(ask::<Small>(get(path)).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[actix_web::test]
    async fn nothing_can_be_sent_to_the_playground() {
        for path in ["/", "/playground", "/playground/"] {
            let response = ask::<Small>(get(path).method(Method::POST)).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(header(&response, ALLOW), "GET, HEAD", "{path}");
        }
    }

    #[actix_web::test]
    async fn without_the_bundle_the_page_says_how_to_build_it() {
        let response = ask::<Nothing>(get("/playground/")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
        assert!(text(response).await.contains("make web"));
    }
}
