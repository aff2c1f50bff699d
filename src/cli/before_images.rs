//! `exeunt before-images`: what accounts were like before each change, as a dated archive.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::cli::args::BeforeImagesArgs;
use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::output::plural;
use crate::cli::private_file;
use crate::cli::setup;
use crate::engine::before::Image;
use crate::engine::replay::parse_moment;
use crate::ledger::Access;

/// `exeunt before-images`.
pub fn before_images(cli: &Cli, args: &BeforeImagesArgs, output: &Output) -> Result<Exit, Failure> {
    let engine = setup::open(cli, Access::ReadOnly, output)?;
    let moment = |text: &Option<String>| {
        text.as_ref().map_or(Ok(None), |text| {
            parse_moment(text)
                .map(Some)
                .ok_or_else(|| Failure::usage(format!("`{text}` is no date"), "as in 2026-05-01"))
        })
    };
    let (from, to) = (moment(&args.from)?, moment(&args.to)?);
    let images = engine.before_images(&args.tenant, from, to)?;
    if images.is_empty() {
        output.note("no change in this ledger kept an account as it was before");
        return Ok(Exit::Done);
    }
    let stamp = engine.clock.now().chrono().format("%Y-%m-%dT%H%M%SZ");
    let path = args.out.join(format!("before-images-{stamp}.zip"));
    write(&path, &images)?;
    if output.json {
        output.document(&json!({ "file": path, "images": images.len() }));
        return Ok(Exit::Done);
    }
    output.data(&path.display().to_string());
    let count = plural(images.len() as u64, "account");
    output.note(&format!(
        "what {count} held before a change; the file has personal data in it"
    ));
    Ok(Exit::Done)
}

/// Writes the archive under a new name, whole or not at all, readable by its owner only.
fn write(path: &PathBuf, images: &[Image]) -> Result<(), Failure> {
    let failure = |e: &dyn std::fmt::Display| private_file::failure(path, e);
    let file = private_file::begin(path)?;
    let mut zip = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o600);
    zip.start_file("INDEX.csv", options)
        .map_err(|e| failure(&e))?;
    let index = index(images).map_err(|e| failure(&e))?;
    zip.write_all(&index).map_err(|e| failure(&e))?;
    for image in images {
        zip.start_file(image.file(), options)
            .map_err(|e| failure(&e))?;
        zip.write_all(image.text.as_bytes())
            .map_err(|e| failure(&e))?;
    }
    let file = zip.finish().map_err(|e| failure(&e))?;
    file.as_file().sync_all().map_err(|e| failure(&e))?;
    // never over another one
    file.persist_noclobber(path)
        .map_err(|e| failure(&e.error))?;
    Ok(())
}

/// One line for each image; names of files are positions, never what a provider calls somebody.
fn index(images: &[Image]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "FILE", "ENTRY", "AT", "TENANT", "ACCOUNT", "EMAIL", "DO", "CALL", "RESULT",
    ])?;
    for image in images {
        let cells = [
            image.file(),
            image.seq.to_string(),
            image.at.to_seconds_text(),
            image.tenant.to_string(),
            image.account.clone().unwrap_or_default(),
            image.email.clone().unwrap_or_default(),
            image.does.as_str().to_owned(),
            image.call.clone(),
            image.result.to_owned(),
        ];
        writer.write_record(cells.iter().map(|cell| crate::cli::review::harmless(cell)))?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::account::Do;
    use crate::domain::id::SourceName;
    use crate::domain::time::Time;

    fn image(text: &str) -> Image {
        Image {
            seq: 7,
            at: Time::from_seconds(0),
            tenant: SourceName::new("portal"),
            account: Some("../../etc/passwd".to_owned()),
            email: Some("=1+1@example.com".to_owned()),
            does: Do::Remove,
            call: "delete".to_owned(),
            result: "done",
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_archive_is_never_written_over_and_names_nobody_in_its_paths() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.zip");
        write(&path, &[image("{\"a\":1}")]).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(write(&path, &[image("{}")]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        let zip = zip::ZipArchive::new(std::io::Cursor::new(before)).unwrap();
        let names: Vec<_> = zip.file_names().map(|n| n.unwrap().into_owned()).collect();
        assert_eq!(names, ["INDEX.csv", "portal/000000000007.json"]);
        let index = String::from_utf8(index(&[image("{}")]).unwrap()).unwrap();
        assert!(index.contains(",'=1+1@example.com,"), "{index}");
    }
}
