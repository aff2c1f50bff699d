//! Who sends: a bearer token, fixed or changing, and the headers that a gateway wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use url::Url;

use crate::provider::ProviderError;
use crate::provider::alteryx::token::Rotating;
use crate::provider::http::Auth;
use crate::provider::http::HttpError;
use crate::provider::http::Request;
use crate::provider::http::Secret;
use crate::provider::http::header_value;
use crate::provider::http::redact;

/// Headers that are ours to set, or that would change where a request goes or how it ends.
const OURS: &[&str] = &[
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The credentials of every request.
#[derive(Debug)]
pub(super) struct Bearer {
    token: Token,
    further: HeaderMap,
}

/// Where the access token comes from.
#[derive(Debug)]
pub(super) enum Token {
    /// It is configured and grows old.
    Fixed(Secret),
    /// It is renewed.
    Rotating(Arc<Rotating>),
}

impl Bearer {
    /// Sends `further` headers with every request too; one that cannot be sent is a mistake.
    pub(super) fn new(
        token: Token,
        further: &BTreeMap<String, String>,
    ) -> Result<Self, ProviderError> {
        let mistake = |what: String| ProviderError::Configuration { what };
        if let Token::Fixed(secret) = &token
            && header_value("Bearer ", secret).is_none()
        {
            let what = "`access_token` is empty, or cannot be sent as a header";
            return Err(mistake(what.to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in further {
            let lower = name.trim().to_ascii_lowercase();
            if OURS.contains(&lower.as_str()) {
                let what = format!("`headers` may not hold `{lower}`; Exeunt sets it itself");
                return Err(mistake(what));
            }
            let pair = HeaderName::from_bytes(lower.as_bytes())
                .ok()
                .zip(HeaderValue::from_str(value.trim()).ok());
            let (name, value) = pair.ok_or_else(|| {
                mistake(format!(
                    "`headers` has `{lower}`, which cannot be sent as a header"
                ))
            })?;
            headers.insert(name, value);
        }
        Ok(Self {
            token,
            further: headers,
        })
    }
}

#[async_trait]
impl Auth for Bearer {
    async fn headers(&self, request: &Request, _: &Url) -> Result<HeaderMap, HttpError> {
        let token = match &self.token {
            Token::Fixed(token) => token.clone(),
            Token::Rotating(rotating) => rotating.token(request.method == Method::GET).await?,
        };
        let value = header_value("Bearer ", &token).ok_or_else(|| HttpError::Token {
            what: "the token cannot be sent as a header".to_owned(),
        })?;
        let mut headers = self.further.clone();
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }

    async fn refused(&self) -> bool {
        match &self.token {
            Token::Fixed(_) => false,
            Token::Rotating(rotating) => rotating.refused().await,
        }
    }

    fn is_loopback(&self) -> bool {
        match &self.token {
            Token::Fixed(_) => true,
            Token::Rotating(rotating) => rotating.is_loopback(),
        }
    }

    fn redact(&self, text: String) -> String {
        match &self.token {
            Token::Fixed(token) => redact(text, token),
            Token::Rotating(rotating) => rotating.redact(text),
        }
    }
}
