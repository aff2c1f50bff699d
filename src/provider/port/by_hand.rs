//! What a person does by hand at Port where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "Port is not known to have an owner besides its administrators: give an active user the \
         role Admin first (PATCH /v1/users/EMAIL with {\"roles\":[\"Admin\"]}).",
    ],
    last_admin: &[
        "Give somebody else the role Admin first: PATCH /v1/users/EMAIL with {\"roles\":[\"Admin\"]}, \
         and let them sign in.",
    ],
    admin: &[
        "Take the role Admin away, as another administrator: PATCH /v1/users/EMAIL with \
         {\"roles\":[\"Member\"]}. Where the user interface has this is not known to Exeunt.",
        "Or let two approvers release the account: Exeunt then sets it to Disabled with its role.",
    ],
    managed: &[
        "The user comes from your identity provider (SSO or SCIM), and Port refuses changes of it \
         from elsewhere. Take the person out of the application of Port there.",
        "Where SCIM is in use, unassigning deletes the user in Port, with the relations to it. \
         Whoever is deleted in Port alone and may still sign in at the identity provider can come \
         back with the next login.",
    ],
    own_credential: &[
        "Exeunt signs in as this user, and nobody can change their own status. Make a service \
         account for it, or take the credentials of the organisation: the menu of your user > \
         Credentials.",
        "Put them in the places that `client_id` and `client_secret` of this tenant name in \
         exeunt.toml, and run `exeunt check`, then `exeunt sync`.",
        "Make the old ones worthless: POST /v1/rotate-credentials/EMAIL.",
    ],
    keys: &[
        "Make the personal credentials worthless: POST /v1/rotate-credentials/EMAIL. Those of the \
         organisation, which the person may know, are rotated by an administrator: the menu of \
         your user > Credentials.",
    ],
    shut_out: &[
        "Set the status to Disabled: PATCH /v1/blueprints/_user/entities/EMAIL with \
         {\"properties\":{\"status\":\"Disabled\"}}. Signing in and tokens end; what points at the user \
         stays.",
    ],
};
