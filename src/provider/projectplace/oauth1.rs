//! OAuth 1 signatures (RFC 5849, HMAC-SHA1), as ProjectPlace asks for them: query and form are
//! signed, JSON is not.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::AUTHORIZATION;
use reqwest::header::HeaderMap;
use url::Url;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::provider::ProviderError;
use crate::provider::http::Auth;
use crate::provider::http::Body;
use crate::provider::http::HttpError;
use crate::provider::http::Request;
use crate::provider::http::Secret;
use crate::provider::http::header_value;
use crate::provider::http::redact;
use crate::provider::http::segment;

/// The two pairs of keys: of the application, and of the token (a robot has both).
#[derive(Debug, Clone)]
pub struct OAuth1Keys {
    /// The application's key (`oauth_consumer_key`).
    pub application_key: Secret,
    /// The application's secret.
    pub application_secret: Secret,
    /// The token's key (`oauth_token`).
    pub token_key: Secret,
    /// The token's secret.
    pub token_secret: Secret,
}

impl OAuth1Keys {
    fn all(&self) -> [&Secret; 4] {
        [
            &self.application_key,
            &self.application_secret,
            &self.token_key,
            &self.token_secret,
        ]
    }
}

/// Signs each request.
pub(super) struct OAuth1 {
    keys: OAuth1Keys,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for OAuth1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth1").finish_non_exhaustive()
    }
}

impl OAuth1 {
    /// Takes the keys; an empty one is a mistake in the configuration.
    pub(super) fn new(keys: OAuth1Keys, clock: Arc<dyn Clock>) -> Result<Self, ProviderError> {
        if keys.all().iter().any(|key| plain(key).is_empty()) {
            return Err(ProviderError::Configuration {
                what: "one of the four OAuth 1 keys is empty".to_owned(),
            });
        }
        Ok(Self { keys, clock })
    }

    /// The value of the header for one request.
    fn authorization(
        &self,
        request: &Request,
        url: &Url,
        nonce: &str,
        timestamp: i64,
    ) -> Zeroizing<String> {
        let timestamp = timestamp.to_string();
        let fields = [
            ("oauth_nonce", nonce),
            ("oauth_timestamp", timestamp.as_str()),
            ("oauth_version", "1.0"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_consumer_key", plain(&self.keys.application_key)),
            ("oauth_token", plain(&self.keys.token_key)),
        ];
        let base = base_string(request, url, &fields);
        let signature = sign(
            &base,
            plain(&self.keys.application_secret),
            plain(&self.keys.token_secret),
        );
        let mut parts: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", segment(value)))
            .collect();
        parts.push(format!("oauth_signature=\"{}\"", segment(&signature)));
        Zeroizing::new(parts.join(", "))
    }
}

/// A secret as it is used: files end with a line feed that is not part of it.
fn plain(secret: &Secret) -> &str {
    secret.expose().trim()
}

/// The signature base string (RFC 5849, 3.4.1).
fn base_string(request: &Request, url: &Url, oauth: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (segment(&name), segment(&value)))
        .collect();
    let own = |(name, value): &(&str, &str)| (segment(name), segment(value));
    pairs.extend(oauth.iter().map(own));
    if let Body::Form(fields) = &request.body {
        let fields = fields.iter();
        pairs.extend(fields.map(|(name, value)| (segment(name), segment(value))));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let address = format!("{}{}", url.origin().ascii_serialization(), url.path());
    let method = request.method.as_str();
    let (address, pairs) = (segment(&address), segment(&pairs.join("&")));
    format!("{method}&{address}&{pairs}")
}

/// HMAC-SHA1 over the base string, in base64 (RFC 5849, 3.4.2).
fn sign(base: &str, application_secret: &str, token_secret: &str) -> String {
    let (first, second) = (segment(application_secret), segment(token_secret));
    let key = Zeroizing::new(format!("{first}&{second}"));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

#[async_trait]
impl Auth for OAuth1 {
    async fn headers(&self, request: &Request, url: &Url) -> Result<HeaderMap, HttpError> {
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let timestamp = self.clock.now().micros().div_euclid(1_000_000);
        let text = self.authorization(request, url, &nonce, timestamp);
        let value = header_value("OAuth ", &Secret::new(text.as_str()));
        let value = value.ok_or_else(|| HttpError::Token {
            what: "the OAuth 1 keys cannot be sent as a header".to_owned(),
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }

    fn redact(&self, text: String) -> String {
        self.keys.all().into_iter().fold(text, redact)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use reqwest::Method;
    use serde_json::json;
    use url::Url;

    use crate::clock::SystemClock;
    use crate::provider::http::Auth as _;
    use crate::provider::http::Request;
    use crate::provider::http::Secret;
    use crate::provider::projectplace::oauth1::OAuth1;
    use crate::provider::projectplace::oauth1::OAuth1Keys;
    use crate::provider::projectplace::oauth1::base_string;
    use crate::provider::projectplace::oauth1::sign;

    const OAUTH: [(&str, &str); 6] = [
        ("oauth_nonce", "n"),
        ("oauth_timestamp", "1700000000"),
        ("oauth_version", "1.0"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_consumer_key", "ck"),
        ("oauth_token", "tk"),
    ];

    fn keys() -> OAuth1Keys {
        OAuth1Keys {
            application_key: Secret::new("ck\n"),
            application_secret: Secret::new("cs"),
            token_key: Secret::new("tk"),
            token_secret: Secret::new("ts"),
        }
    }

    fn signer() -> OAuth1 {
        OAuth1::new(keys(), Arc::new(SystemClock::default())).unwrap()
    }

    /// The request, its address, its base string and its signature, for each vector of the
    /// reference.
    fn vectors() -> [(Request, &'static str, &'static str, &'static str); 3] {
        [
            (
                Request::new(Method::POST, "1/account/people").json(&json!({"a": 1})),
                "http://127.0.0.1:1/1/account/people",
                "POST&http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fpeople&oauth_consumer_key%3Dck%26\
                 oauth_nonce%3Dn%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D170000000\
                 0%26oauth_token%3Dtk%26oauth_version%3D1.0",
                "fC5nZG/BshEbDxhCZ0Tbk01o/Js=",
            ),
            (
                Request::get("1/account/members").query("include_external_users", "1"),
                "http://127.0.0.1:1/1/account/members?include_external_users=1",
                "GET&http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fmembers&include_external_users%3D1\
                 %26oauth_consumer_key%3Dck%26oauth_nonce%3Dn%26oauth_signature_method%3DHMAC-SHA1\
                 %26oauth_timestamp%3D1700000000%26oauth_token%3Dtk%26oauth_version%3D1.0",
                "WBXO+p8J1aRIZcASK4aeHMyITao=",
            ),
            (
                Request::new(Method::POST, "1/account/projects").form(&[("name", "a b")]),
                "http://127.0.0.1:1/1/account/projects",
                "POST&http%3A%2F%2F127.0.0.1%3A1%2F1%2Faccount%2Fprojects&name%3Da%2520b%26\
                 oauth_consumer_key%3Dck%26oauth_nonce%3Dn%26oauth_signature_method%3DHMAC-SHA1%26\
                 oauth_timestamp%3D1700000000%26oauth_token%3Dtk%26oauth_version%3D1.0",
                "esMj5xFJToO5K8Nr9rATmN5kd1E=",
            ),
        ]
    }

    #[test]
    fn the_vectors_of_the_reference() {
        for (request, url, base, signature) in vectors() {
            let url = Url::parse(url).unwrap();
            let found = base_string(&request, &url, &OAUTH);
            assert_eq!(found, base);
            assert_eq!(sign(&found, "cs", "ts"), signature);
        }
    }

    #[test]
    fn the_header_is_the_one_that_the_vendors_client_sends() {
        let (request, url, _, _) = vectors().into_iter().next().unwrap();
        let url = Url::parse(url).unwrap();
        let text = signer().authorization(&request, &url, "n", 1_700_000_000);
        assert_eq!(
            text.as_str(),
            "oauth_nonce=\"n\", oauth_timestamp=\"1700000000\", oauth_version=\"1.0\", \
             oauth_signature_method=\"HMAC-SHA1\", oauth_consumer_key=\"ck\", \
             oauth_token=\"tk\", oauth_signature=\"fC5nZG%2FBshEbDxhCZ0Tbk01o%2FJs%3D\""
        );
    }

    #[test]
    fn the_example_of_rfc_5849_section_3_4_1() {
        let url = Url::parse("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b");
        let request = Request::new(Method::POST, "request").form(&[("c2", ""), ("a3", "2 q")]);
        let oauth = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        assert_eq!(
            base_string(&request, &url.unwrap(), &oauth),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%\
             253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce\
             %3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26\
             oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn the_example_of_rfc_5849_section_1_2() {
        let url = "http://photos.example.net/photos?file=vacation.jpg&size=original";
        let oauth = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        let base = base_string(&Request::get("photos"), &Url::parse(url).unwrap(), &oauth);
        assert_eq!(
            sign(&base, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00"),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I="
        );
    }

    #[tokio::test]
    async fn each_request_has_its_own_nonce_and_the_header_is_sensitive() {
        let signer = signer();
        let url = Url::parse("https://api.example/1/account").unwrap();
        let request = Request::get("1/account");
        let one = signer.headers(&request, &url).await.unwrap();
        let two = signer.headers(&request, &url).await.unwrap();
        let value = one.get("authorization").unwrap();
        assert!(value.is_sensitive());
        assert_ne!(value, two.get("authorization").unwrap());
        assert!(!format!("{signer:?}{one:?}").contains("ck"));
        let said = signer.redact("ck cs tk ts are known".to_owned());
        assert_eq!(said, "… … … … are known");
    }

    #[test]
    fn an_empty_key_is_a_mistake() {
        let keys = OAuth1Keys {
            token_secret: Secret::new(" \n"),
            ..keys()
        };
        assert!(OAuth1::new(keys, Arc::new(SystemClock::default())).is_err());
    }
}
