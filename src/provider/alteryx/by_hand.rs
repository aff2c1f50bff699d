//! What a person does by hand at Alteryx where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "How the ownership of a workspace goes to somebody else is not known to Exeunt: ask \
         Alteryx Support, and name an active administrator of the workspace.",
    ],
    last_admin: &[
        "Make somebody else an administrator of the workspace first. An administrator cannot \
         remove himself or herself.",
    ],
    admin: &[
        "Take the role of an administrator away, as another administrator of the workspace (no \
         administrator can remove himself or herself): the page Users of the admin console. What \
         the command there is called is not known to Exeunt, and no API for it is known either.",
        "Or let two approvers release the account: Exeunt then asks for its suspension with its \
         role. Whether Alteryx suspends an administrator is not known; if it refuses, that is \
         recorded, and the task stays.",
    ],
    managed: &["Another system manages the account. Take the person out of it first."],
    own_credential: &[
        "Exeunt works with an API token of this account. Let another administrator of the \
         workspace make one: User Preferences > OAuth2.0 API Tokens. A token belongs to one \
         workspace.",
        "Put it in the places that this tenant names in exeunt.toml, and run `exeunt check`, then \
         `exeunt sync`.",
        "Revoke the old token: User Preferences > OAuth2.0 API Tokens, as this account. How an \
         administrator does it for somebody else is not known.",
    ],
    keys: &[
        "Revoke the API tokens: User Preferences > OAuth2.0 API Tokens, as this account. How an \
         administrator does it for somebody else is not known to Exeunt.",
    ],
    shut_out: &[
        "Suspend the person in the workspace: PUT /v4/workspaces/WORKSPACE/people/ID/suspended, \
         or the page Users.",
        "Schedules of a suspended person keep running: hand the assets over (PATCH \
         /v4/workspaces/current/transfer with {\"fromPersonId\":ID,\"toPersonId\":ID}, which cannot \
         be undone) or stop the schedules.",
    ],
};
