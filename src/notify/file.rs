//! Warnings as files, one each, for whoever sends them.

use std::io::Write as _;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::notify::Delivery;
use crate::notify::Notice;
use crate::notify::Notifier;
use crate::notify::NotifyError;
use crate::notify::one_line;
use crate::notify::subject;
use crate::notify::text;

/// Writes each warning to a file of its own, readable by its owner only.
#[derive(Debug, Clone)]
pub struct FileNotifier {
    /// The directory; made when the first warning is written.
    pub directory: PathBuf,
}

#[async_trait]
impl Notifier for FileNotifier {
    fn channel(&self) -> &'static str {
        "file"
    }

    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError> {
        let path = self.directory.join(format!("{}.txt", notice.key));
        let failure = |source| NotifyError {
            at: path.display().to_string(),
            source,
        };
        std::fs::create_dir_all(&self.directory).map_err(failure)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(failure)?;
        let to = one_line(&notice.to);
        let body = format!("To: {to}\nSubject: {}\n\n{}", subject(notice), text(notice));
        file.write_all(body.as_bytes()).map_err(failure)?;
        // Durable before it is said to be written: a warning that counts must be there.
        file.as_file().sync_all().map_err(failure)?;
        file.persist(&path).map_err(|e| failure(e.error))?;
        std::fs::File::open(&self.directory)
            .and_then(|d| d.sync_all())
            .map_err(failure)?;
        Ok(Delivery::Written)
    }
}
