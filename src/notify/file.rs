//! Warnings as files, one each, for whoever sends them.

use std::io::Write as _;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::notify::Delivery;
use crate::notify::Notice;
use crate::notify::Notifier;
use crate::notify::NotifyError;
use crate::notify::one_line;
use crate::notify::text::Library;

/// Writes each warning to a file of its own, readable by its owner only.
#[derive(Debug, Clone)]
pub struct FileNotifier {
    /// The directory; made when the first warning is written.
    pub directory: PathBuf,
    /// The texts.
    pub texts: Library,
    /// Where answers go.
    pub reply_to: Option<String>,
}

impl FileNotifier {
    /// What the file of a warning is called: by the account, if it is about one.
    fn name(notice: &Notice) -> String {
        match notice.accounts.as_slice() {
            [one] => format!("{}.txt", one.key),
            _ => format!("{}.txt", notice.id()),
        }
    }
}

#[async_trait]
impl Notifier for FileNotifier {
    fn channel(&self) -> &'static str {
        "file"
    }

    async fn send(&self, notice: &Notice) -> Result<Delivery, NotifyError> {
        let path = self.directory.join(Self::name(notice));
        let failure = |source| NotifyError::File {
            at: path.display().to_string(),
            source,
        };
        std::fs::create_dir_all(&self.directory).map_err(failure)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(failure)?;
        let to = one_line(&notice.to);
        let written = self.texts.write(notice, self.reply_to.as_deref());
        let reply = match &self.reply_to {
            Some(address) => format!("Reply-To: {}\n", one_line(address)),
            None => String::new(),
        };
        let (subject, text) = (written.subject, written.text);
        let body = format!("To: {to}\n{reply}Subject: {subject}\n\n{text}");
        file.write_all(body.as_bytes()).map_err(failure)?;
        // Durable before it is said to be written: a warning that counts must be there.
        file.as_file().sync_all().map_err(failure)?;
        file.persist(&path).map_err(|e| failure(e.error))?;
        std::fs::File::open(&self.directory)
            .and_then(|d| d.sync_all())
            .map_err(failure)?;
        Ok(Delivery::Written)
    }

    fn is_loopback(&self) -> bool {
        true
    }
}
