//! From a request to the function that answers it: token, limit, route.

use crate::sandbox::{
    scim::{Scim, discovery, list, users, wire::refusal},
    tenant::{Answer, Call},
};

impl Scim {
    /// Answers a request.
    pub(crate) fn route(&mut self, call: &Call<'_>) -> Answer {
        if call.path == "/oauth/token" {
            return self.tokens.answer(&self.settings, call);
        }
        let segments = call.segments();
        let base: Vec<&str> = self.settings.base.split('/').skip(1).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some(rest) = segments.strip_prefix(base.as_slice()) else {
            return refusal(404, "Not found");
        };
        let open = self.settings.open_discovery
            && matches!(
                rest.first(),
                Some(&("ServiceProviderConfig" | "ResourceTypes" | "Schemas"))
            );
        if !open && !self.tokens.accepts(&self.settings, call) {
            let challenge = "Bearer realm=\"scim\", error=\"invalid_token\"";
            return refusal(401, "Authorization failure").with("www-authenticate", challenge);
        }
        if let Some(refused) = self.used.charge(&self.settings, call.now) {
            return refused;
        }
        if let Some(answer) = discovery::discover(&self.settings, call, rest) {
            return answer;
        }
        let (world, settings) = (&mut self.world, &self.settings);
        match (call.method, rest) {
            ("GET", ["Users"]) => list::list(world, settings, call),
            ("POST", ["Users"]) => users::create(world, settings, call),
            (_, ["Users", id]) if !id.is_empty() => users::one(world, settings, call, id),
            (_, ["Me" | "Bulk"]) => refusal(501, "Not implemented"),
            (_, ["Users"]) => refusal(405, "Method not allowed"),
            _ => refusal(404, "Not found"),
        }
    }
}
