//! What a person does by hand at ProjectPlace where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "The owner of the account changes only through the support of Planview. Ask them, and \
         name an active member who is to own it.",
        "A co-owner is taken off by the owner alone. Where the account administration has this is \
         not known to Exeunt, and no API for it is known either.",
    ],
    last_admin: &[
        "Make somebody else an administrator of the account first, as the owner or a co-owner.",
    ],
    admin: &[
        "Take the role of an account administrator away, as the owner or a co-owner, so that the \
         person is a member. Where the account administration has this is not known to Exeunt, \
         and no API for it is known either.",
    ],
    managed: &["Another system manages the account. Disable the person there first."],
    own_credential: &[
        "Exeunt works as a robot and should be no member. Make a robot: the account \
         administration > Robots, as the owner or a co-owner.",
        "Put its keys in the places that this tenant names in exeunt.toml, and run `exeunt \
         check`, then `exeunt sync`.",
    ],
    keys: &[
        "See whether the person knows the keys of robots: the account administration > Robots. \
         Taking a robot off a workspace does not make its keys worthless: make new ones, and \
         delete the old robot.",
        "OAuth 1 tokens that the person gave to programs have no end. How they are revoked is not \
         known to Exeunt.",
    ],
    shut_out: &[
        "Name a new head administrator for every workspace, portfolio, team and template that the \
         person heads; a member cannot be deleted without.",
        "There is no way to disable somebody. Delete the member in the account administration, \
         which cannot be undone; once no role protects the account, Exeunt does this with the \
         hand-over in one call.",
    ],
};
