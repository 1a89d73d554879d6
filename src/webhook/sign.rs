//! Secrets of webhooks and the signatures made with them, as Standard Webhooks has them. At rest secrets are encrypted.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::secret::{Secret, random};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, and of the number that makes each encryption differ.
const SECRET_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// What signs the messages of one webhook; never shown but to its owner, once.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret([u8; SECRET_BYTES]);

impl SigningSecret {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(random()?))
    }

    /// As its owner gets it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(self.0))
    }

    /// The signature of a message.
    #[must_use]
    pub fn sign(&self, message: &str, timestamp: i64, body: &str) -> String {
        // A key may be of any length.
        let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(format!("{message}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(***)")
    }
}

/// A stored secret cannot be read with the server's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret cannot be decrypted: it was stored under another server's secret")]
pub struct Unreadable;

/// Encrypts secrets for the database, each bound to its webhook.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// A vault that the server's secret opens.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let key = secret.key("romdex 2026-11-23 encryption of webhook secrets");
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// Encrypts a webhook's secret.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal(&self, webhook: &str, secret: &SigningSecret) -> Result<Vec<u8>, getrandom::Error> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let payload = Payload {
            msg: &secret.0,
            aad: webhook.as_bytes(),
        };
        // It fails for messages of many gigabytes alone.
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a webhook's secret.
    ///
    /// # Errors
    /// When it was encrypted for another webhook or under another secret of the server, or was changed.
    pub fn open(&self, webhook: &str, sealed: &[u8]) -> Result<SigningSecret, Unreadable> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unreadable)?;
        let payload = Payload {
            msg: sealed,
            aad: webhook.as_bytes(),
        };
        let opened = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unreadable)?;
        opened.try_into().map(SigningSecret).map_err(|_| Unreadable)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Settings;

    fn vault(secret: &str) -> Vault {
        let settings = Settings {
            secret: secret.into(),
            ..Settings::default()
        };
        let database = "postgres://db/romdex".parse().unwrap();
        Vault::new(&Secret::open(&settings, &database).unwrap().unwrap())
    }

    #[test]
    fn a_signature_is_hmac_sha256_over_id_timestamp_and_body() {
        let secret = SigningSecret(*b"0123456789abcdef0123456789abcdef");
        // printf 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64
        assert_eq!(
            secret.sign("msg_1", 1_700_000_000, r#"{"a":1}"#),
            "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="
        );
        assert_eq!(secret.text(), "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        assert_eq!(format!("{secret:?}"), "SigningSecret(***)");
    }

    #[test]
    fn a_stored_secret_opens_for_its_webhook_and_server_alone() {
        let ours = vault("a secret of this server, long enough");
        let secret = SigningSecret::random().unwrap();
        let sealed = ours.seal("wh_1", &secret).unwrap();
        assert!(!sealed.windows(SECRET_BYTES).any(|window| window == secret.0));
        assert_ne!(sealed, ours.seal("wh_1", &secret).unwrap());
        assert_eq!(ours.open("wh_1", &sealed), Ok(secret));
        assert_eq!(ours.open("wh_2", &sealed), Err(Unreadable));
        assert_eq!(
            vault("a secret of another server, long too").open("wh_1", &sealed),
            Err(Unreadable)
        );
        let mut changed = sealed;
        changed[40] ^= 1;
        assert_eq!(ours.open("wh_1", &changed), Err(Unreadable));
        assert_eq!(ours.open("wh_1", b"short"), Err(Unreadable));
    }
}
