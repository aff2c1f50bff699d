//! The command line: what is typed, what is shown, how it ends.

pub mod alerts;
pub mod apply;
pub mod approve;
pub mod args;
pub mod backup;
pub mod before_images;
pub mod brakes;
pub mod checkpoint;
pub mod clean;
pub mod demo;
pub mod exit;
pub mod failure;
pub mod findings;
pub mod hold;
pub mod inspect;
pub mod leave;
pub mod notices;
pub mod observe;
pub mod output;
pub mod page;
pub mod person;
pub mod plan;
pub mod plan_file;
pub mod policy;
pub mod private_file;
pub mod progress;
pub mod providers;
pub mod rehearse;
pub mod reopen;
pub mod report;
pub mod restore;
pub mod review;
pub mod run;
pub mod said;
pub mod setup;
pub mod status;
pub mod successor;
pub mod tasks;
pub mod verify;
pub mod what_if;
pub mod why_not;

use clap::CommandFactory as _;
use clap::Parser as _;

use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::args::ExportCommand;
use crate::cli::args::ProviderCommand;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Reads the command line, does what it says, and returns the exit code.
pub fn run() -> u8 {
    crate::tls::install_provider();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Whoever asked for JSON gets it for this mistake too, though nothing could be parsed.
            if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
                let says = error.kind().to_string();
                let says = error.to_string().lines().next().map_or(says, str::to_owned);
                let says = says.strip_prefix("error: ").unwrap_or(&says).to_owned();
                Failure::usage(says, "`exeunt --help` lists the commands")
                    .show(&Output::new(true, false));
            } else {
                drop(error.print());
            }
            return if error.use_stderr() {
                Exit::Usage.code()
            } else {
                Exit::Done.code()
            };
        }
    };
    let output = Output::new(cli.json, cli.quiet).for_config(&cli.config);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("the runtime cannot be started: {error}"));
            return Exit::Failed.code();
        }
    };
    let exit = runtime.block_on(dispatch(&cli, &output));
    // A look-up of a host name that hangs must not keep a finished command waiting.
    runtime.shutdown_background();
    exit.code()
}

/// Does what a command line says; errors are shown here, once.
pub async fn dispatch(cli: &Cli, output: &Output) -> Exit {
    match command(cli, output).await {
        Ok(exit) => exit,
        Err(failure) => {
            failure.show(output);
            failure.exit
        }
    }
}

async fn command(cli: &Cli, output: &Output) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(args) => demo::demo(args, output).await,
        Command::Init(_) => setup::init(cli, output),
        Command::Check => setup::check(cli, output).await,
        Command::Clean(args) => clean::clean(cli, args, output).await,
        Command::Sync(args) => observe::sync(cli, args, output).await,
        Command::Status => status::status(cli, output),
        Command::Inactive(args) => inspect::inactive(cli, args, output),
        Command::Departed(args) => inspect::departed(cli, args, output),
        Command::Accounts(args) => inspect::accounts(cli, args, output),
        Command::Findings(args) => findings::findings(cli, args, output),
        Command::Unknown(args) => inspect::unknown(cli, args, output),
        Command::Report(args) => report::report(cli, args, output),
        Command::Plan(args) => plan::plan(cli, args, output).await,
        Command::Approve(args) => approve::approve(cli, args, output).await,
        Command::Apply(args) => apply::apply(cli, args, output).await,
        Command::Run(args) => run::run(cli, args, output).await,
        Command::Alerts(args) => alerts::alerts(cli, args, output).await,
        Command::Link(args) => said::link(cli, args, output),
        Command::Orphan(args) => said::orphan(cli, args, output),
        Command::Hold(args) => hold::hold(cli, args, output),
        Command::Notices(args) => notices::notices(cli, args, output),
        Command::Tasks(args) => tasks::tasks(cli, args, output),
        Command::Successor(args) => successor::successor(cli, args, output),
        Command::Leave(args) => leave::leave(cli, args, output),
        Command::Restore(args) => restore::restore(cli, args, output).await,
        Command::Retry(args) => said::retry(cli, args, output),
        Command::BeforeImages(args) => before_images::before_images(cli, args, output),
        Command::Breaker(args) => brakes::breaker(cli, args, output),
        Command::Policy(args) => policy::policy(cli, args, output),
        Command::Halt(args) => brakes::halt(cli, args, output),
        Command::Why(args) => inspect::why(cli, args, output),
        Command::WhyNot(args) => why_not::why_not(cli, args, output),
        Command::WhatIf(args) => what_if::what_if(cli, args, output),
        Command::Log(args) => inspect::log(cli, args, output),
        Command::Verify(args) => verify::verify(cli, args, output),
        Command::Checkpoint(args) => checkpoint::checkpoint(cli, args, output),
        Command::Proof(args) => checkpoint::proof(cli, args, output),
        Command::Export(ExportCommand::Tiles { dir }) => checkpoint::tiles(cli, dir, output),
        Command::Rebuild(args) => inspect::rebuild(cli, args, output),
        Command::Backup(args) => backup::backup(cli, args, output),
        Command::Reopen(args) => reopen::reopen(cli, args, output),
        Command::Sandbox(args) => rehearse::sandbox(args, output).await,
        Command::Provider(ProviderCommand::List) => Ok(providers::providers(output)),
        Command::Provider(ProviderCommand::Show { name }) => providers::provider(name, output),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "exeunt", &mut text);
            output.raw(String::from_utf8_lossy(&text).trim_end());
            Ok(Exit::Done)
        }
        Command::Man => {
            let mut text = Vec::new();
            let made = clap_mangen::Man::new(Cli::command()).render(&mut text);
            made.map_err(|e| Failure::plain(format!("the manual cannot be made: {e}")))?;
            output.raw(String::from_utf8_lossy(&text).trim_end());
            Ok(Exit::Done)
        }
    }
}
