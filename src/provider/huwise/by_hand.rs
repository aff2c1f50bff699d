//! What a person does by hand at Huwise where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "Huwise is not known to have an owner of a domain besides its administrators: give \
         somebody else the permission edit_domain (Edit domain) first.",
    ],
    last_admin: &[
        "Give somebody else the permission edit_domain (Edit domain) first, directly or by a \
         group, and let them sign in. The domain refuses to remove its last administrator.",
    ],
    admin: &[
        "See where the permission edit_domain and the other editor permissions come from: GET \
         /users/USERNAME/?expand=groups. `permissions` are those given directly; the groups may \
         give more.",
        "Take the account out of such groups: DELETE /groups/UID/users/USERNAME/.",
        "Take the permissions away that it has directly: PUT /users/USERNAME/ with fewer \
         `permissions`. Where the back office has this is not known to Exeunt.",
    ],
    managed: &[
        "The account is managed by another system. Take the person out of the identity provider \
         of the domain; then remove the account here.",
    ],
    own_credential: &[
        "Exeunt works with an API key of this account. Let another user with edit_domain make a \
         new one: the account menu > API keys, with that permission.",
        "Put it in the place that `api_key` of this tenant names in exeunt.toml, and run `exeunt \
         check`, then `exeunt sync`.",
        "Revoke the old key: POST /apikeys/UID/revoke/ with {\"reason\":\"…\"}.",
    ],
    keys: &[
        "List the keys: GET /apikeys/. Whether an administrator sees those of others is not \
         known; if not, the person revokes them, or they go with the account.",
        "Find out which programs work with each key, and give them a key of a service account.",
        "Revoke each key: POST /apikeys/UID/revoke/ with {\"reason\":\"…\"}.",
    ],
    shut_out: &[
        "There is no way to disable an account of a domain. Taking its permissions and groups \
         away leaves it with nothing; removing it cannot be undone: DELETE /users/USERNAME/. Note \
         its permissions and groups first.",
    ],
};
