//! The arguments of `exeunt notices`.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::cli::args::WordArgs;

/// `notices`.
#[derive(Debug, Subcommand)]
pub enum NoticesCommand {
    /// Show what people are sent, with example data
    Preview(PreviewArgs),
    /// Write the built-in texts to a directory, to be edited
    Export(ExportArgs),
    /// Read reports about mails that did not arrive, from a mailbox file, a maildir or one message
    Bounced(BouncedArgs),
    /// Show whom no warning reaches
    List,
    /// Let steps come although no warning arrived: an approver's word
    Proceed(ProceedArgs),
    /// Have somebody warned anew whose warning did not arrive: an approver's word
    Again(AgainArgs),
}

/// `notices preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// In this language (en, de, fr); the one that the tenant has if not given
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "de", "fr"])]
    pub language: Option<String>,
    /// About an account of this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// About an account of every tenant, in one mail
    #[arg(long, conflicts_with = "tenant")]
    pub several: bool,
}

/// `notices export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The directory; it is made, and no file there is overwritten
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// `notices bounced`.
#[derive(Debug, Args)]
pub struct BouncedArgs {
    /// The mailbox file (mbox), the maildir or the message
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `notices proceed`.
#[derive(Debug, Args)]
pub struct ProceedArgs {
    /// The person or account: an address, a pseudonym or the tenant's id
    pub who: String,
    /// Only their account in this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Who answers for the account and was told in place of the person
    #[arg(long, value_name = "NAME")]
    pub told: String,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `notices again`.
#[derive(Debug, Args)]
pub struct AgainArgs {
    /// The person or account: an address, a pseudonym or the tenant's id
    pub who: String,
    /// Only their account in this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}
