//! What a person does by hand at a SCIM system where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "SCIM does not say who owns a system. Hand the ownership over to somebody else in the \
         system itself; where, is not known to Exeunt.",
    ],
    last_admin: &["Make somebody else an administrator in the system itself first."],
    admin: &[
        "Take the role, the entitlement or the group away that makes the account an administrator \
         (those of `admin_values` of this tenant), in the system itself or where its groups are \
         assigned.",
        "Or let two approvers release the account: Exeunt then sets it to inactive with its role.",
    ],
    managed: &["Another system manages the account. Disable the person there."],
    own_credential: &[
        "Exeunt works with a credential of this account. Make a token or an OAuth 2 client that \
         belongs to no person, in the system itself.",
        "Put it in the places that this tenant names in exeunt.toml, and run `exeunt check`, then \
         `exeunt sync`.",
        "Revoke the old one in the system itself.",
    ],
    keys: &[
        "SCIM shows no keys. See in the system itself whether the account has tokens or keys, and \
         revoke them.",
    ],
    shut_out: &[
        "Set the user to inactive: PATCH /Users/ID with the operation replace, active, false; or \
         disable the person in the system itself.",
    ],
};
