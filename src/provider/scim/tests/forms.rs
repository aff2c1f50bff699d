//! Which form is tried after which, without a network.

use serde_json::json;

use crate::provider::http::Payload;
use crate::provider::scim::change;
use crate::provider::scim::form::Dislike;
use crate::provider::scim::form::Form;
use crate::provider::scim::form::Trials;
use crate::provider::scim::tests::user;

/// What a server insists on; `None` is as it likes.
#[derive(Debug, Clone, Copy)]
struct Taste {
    patch: bool,
    object: Option<bool>,
    capital: Option<bool>,
    text: Option<bool>,
    /// Whether it says what it dislikes.
    says: bool,
}

impl Taste {
    fn of(self, form: Form) -> Option<Dislike> {
        let differs = |wanted: Option<bool>, is: bool| wanted.is_some_and(|w| w != is);
        if !form.whole && !self.patch {
            return Some(Dislike::Patch);
        }
        let dislike = match form.whole {
            false if differs(self.capital, form.capital) => Dislike::Syntax,
            false if differs(self.object, form.object) => Dislike::Path,
            _ if differs(self.text, form.text) => Dislike::Value,
            _ => return None,
        };
        Some(if self.says {
            dislike
        } else {
            Dislike::Something
        })
    }

    /// How many requests it takes; `None` if it is given up or takes too many.
    fn requests(self, trials: &mut Trials, id: &str, claims: Option<bool>) -> Option<u32> {
        for n in 1..=8 {
            let form = trials.next(id, false, claims);
            match self.of(form) {
                None => {
                    trials.worked();
                    return Some(n);
                }
                Some(dislike) if !trials.failed(dislike, claims) => return None,
                Some(_) => {}
            }
        }
        // the engine does not ask more often
        None
    }
}

#[test]
fn every_server_that_says_what_it_dislikes_is_served() {
    let any = [None, Some(false), Some(true)];
    for patch in [true, false] {
        for (object, capital, text) in any
            .into_iter()
            .flat_map(|o| any.into_iter().flat_map(move |c| any.map(|t| (o, c, t))))
        {
            let says = true;
            let taste = Taste {
                patch,
                object,
                capital,
                text,
                says,
            };
            for claims in [None, Some(true), Some(false)] {
                let mut trials = Trials::default();
                let first = taste.requests(&mut trials, "a", claims);
                assert!(
                    first.is_some_and(|n| n <= 4),
                    "{taste:?} {claims:?}: {first:?}"
                );
                let second = taste.requests(&mut trials, "b", claims);
                assert_eq!(second, Some(1), "{taste:?}: what worked is taken again");
            }
        }
    }
}

#[test]
fn the_usual_forms_are_found_without_a_word() {
    for (object, capital, text) in [
        (false, false, false),
        (true, false, false),
        (false, true, true),
        (false, false, true),
        (false, true, false),
    ] {
        let taste = Taste {
            patch: true,
            object: Some(object),
            capital: Some(capital),
            text: Some(text),
            says: false,
        };
        assert!(
            taste
                .requests(&mut Trials::default(), "a", Some(true))
                .is_some()
        );
    }
}

#[test]
fn who_may_not_be_changed_at_all_spoils_nothing_for_the_next() {
    let mut trials = Trials::default();
    for _ in 0..10 {
        trials.next("last-admin", false, Some(true));
        if !trials.failed(Dislike::Value, Some(true)) {
            break;
        }
    }
    let form = trials.next("another", false, Some(true));
    assert!(!form.whole && !form.text, "from the first form: {form:?}");
    // and a server with PATCH is never sent whole users
    for dislike in [
        Dislike::Path,
        Dislike::Value,
        Dislike::Syntax,
        Dislike::Something,
    ] {
        let mut trials = Trials::default();
        for _ in 0..10 {
            assert!(!trials.next("x", false, Some(true)).whole);
            trials.failed(dislike, Some(true));
        }
    }
}

#[test]
fn media_type_and_version_are_tried_once_each() {
    let mut trials = Trials::default();
    let first = trials.next("a", false, None);
    assert!(trials.failed(Dislike::Media, None) && trials.plain);
    assert!(trials.failed(Dislike::Version, None) && trials.versioned);
    assert_eq!(trials.next("a", false, None), first);
    assert!(!trials.failed(Dislike::Media, None));
    assert!(!trials.failed(Dislike::Version, None));
}

#[test]
fn what_was_answered_as_done_and_was_not_is_tried_otherwise() {
    let mut trials = Trials::default();
    let first = trials.next("a", false, Some(true));
    trials.worked();
    trials.without_effect("a", false, Some(true));
    assert_ne!(trials.next("a", false, Some(true)), first);
}

#[test]
fn a_whole_user_keeps_all_but_what_only_the_server_writes() {
    let mut before = user(1);
    before["Password"] = json!("*****");
    before["groups"] = json!([{ "value": "g" }]);
    before["Active"] = json!("True");
    let form = Form {
        whole: true,
        object: false,
        capital: false,
        text: false,
    };
    let request = change::request("Users/u1", &before, false, form, false);
    let (media, body) = request.wire_body().unwrap();
    assert_eq!(media, "application/scim+json");
    let after: serde_json::Value = serde_json::from_str(&body).unwrap();
    let mut expected = user(1);
    expected.as_object_mut().unwrap().remove("meta");
    expected["active"] = json!(false);
    assert_eq!(after, expected);
    assert!(
        change::shown(&before).get("Password").is_none(),
        "nor does an image keep it"
    );
}

#[test]
fn only_what_a_server_says_in_scim_is_about_the_form() {
    let body = |kind: Option<&str>| Payload::Json(crate::provider::scim::tests::error(400, kind));
    for kind in ["mutability", "sensitive", "uniqueness", "tooMany"] {
        assert_eq!(change::dislike(400, &body(Some(kind))), None, "{kind}");
    }
    assert_eq!(change::dislike(400, &body(None)), Some(Dislike::Something));
    assert_eq!(
        change::dislike(400, &body(Some("INVALIDPATH"))),
        Some(Dislike::Path)
    );
    let other = Payload::Json(json!({ "message": "no" }));
    for payload in [Payload::Empty, Payload::Other("HTML"), other] {
        assert_eq!(change::dislike(400, &payload), None);
    }
}
