//! What the token endpoint grants: pure functions over its answer.

use serde_json::Value;

use crate::domain::time::Time;
use crate::provider::alteryx::store::Access;
use crate::provider::alteryx::store::Kept;
use crate::provider::http::Secret;
use crate::provider::http::token::jwt_end;
use crate::provider::http::token::seconds;

/// How long before its end a token is renewed, in seconds; at most a quarter of its life.
const MARGIN_S: i64 = 30;

/// What is assumed where neither the answer nor the token says how long it is good for: the shorter
/// of the two lives that the vendor names.
const UNSTATED_S: i64 = 300;

/// The new pair in an answer; `None` if there is no access token in it. Where no new refresh token
/// comes, the old one stays good (RFC 6749, 6).
pub(super) fn pair(body: &Value, kept: &Kept, asked: Time) -> Option<Kept> {
    let text = |name: &str| {
        let text = body.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| Secret::new(text))
    };
    let token = text("access_token")?;
    let good_until = end(body, &token, asked);
    let life_s = good_until.seconds_since(asked).max(0);
    let margin_s = MARGIN_S.min(life_s / 4);
    Some(Kept {
        first: kept.first.clone(),
        refresh: text("refresh_token").unwrap_or_else(|| kept.refresh.clone()),
        access: Some(Access {
            token,
            renew_from: good_until.plus_seconds(-margin_s),
            good_until,
        }),
        mark: None,
    })
}

/// When the access token ends: the earlier of what the answer and the token itself say. A token
/// whose own end has passed was made by a clock far from ours, which then says nothing.
fn end(body: &Value, token: &Secret, asked: Time) -> Time {
    let stated = body.get("expires_in").and_then(seconds);
    let stated = stated.map(|s| asked.plus_seconds(i64::try_from(s).unwrap_or(i64::MAX)));
    let own = jwt_end(token.expose()).filter(|end| *end > asked);
    let ends = [stated, own].into_iter().flatten();
    ends.min().unwrap_or_else(|| asked.plus_seconds(UNSTATED_S))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use crate::domain::time::Time;
    use crate::provider::alteryx::grant::pair;
    use crate::provider::alteryx::store::Kept;
    use crate::provider::http::Secret;

    fn asked() -> Time {
        Time::from_seconds(1_800_000_000)
    }

    fn life(body: &serde_json::Value) -> i64 {
        let kept = Kept {
            first: "f".into(),
            refresh: Secret::new("old"),
            access: None,
            mark: None,
        };
        let fresh = pair(body, &kept, asked()).unwrap();
        fresh.access.unwrap().good_until.seconds_since(asked())
    }

    fn jwt(claims: &serde_json::Value) -> String {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("e30.{payload}.sig")
    }

    #[test]
    fn a_token_is_never_believed_for_longer_than_is_stated() {
        let to = |s: i64| jwt(&json!({ "exp": 1_800_000_000 + s, "iss": "https://evil.test" }));
        for (body, seconds) in [
            (json!({"access_token": "a", "expires_in": 299}), 299),
            (json!({"access_token": "a", "expires_in": "3600"}), 3600),
            (json!({"access_token": "a", "expires_in": "soon"}), 300),
            (json!({"access_token": "a"}), 300),
            (json!({"access_token": to(120), "expires_in": 3600}), 120),
            (json!({"access_token": to(3600), "expires_in": 299}), 299),
            (json!({"access_token": to(60)}), 60),
            // our clock is ahead of theirs by more than the token lives
            (json!({"access_token": to(-5), "expires_in": 299}), 299),
            (json!({"access_token": "a.!!.c", "expires_in": 10}), 10),
        ] {
            assert_eq!(life(&body), seconds, "{body}");
        }
    }
}
