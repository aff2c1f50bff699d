//! What a person does by hand at DocSpace where no step may touch an account.
//!
//! Names of menus and calls are those of the vendor's published documents.

use crate::provider::by_hand::ByHand;

pub(super) const BY_HAND: ByHand = ByHand {
    owner: &[
        "Only the owner can hand the portal over, and the owner can be neither disabled nor \
         deleted by anybody. Choose an active DocSpace administrator who is to own it.",
        "Let the person sign in once more as the owner, or ask ONLYOFFICE for help, and make that \
         administrator the owner. Where the portal's settings have this is not known to Exeunt, \
         and no API for it is known either.",
    ],
    last_admin: &[
        "Make somebody else an owner or DocSpace administrator first, in the portal, and let them \
         sign in.",
    ],
    admin: &[
        "Only the owner can change a DocSpace administrator. Sign in as the owner and give the \
         account another role (User or Room admin). Where the portal has this is not known to \
         Exeunt, and no API for it is known either.",
        "If the API key of this tenant was made by the owner, two approvers can release the \
         account instead: Exeunt then disables it with its role.",
    ],
    managed: &[
        "The portal takes this account from its own LDAP synchronisation, and refuses every \
         change by the API. Disable or delete the person in the LDAP directory that the portal \
         reads.",
        "Start the synchronisation of the portal with that directory, or wait for it. Until then \
         the person can sign in.",
    ],
    own_credential: &[
        "Exeunt signs in with an API key that acts as this account. Let another owner or DocSpace \
         administrator make a new one: Settings > Developer Tools > API keys, without \
         restrictions (Permissions: All).",
        "Put the new key in the place that `token` of this tenant names in exeunt.toml, and run \
         `exeunt check`, then `exeunt sync`.",
        "Delete the old key: Settings > Developer Tools > API keys.",
    ],
    keys: &[
        "Look at Settings > Developer Tools > API keys as this account and delete its keys. They \
         stop working by themselves once the account is disabled.",
    ],
    shut_out: &[
        "Disable the profile as the owner, with a key of the owner: PUT /api/2.0/people/status/2 \
         with {\"userIds\":[\"ID\"],\"resendAll\":false}. Sessions end at once; rooms and files stay. \
         Where the portal has this is not known to Exeunt.",
        "What the account owns can be handed over once it is disabled: POST \
         /api/2.0/people/reassign/start, with \"deleteProfile\":false.",
    ],
};
