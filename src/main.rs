//! Exeunt's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(exeunt::cli::run())
}
