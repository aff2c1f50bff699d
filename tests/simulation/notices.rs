//! The notices that are given, or cannot be.

use async_trait::async_trait;
use exeunt::notify::Delivery;
use exeunt::notify::Notice;
use exeunt::notify::Notifier;
use exeunt::notify::NotifyError;

use crate::shared::Shared;
use crate::world::TENANTS;
use crate::world::Warned;

#[derive(Debug)]
pub(crate) struct SimNotifier(pub Shared);

#[async_trait]
impl Notifier for SimNotifier {
    fn channel(&self) -> &'static str {
        "file"
    }

    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError> {
        let at = self.0.now();
        let mut world = self.0.world();
        if world.notices_fail > world.tick {
            world.meet("notices: one cannot be written");
            return Err(NotifyError::File {
                at: "notices".to_owned(),
                source: std::io::Error::other("no room"),
            });
        }
        for account in &notice.accounts {
            debug_assert!(TENANTS.contains(&account.tenant.as_str()));
            world.warned.push(Warned {
                tenant: account.tenant.clone(),
                to: notice.to.clone(),
                at,
            });
        }
        Ok(Delivery::Written)
    }

    fn is_loopback(&self) -> bool {
        true
    }
}
