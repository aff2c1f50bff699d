//! What went wrong at a tenant, in the words of its owner.

use crate::provider::Kind;
use crate::provider::ProviderError;

/// What happened, and what can be done.
pub(super) fn plain(error: &ProviderError, kind: &Kind) -> (String, String) {
    let title = kind.title;
    match error {
        ProviderError::Unreachable { at, what } => (
            format!("Nobody answers at {at} as {title} would ({what})."),
            "Look at the address, also at the region in it, and at your network.".to_owned(),
        ),
        ProviderError::Limited { seconds, .. } => (
            format!("{title} asks to wait {seconds} seconds."),
            "Wait a little, then try again.".to_owned(),
        ),
        ProviderError::Credentials { at } => (
            format!("{title} at {at} does not accept what you pasted."),
            "Either it is not whole or has ended, or it was made for another tenant or region."
                .to_owned(),
        ),
        ProviderError::Token { at, what } => (
            format!("{at} gives no token for what you pasted ({what})."),
            "Either it is not whole or has ended, or it was made for another tenant or region."
                .to_owned(),
        ),
        ProviderError::Rights { what, .. } => (
            format!("What you pasted works, but it does not allow {what}."),
            format!("It takes {}.", kind.needs),
        ),
        ProviderError::Tenant { what, .. } => (
            format!("The tenant itself is not in order: {what}."),
            "Sign in there with a browser: it says what is wrong.".to_owned(),
        ),
        ProviderError::NotWhole { detail, .. } => (
            format!("The list of accounts did not come whole: {detail}."),
            "Nothing rests on a list that is not whole. Try again.".to_owned(),
        ),
        ProviderError::Unreadable { at, what } => (
            format!("Something answers at {at}, but not the way {title} does ({what})."),
            "It may be another host or region, or the address of a web page.".to_owned(),
        ),
        ProviderError::Configuration { what } => {
            let advice = "Look at what you typed, and whether the keys are those of this tenant.";
            (format!("{what}."), advice.to_owned())
        }
    }
}
