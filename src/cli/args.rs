//! The command line as it is typed.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::exit::Exit;
use crate::cli::notices::args::NoticesCommand;
use crate::domain::hold::HoldKind;

/// The configuration where none is named.
pub const USUAL_CONFIG: &str = "exeunt.toml";

/// The exit codes, for the long help.
fn after_long_help() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for (exit, says) in Exit::ALL {
        text.push_str(&format!("  {:>3}  {says}\n", exit.code()));
    }
    text.push_str("\nStart with `exeunt demo`.");
    text
}

/// Removes people who have left, and accounts nobody uses, from SaaS tenants, and proves why.
#[derive(Debug, Parser)]
#[command(
    name = "exeunt",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Start with `exeunt demo`. `exeunt --help` also lists the exit codes.")]
#[command(after_long_help = after_long_help())]
pub struct Cli {
    /// The configuration
    #[arg(short = 'C', long, global = true, value_name = "FILE", env = "EXEUNT_CONFIG", hide_env_values = true,
          default_value = USUAL_CONFIG)]
    pub config: PathBuf,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only data and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Show no progress
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Act as if it were this moment (sandbox ledgers only)
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        env = "EXEUNT_NOW",
        hide = true
    )]
    pub now: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play the whole story on a loopback sandbox
    Demo(DemoArgs),
    /// Write a commented exeunt.toml if there is none; make ledger, vault, head lock and keys
    Init(InitArgs),
    /// Test configuration, credentials and rights; change nothing
    Check,
    /// Clean up one tenant with questions and answers; no exeunt.toml needed
    Clean(CleanArgs),
    /// Read directories and tenants
    Sync(SyncArgs),
    /// Show where things stand, late leavers first
    Status,
    /// List accounts that are proved inactive
    Inactive(InactiveArgs),
    /// List people who have left, with their accounts
    Departed(AsOfArgs),
    /// List all accounts
    Accounts(AsOfArgs),
    /// List what the rules match and withhold, and what else somebody should look at
    Findings(FindingsArgs),
    /// List accounts whose activity is unknown, with the reason
    Unknown(InactiveArgs),
    /// Say who is still in, what nobody uses, what is unknown, and what would follow: as a page or JSON
    Report(ReportArgs),
    /// Decide, and make a plan
    Plan(PlanArgs),
    /// Approve or reject a plan
    Approve(ApproveArgs),
    /// Carry out a plan
    Apply(ApplyArgs),
    /// Sync, settle, notify, plan, and carry out what needs no approval or has it
    Run(RunArgs),
    /// Show what somebody should hear of, and give it to whom the configuration names
    Alerts(AlertsArgs),
    /// Say whose an account is, or whose it is not
    #[command(subcommand)]
    Link(LinkCommand),
    /// Answer for accounts that belong to nobody
    #[command(subcommand)]
    Orphan(OrphanCommand),
    /// Hold people or accounts, so that no step touches them
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Preview and edit the texts of warnings, and see to those that did not arrive
    #[command(subcommand)]
    Notices(NoticesCommand),
    /// List leavers whom no step may touch, with what to do by hand
    Tasks(TasksArgs),
    /// Say who takes over what somebody owns in a tenant
    #[command(subcommand)]
    Successor(SuccessorCommand),
    /// Say that somebody leaves now or at a moment, whatever the directories say, or take it back
    Leave(LeaveArgs),
    /// Give accounts back that were disabled, where the provider can
    Restore(RestoreArgs),
    /// Try again what a tenant has refused for an account
    Retry(RetryArgs),
    /// Write what accounts were like before each change to a dated archive
    BeforeImages(BeforeImagesArgs),
    /// Show the brakes, or release a plan or a read that they stopped
    #[command(subcommand)]
    Breaker(BreakerCommand),
    /// Compare, propose or approve the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Stop every call, or go on
    Halt(HaltArgs),
    /// Tell the story of one person or account
    Why(WhyArgs),
    /// Say why somebody is not removed: what would have to be true, and from when on it could be
    WhyNot(WhyNotArgs),
    /// Say who would have been removed under other days or rules, and who of them came back
    WhatIf(WhatIfArgs),
    /// Show entries
    Log(LogArgs),
    /// Check the ledger, or evidence that you were handed: a checkpoint, a proof, a whole log
    Verify(VerifyArgs),
    /// Sign for everything that the ledger has, and print it: what an auditor keeps
    Checkpoint(CheckpointArgs),
    /// Write the proof that an entry stands in the ledger, with its exact bytes beside it
    Proof(ProofArgs),
    /// Write the ledger in a form that others' tools read
    #[command(subcommand)]
    Export(ExportCommand),
    /// Fold the rows anew and compare them with the stored ones
    Rebuild(RebuildArgs),
    /// Copy ledger, vault and keys, each apart, while others may be at work
    Backup(BackupArgs),
    /// Let the ledger go on after an older copy was put back, or the vault was lost
    Reopen(ReopenArgs),
    /// Run loopback tenants and a directory to rehearse with
    Sandbox(SandboxArgs),
    /// Show what providers can do
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where ledger and sandbox files go; a new directory in the temporary directory if not given
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {}

/// `clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Where exeunt.toml, secrets and ledger go; ./exeunt-clean-HOST if not given
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only these directories and tenants
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
}

/// Reading commands that can look back.
#[derive(Debug, Args)]
pub struct AsOfArgs {
    /// As it stood at this position or date (2026-05-01, RFC 3339)
    #[arg(long, value_name = "SEQ|DATE")]
    pub as_of: Option<String>,
    /// Only these tenants
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
}

/// `findings`.
#[derive(Debug, Args)]
pub struct FindingsArgs {
    /// Look back and narrow down
    #[command(flatten)]
    pub common: AsOfArgs,
    /// Only this kind: orphan, ghost, shared-person, withheld, … (can be repeated)
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
}

/// `inactive`, `unknown`.
#[derive(Debug, Args)]
pub struct InactiveArgs {
    /// Look back and narrow down
    #[command(flatten)]
    pub common: AsOfArgs,
    /// Days without activity; those of the policies if not given
    #[arg(long, value_name = "N")]
    pub days: Option<u64>,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Write a page (HTML) to this file
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Only this policy; the only way to plan one with `when = "everyone"`
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Also these people or accounts, whom a reviewer has left out before: an approver's word
    /// (can be repeated)
    #[arg(long, value_name = "WHO")]
    pub also_kept: Vec<String>,
    /// Sign that word with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE", requires = "also_kept")]
    pub key: Option<PathBuf>,
    /// Write the plan to a file
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the steps as a list for reviewers, who can mark rows to be kept
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Also show who is kept, and why
    #[arg(long)]
    pub all: bool,
    /// Exit with 2 if there is something to do
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The plan's file, or its digest (the first 8 digits are enough)
    pub plan: String,
    /// Reject it
    #[arg(long, conflicts_with_all = ["only", "except", "each", "csv"])]
    pub reject: bool,
    /// Only these people or accounts; the others are planned anew if they are due (can be repeated)
    #[arg(long, value_name = "WHO", conflicts_with_all = ["except", "each", "csv"])]
    pub only: Vec<String>,
    /// All but these people or accounts, who stay until their review date (can be repeated)
    #[arg(long, value_name = "WHO", conflicts_with_all = ["each", "csv"])]
    pub except: Vec<String>,
    /// Ask about one account after the other
    #[arg(long, conflicts_with = "csv")]
    pub each: bool,
    /// As a reviewer gave back the list of `plan --csv`: rows marked in KEEP, or missing, stay until
    /// their review date
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// The number of steps, typed as confirmation (asked for in a terminal)
    #[arg(long, value_name = "N")]
    pub confirm: Option<u64>,
    /// Sign the digest with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The plan's file, or its digest (the first 8 digits are enough)
    pub plan: String,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Exit with 2 if something waits for approval or release
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `alerts`.
#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// Give what was not given yet, as `run` does at its end
    #[arg(long)]
    pub send: bool,
    /// Show the weekly summary as it would be now
    #[arg(long, conflicts_with = "send")]
    pub summary: bool,
}

/// `leave`.
#[derive(Debug, Args)]
pub struct LeaveArgs {
    /// An address, a pseudonym, a key of a directory or an id of a tenant
    pub who: String,
    /// From when on (2026-05-01 for the end of that day in UTC, RFC 3339); now if not given
    #[arg(long, value_name = "DATE", conflicts_with = "withdraw")]
    pub at: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "withdraw")]
    pub reason: Option<String>,
    /// Where it is written down
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// Take it back: they stay
    #[arg(long)]
    pub withdraw: bool,
    /// Sign as the approver with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["who", "run"])))]
pub struct RestoreArgs {
    /// An address, a pseudonym, a key of a directory or an id of a tenant
    pub who: Option<String>,
    /// Everybody whom this run has disabled, by the position of its first entry
    #[arg(long, value_name = "SEQ")]
    pub run: Option<u64>,
    /// Only in this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The number of accounts, typed as confirmation (asked for in a terminal)
    #[arg(long, value_name = "N")]
    pub confirm: Option<u64>,
}

/// `link`.
#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// Say that an account belongs to a person
    Add(LinkAddArgs),
    /// Show what has been said
    List,
    /// Say that an account does not belong to a person
    Remove(LinkRemoveArgs),
}

/// `link add`.
#[derive(Debug, Args)]
pub struct LinkAddArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// The person: an address, a pseudonym or the directory's key
    pub person: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The person's directory
    #[arg(long, value_name = "DIRECTORY")]
    pub directory: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
    /// The account as it is shown, typed as confirmation where the person has left (asked for in a
    /// terminal)
    #[arg(long, value_name = "ACCOUNT")]
    pub confirm: Option<String>,
}

/// `link remove`.
#[derive(Debug, Args)]
pub struct LinkRemoveArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// The person whose it is not; whoever it belongs to now if not given
    #[arg(long, value_name = "PERSON", conflicts_with = "forget")]
    pub person: Option<String>,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The person's directory
    #[arg(long, value_name = "DIRECTORY")]
    pub directory: Option<String>,
    /// Take back all that was said: the other rules decide again
    #[arg(long)]
    pub forget: bool,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// Why, and who says so.
#[derive(Debug, Args)]
pub struct WordArgs {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Where it was asked for
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// Say so as the approver with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `orphan`.
#[derive(Debug, Subcommand)]
pub enum OrphanCommand {
    /// Show accounts that belong to nobody, and what has been said about them
    List,
    /// Say who answers for an account, until it is looked at again
    Claim(OrphanClaimArgs),
    /// Let an account stay as it is until some end
    Accept(OrphanAcceptArgs),
    /// Take a claim or an acceptance back
    Release(OrphanReleaseArgs),
}

/// `orphan claim`.
#[derive(Debug, Args)]
pub struct OrphanClaimArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    pub owner: String,
    /// When it is to be looked at again; in 180 days if not given
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `orphan accept`.
#[derive(Debug, Args)]
pub struct OrphanAcceptArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// Until when, at most a year ahead
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `orphan release`.
#[derive(Debug, Args)]
pub struct OrphanReleaseArgs {
    /// The account: an address, a pseudonym or the tenant's id
    pub account: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `hold`.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Hold a person with all their accounts, or one account
    Add(HoldAddArgs),
    /// Show who is held, until when and why
    List(HoldListArgs),
    /// End a hold before its end: an approver's word
    Lift(HoldLiftArgs),
}

/// `hold add`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["who", "account"])))]
pub struct HoldAddArgs {
    /// The person: an address, a pseudonym or a directory's key; all their accounts are held, also
    /// those that come later
    pub who: Option<String>,
    /// Only this account: an address, a pseudonym or the tenant's id
    #[arg(long, value_name = "ACCOUNT", requires = "tenant")]
    pub account: Option<String>,
    /// The account's tenant
    #[arg(long, value_name = "TENANT", requires = "account")]
    pub tenant: Option<String>,
    /// Why, as a kind
    #[arg(long, value_name = "KIND")]
    pub kind: HoldKind,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    pub owner: String,
    /// When it ends (2026-05-01 for the end of that day in UTC, RFC 3339), at most a year ahead
    #[arg(
        long,
        value_name = "DATE",
        required_unless_present = "review",
        conflicts_with = "review"
    )]
    pub until: Option<String>,
    /// When a legal hold, which has no end, is to be looked at again
    #[arg(long, value_name = "DATE")]
    pub review: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `hold list`.
#[derive(Debug, Args)]
pub struct HoldListArgs {
    /// Only those that end or are to be looked at again within so many days
    #[arg(long, value_name = "DAYS")]
    pub ending_within: Option<u16>,
}

/// `hold lift`.
#[derive(Debug, Args)]
pub struct HoldLiftArgs {
    /// The number of the hold, as `hold list` shows it
    #[arg(value_name = "ID")]
    pub id: String,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `tasks`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TasksArgs {
    /// Say what to do, step by step: the number of a task, an address, a pseudonym, a key or an id
    #[arg(value_name = "WHO|ID")]
    pub who: Option<String>,
    /// Only in this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said about a task
    #[command(subcommand)]
    pub command: Option<TasksCommand>,
}

/// What is said about a task.
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// Say who sees to a task; it is closed by a read, and by nobody's word
    Take(TasksTakeArgs),
    /// Let Exeunt disable a protected leaver once: the word of two approvers, one after the other
    Release(TasksReleaseArgs),
}

/// `tasks take`.
#[derive(Debug, Args)]
pub struct TasksTakeArgs {
    /// The task: its number, or whose account it is about
    #[arg(value_name = "ID")]
    pub id: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Who sees to it; you, if nobody is named
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// A note for whoever looks at it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// `tasks release`.
#[derive(Debug, Args)]
pub struct TasksReleaseArgs {
    /// The task: its number, or whose account it is about
    #[arg(value_name = "ID")]
    pub id: String,
    /// The account's tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `successor`.
#[derive(Debug, Subcommand)]
pub enum SuccessorCommand {
    /// Name who takes over what somebody owns in a tenant: an approver's word
    Set(SuccessorSetArgs),
    /// Show who was named, by whom and why
    List,
    /// Take back who was named: an approver's word
    Clear(SuccessorClearArgs),
}

/// `successor set`.
#[derive(Debug, Args)]
pub struct SuccessorSetArgs {
    /// From whom: an address, a pseudonym, a directory's key or a tenant's id
    pub who: String,
    /// Who takes over: the account in the tenant, by address, pseudonym or id
    pub to: String,
    /// The tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

/// `successor clear`.
#[derive(Debug, Args)]
pub struct SuccessorClearArgs {
    /// From whom: an address, a pseudonym, a directory's key or a tenant's id
    pub who: String,
    /// The tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,
    /// What is said and by whom
    #[command(flatten)]
    pub word: WordArgs,
}

impl ValueEnum for HoldKind {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            HoldKind::Legal => "evidence: no removal, no hand-over; leavers are disabled",
            HoldKind::LeaveOfAbsence => "away for a long time",
            HoldKind::BreakGlass => "for emergencies",
            HoldKind::Service => "used by a machine or by several people",
            HoldKind::Manual => "any other reason",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

/// `before-images`.
#[derive(Debug, Args)]
pub struct BeforeImagesArgs {
    /// The directory that the archive goes to; it is never written over
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Only changes in these tenants (can be repeated)
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Only changes from this moment on (2026-05-01, RFC 3339)
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Only changes before this moment
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Checkpoints, proofs, or directories of whole logs; without any, the ledger itself
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Whom you trust (C2SP tlog-policy): your own file, not one that came with the evidence
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// An older checkpoint that you kept: what it covers must be the beginning
    #[arg(long, value_name = "FILE")]
    pub kept: Vec<PathBuf>,
    /// The exact bytes of the entry of a proof, where they are not in PROOF.json beside it
    #[arg(long, value_name = "FILE")]
    pub entry: Option<PathBuf>,
}

/// `checkpoint`.
#[derive(Debug, Args)]
pub struct CheckpointArgs {
    /// Write it here instead of printing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `proof`.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// The entry's position
    pub seq: u64,
    /// Where the proof goes; the entry goes beside it, with the ending .json
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Every entry and the whole tree (C2SP tlog-tiles), up to the newest checkpoint
    Tiles {
        /// The directory; it must not be there yet
        dir: PathBuf,
    },
}

/// `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The directory that the copies go to; it must not be there yet
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `reopen`.
#[derive(Debug, Args)]
#[group(id = "part", required = true, multiple = true, args = ["ledger", "vault"])]
pub struct ReopenArgs {
    /// It is the ledger that an older copy was put back of, or whose head lock is lost
    #[arg(long)]
    pub ledger: bool,
    /// It is the vault that is lost, or that an older copy was put back of, or that no key opens
    #[arg(long)]
    pub vault: bool,
    /// Give the values of so many people and accounts up without being asked
    #[arg(long, value_name = "NUMBER", requires = "vault")]
    pub confirm: Option<u64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Sign it with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `breaker`.
#[derive(Debug, Subcommand)]
pub enum BreakerCommand {
    /// Show every brake: limit, done, wanted
    Show,
    /// Let a plan through that a brake has stopped, or believe a suspect read
    Release(ReleaseArgs),
}

/// `breaker release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The plan's file or digest, or with --read the digest of a suspect read
    pub digest: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Believe a suspect read of this source
    #[arg(long, value_name = "SOURCE")]
    pub read: Option<String>,
    /// Release as the approver with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show how exeunt.toml differs from the policy that rules
    Diff,
    /// Propose the policy of exeunt.toml
    Propose,
    /// Adopt the proposed policy
    Approve(PolicyApproveArgs),
}

/// `policy approve`.
#[derive(Debug, Args)]
pub struct PolicyApproveArgs {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Sign the policy's version with this Ed25519 key (PKCS#8, PEM)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Stop
    On,
    /// Go on
    Off,
}

/// `halt`.
#[derive(Debug, Args)]
pub struct HaltArgs {
    /// Stop or go on
    pub switch: Switch,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Until this moment (2026-05-01, RFC 3339)
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// An address, a pseudonym, a key of a directory or an id of a tenant
    pub who: String,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// `why-not`.
#[derive(Debug, Args)]
pub struct WhyNotArgs {
    /// An address, a pseudonym, a key of a directory or an id of a tenant
    pub who: String,
    /// Only under this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// As it stood at this position or date (2026-05-01, RFC 3339)
    #[arg(long, value_name = "SEQ|DATE")]
    pub as_of: Option<String>,
}

/// `what-if`.
#[derive(Debug, Args)]
pub struct WhatIfArgs {
    /// Days without activity, in place of those of the policies for inactivity (or of --policy)
    #[arg(long, value_name = "N")]
    pub after_days: Option<u64>,
    /// Only this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// The policies of this exeunt.toml, in place of those that rule
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

/// `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Only these types (can be repeated)
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Vec<String>,
    /// Only about this person or account
    #[arg(long, value_name = "WHO")]
    pub subject: Option<String>,
    /// Only from this position on
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
}

/// `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Put the rows that were folded anew in place of the stored ones
    #[arg(long)]
    pub write: bool,
}

/// `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Where exeunt.toml and the secrets go
    #[arg(long, value_name = "DIR", default_value = "exeunt-sandbox")]
    pub dir: PathBuf,
    /// A tenant of this provider, without a directory (can be repeated; `all` for one of each); a
    /// DocSpace tenant with a directory if not given
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tenant_port", "directory_port"])]
    pub provider: Vec<String>,
    /// How many accounts; the small company of the demo, or 40 with --provider, if not given
    #[arg(long, value_name = "N")]
    pub accounts: Option<usize>,
    /// How many login events, with --accounts
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub logins: usize,
    /// The port of the tenant; any free one if not given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub tenant_port: u16,
    /// The port of the directory; any free one if not given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub directory_port: u16,
}

/// `provider`.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Show the table of capabilities
    List,
    /// Show what one provider needs, and what each step means there
    Show {
        /// Its name: docspace, port, …
        name: String,
    },
}
