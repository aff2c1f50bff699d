//! Requests as data: they can be shown to an intent before they are sent.

use reqwest::Method;

/// One request below the configured address; credentials are added when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, identifiers encoded by [`segment`](crate::http::segment).
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Further headers (`if-match`), names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON text.
    Json(String),
    /// JSON text under another media type, such as `application/scim+json`.
    Typed(&'static str, String),
    /// Fields of a form, decoded.
    Form(Vec<(String, String)>),
}

impl Request {
    /// A request without query, body and further headers.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: Body::None,
            headers: Vec::new(),
        }
    }

    /// `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Adds one pair to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Carries JSON.
    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Body::Json(value.to_string());
        self
    }

    /// Carries a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        self.body = Body::Form(fields.iter().map(own).collect());
        self
    }

    /// Adds a header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body as it goes over the wire, with its media type.
    pub fn wire_body(&self) -> Option<(&'static str, String)> {
        match &self.body {
            Body::None => None,
            Body::Json(text) => Some(("application/json", text.clone())),
            Body::Typed(media, text) => Some((media, text.clone())),
            Body::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields);
                Some(("application/x-www-form-urlencoded", form.finish()))
            }
        }
    }

    /// Method, path, query and body as one text, to which an intent commits.
    pub fn text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let path = self.path.trim_start_matches('/');
        let body = self.wire_body().map(|(_, text)| text).unwrap_or_default();
        format!("{} /{path}{mark}{query}\n{body}", self.method)
    }
}
