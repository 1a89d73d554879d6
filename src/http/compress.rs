//! Bodies in fewer bytes: zstd, br or gzip, as the client weighs them. Compressed bodies that others may get too are
//! kept, so that the same is not compressed again for each of them.

use std::io::{self, Write as _};

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT_ENCODING, HeaderValue};
use bytes::Bytes;
use flate2::write::GzEncoder;
use moka::future::Cache;
use rustc_hash::FxBuildHasher;

use crate::graphql::service::Stamp;
use crate::telemetry::metrics::{self, Registry};

/// Smaller answers are sent as they are: they fit a packet anyway.
const WORTH_IT: usize = 1024;

/// A way to write an answer in fewer bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Fast and small: taken where the client does not care which.
    Zstd,
    /// Brotli.
    Brotli,
    /// What every client knows.
    Gzip,
}

impl Encoding {
    /// The value of `Content-Encoding`.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        })
    }

    /// The encoding that the request prefers, where it accepts one.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let accepted = request.headers().get(ACCEPT_ENCODING)?.to_str().ok()?;
        let mut weights = [(Self::Zstd, None), (Self::Brotli, None), (Self::Gzip, None)];
        let mut any = None;
        let mut identity = None;
        for range in accepted.split(',') {
            let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = match parameters.trim().split_once('=') {
                Some((_, weight)) => weight.trim().parse::<f32>().unwrap_or(0.0),
                None => 1.0,
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "zstd" => weights[0].1 = Some(weight),
                "br" => weights[1].1 = Some(weight),
                "gzip" | "x-gzip" => weights[2].1 = Some(weight),
                "*" => any = Some(weight),
                "identity" => identity = Some(weight),
                _ => {}
            }
        }
        let weighed = weights
            .into_iter()
            .map(|(encoding, weight)| (encoding, weight.or(any).unwrap_or(0.0)));
        let mut best = None;
        for (encoding, weight) in weighed {
            if weight > 0.0 && weight >= identity.unwrap_or(0.0) && best.is_none_or(|(_, most)| weight > most) {
                best = Some((encoding, weight));
            }
        }
        best.map(|(encoding, _)| encoding)
    }

    fn write(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(body, 3),
            Self::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: 4,
                    ..Default::default()
                };
                let mut out = Vec::with_capacity(body.len() / 4);
                brotli::BrotliCompress(&mut &*body, &mut out, &parameters)?;
                Ok(out)
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}

/// Compresses answers, and keeps what may be needed again.
pub struct Compressor {
    kept: Option<Cache<(Stamp, Encoding), Bytes, FxBuildHasher>>,
}

impl Compressor {
    /// A compressor that keeps so many bytes, which are told by this name; 0 keeps nothing.
    pub fn new(bytes: u64, name: &str, registry: &Registry) -> Self {
        let kept = (bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(bytes)
                .weigher(|_: &(Stamp, Encoding), body: &Bytes| u32::try_from(body.len() + 256).unwrap_or(u32::MAX))
                .build_with_hasher(FxBuildHasher)
        });
        if let Some(kept) = &kept {
            metrics::register_cache(registry, name, "Compressed bodies that are kept", kept);
        }
        Self { kept }
    }

    /// A body in this encoding, where that is worth it; kept where a stamp tells it from all others.
    pub async fn compress(&self, body: &Bytes, stamp: Option<Stamp>, encoding: Encoding) -> Option<Bytes> {
        if body.len() < WORTH_IT {
            return None;
        }
        let (Some(kept), Some(stamp)) = (&self.kept, stamp) else {
            return encoding.write(body).ok().map(Bytes::from);
        };
        if let Some(written) = kept.get(&(stamp, encoding)).await {
            return Some(written);
        }
        // copied, so that what is kept is as large as it is counted
        let written = Bytes::copy_from_slice(&encoding.write(body).ok()?);
        kept.insert((stamp, encoding), written.clone()).await;
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_encoding_follows_the_weights() {
        let table = [
            ("", None),
            ("identity", None),
            ("gzip", Some(Encoding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Encoding::Zstd)),
            ("gzip;q=1.0, br;q=0.8", Some(Encoding::Gzip)),
            ("br;q=0.5, zstd;q=0", Some(Encoding::Brotli)),
            ("*", Some(Encoding::Zstd)),
            ("*;q=0.1, zstd;q=0", Some(Encoding::Brotli)),
            ("identity;q=1, gzip;q=0.5", None),
            ("gzip;q=nonsense", None),
            ("deflate", None),
        ];
        for (accepted, expected) in table {
            let request = TestRequest::default()
                .insert_header((ACCEPT_ENCODING, accepted))
                .to_http_request();
            assert_eq!(Encoding::of(&request), expected, "{accepted}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        use std::io::Read as _;
        let body = "a body that repeats itself ".repeat(100);
        let mut read = String::new();
        flate2::read::GzDecoder::new(&*Encoding::Gzip.write(body.as_bytes()).unwrap())
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, body);
        assert_eq!(
            zstd::decode_all(&*Encoding::Zstd.write(body.as_bytes()).unwrap()).unwrap(),
            body.as_bytes()
        );
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut &*Encoding::Brotli.write(body.as_bytes()).unwrap(), &mut read).unwrap();
        assert_eq!(read, body.as_bytes());
    }
}
