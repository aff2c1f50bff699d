//! Errors as a person sees them: what, where, what to do, and the exit code.

use std::error::Error;

use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::config::mistake::Mistake;
use crate::directory::DirectoryError;
use crate::engine::EngineError;
use crate::ledger::LedgerError;
use crate::notify::NotifyError;
use crate::notify::smtp::error::MailError;
use crate::provider::ProviderError;

/// Why a command ended without having done its work.
#[derive(Debug)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// What happened, with its causes.
    pub says: String,
    /// A word that stays the same, for machines.
    pub code: String,
    /// What can be done.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a special code.
    pub fn plain(says: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            says: says.into(),
            code: "failed".to_owned(),
            hint: None,
        }
    }

    /// Wrong usage.
    pub fn usage(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            says: says.into(),
            code: "usage".to_owned(),
            hint: Some(hint.into()),
        }
    }

    /// A safety rule says no.
    pub fn refused(code: &str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit: Exit::Refused,
            says: says.into(),
            code: code.to_owned(),
            hint: Some(hint.into()),
        }
    }

    /// Shows it on stderr; with `--json` as one line of JSON.
    pub fn show(&self, output: &Output) {
        if output.json {
            let line = serde_json::json!({
                "type": "error", "v": 1, "code": self.code, "exit": self.exit.code(),
                "message": self.says,
                "help": self.hint.as_ref().map(|hint| output.as_typed(hint)),
            });
            output.error_line(&line.to_string());
            return;
        }
        output.error(&self.says);
        if let Some(hint) = &self.hint {
            output.hint(hint);
        }
    }
}

/// The message of an error with those of its causes.
pub fn chain(error: &dyn Error) -> String {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !says.contains(&text) {
            says.push_str(": ");
            says.push_str(&text);
        }
        cause = inner.source();
    }
    says
}

/// How a command ends because of an error, the word for it, and what can be done.
pub fn judge(error: &EngineError) -> (Exit, String, Option<String>) {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        EngineError::Ledger(e) => {
            let (code, hint) = ledger(e);
            (Exit::of(e.exit_code()), code.to_owned(), hint)
        }
        EngineError::Configuration(e) => (
            Exit::Configuration,
            "configuration".to_owned(),
            e.right.clone(),
        ),
        EngineError::Directory(e) => {
            let (exit, hint) = directory(e);
            (exit, e.fault().to_owned(), hint)
        }
        EngineError::Provider(e) => (provider(e), e.fault().to_owned(), None),
        EngineError::Notify(e) => {
            let (exit, hint) = notify(e);
            (exit, "notify".to_owned(), Some(hint.to_owned()))
        }
        EngineError::Clock { .. } => (
            Exit::Later,
            "clock".to_owned(),
            hint("set this machine's clock (`timedatectl`), then try again; nothing was recorded"),
        ),
        EngineError::Refused { code, hint, .. } => {
            (Exit::Refused, (*code).to_owned(), Some(hint.clone()))
        }
        EngineError::Unknown { hint, .. } => {
            (Exit::Usage, "unknown".to_owned(), Some(hint.clone()))
        }
        EngineError::File { .. } => (Exit::Failed, "file".to_owned(), None),
    }
}

fn ledger(error: &LedgerError) -> (&'static str, Option<String>) {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        LedgerError::NoLedger { .. } => ("no-ledger", hint("`exeunt init` makes one")),
        LedgerError::Busy { .. } => (
            "busy",
            hint("wait until the other process is done; nothing was sent"),
        ),
        LedgerError::WrongKey => (
            "wrong-key",
            hint("put the right key-encryption key back into the keys directory"),
        ),
        LedgerError::False { .. } => (
            "evidence-false",
            hint(
                "do not go on with this ledger: it may have forgotten a hold or an outcome. \
                 Keep a copy, and put the newest backup back; if it is the newest there is, an approver \
                 lets it go on with `exeunt reopen --ledger`",
            ),
        ),
        LedgerError::CannotJudge { .. } => ("cannot-judge", None),
        LedgerError::Clock { .. } => ("clock", hint("set this machine's clock, then try again")),
        LedgerError::ClockMoved => (
            "clock-moved",
            hint("leave --now out, or rehearse with `exeunt sandbox`"),
        ),
        LedgerError::Exists { .. } => (
            "exists",
            hint("go on with it (`exeunt status`), or name other files in exeunt.toml"),
        ),
        _ => ("ledger", None),
    }
}

fn directory(error: &DirectoryError) -> (Exit, Option<String>) {
    match error {
        DirectoryError::Unreachable { .. } => (Exit::Unreachable, None),
        DirectoryError::Credentials { advice, .. } => (Exit::Rights, Some(advice.clone())),
        DirectoryError::Rights { .. } => (
            Exit::Rights,
            Some("`exeunt check` says which rights are missing".to_owned()),
        ),
        DirectoryError::NotWhole { .. } | DirectoryError::Unreadable { .. } => {
            (Exit::Refused, None)
        }
        DirectoryError::Configuration { .. } => (Exit::Configuration, None),
    }
}

/// How a command ends because warnings cannot leave, and what can be done.
pub(super) const fn notify(error: &NotifyError) -> (Exit, &'static str) {
    let error = match error {
        NotifyError::File { .. } => return (Exit::Failed, "see [notices] in exeunt.toml"),
        NotifyError::Mail(error) => error,
    };
    let exit = match error {
        MailError::Credentials { .. } | MailError::NoLogin { .. } => Exit::Rights,
        MailError::Unreachable { .. } | MailError::NoTls { .. } | MailError::Tls { .. } => {
            Exit::Unreachable
        }
        MailError::Later { .. } => Exit::Later,
        MailError::Settings { .. } => Exit::Configuration,
        MailError::Recipient { .. } | MailError::Refused { .. } | MailError::Mail { .. } => {
            Exit::Failed
        }
    };
    (exit, error.hint())
}

const fn provider(error: &ProviderError) -> Exit {
    match error {
        ProviderError::Unreachable { .. } | ProviderError::Tenant { .. } => Exit::Unreachable,
        ProviderError::Limited { .. } => Exit::Later,
        ProviderError::Credentials { .. }
        | ProviderError::Token { .. }
        | ProviderError::Rights { .. } => Exit::Rights,
        ProviderError::NotWhole { .. } | ProviderError::Unreadable { .. } => Exit::Refused,
        ProviderError::Configuration { .. } => Exit::Configuration,
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (exit, code, hint) = judge(&error);
        Self {
            exit,
            says: chain(&error),
            code,
            hint,
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<Mistake> for Failure {
    fn from(error: Mistake) -> Self {
        EngineError::from(error).into()
    }
}
