//! Lets a ledger go on whose vault is lost, or is an older copy: what that costs, and the vault that
//! takes its place.
//!
//! The new one is made beside the old one, and gets its place only when an entry says so. Nothing of
//! the old one is deleted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::domain::event::LedgerOpened;
use crate::domain::event::OperatorNamed;
use crate::domain::event::SubjectsLost;
use crate::domain::event::VaultMark;
use crate::domain::event::VaultReopened;
use crate::domain::id::EntryId;
use crate::domain::id::Seq;
use crate::domain::id::SourceName;
use crate::domain::id::Subject;
use crate::domain::lost::LostKind;
use crate::domain::rows::AccountRow;
use crate::domain::rows::CommandRow;
use crate::domain::rows::Kind;
use crate::domain::rows::LedgerRow;
use crate::domain::rows::LinkRow;
use crate::domain::rows::OperatorRow;
use crate::domain::rows::PersonRow;
use crate::domain::rows::StatedRow;
use crate::domain::time::Time;
use crate::evidence::merkle;
use crate::files;
use crate::ledger::Claim;
use crate::ledger::Ledger;
use crate::ledger::Paths;
use crate::ledger::entropy;
use crate::ledger::entropy::Entropy;
use crate::ledger::error::LedgerError;
use crate::ledger::keys;
use crate::ledger::lease;
use crate::ledger::sqlite::SqliteStore;
use crate::ledger::store::Store;
use crate::ledger::vault::Kek;
use crate::ledger::vault::SubjectKind;
use crate::ledger::vault::Vault;
use crate::ledger::vault::VaultAccess;
use crate::ledger::vault::renew;
use crate::ledger::view::View;

/// What the new files are called until an entry says that they are the ones.
const FRESH: &str = ".reopen";

/// The most pseudonyms of one entry.
const CHUNK: usize = 500;

/// What it costs to go on without the vault that is missing.
#[derive(Debug, Clone)]
pub struct Loss {
    /// The vault as the ledger knew it.
    pub before: VaultMark,
    /// The number of the last commit of the copy that is there; `None` if nothing can be opened.
    pub found: Option<u64>,
    /// What is wrong with what is there.
    pub why: String,
    /// How many words about who leaves are about those who are lost.
    pub leaves: u64,
    /// Those who have no values any more.
    groups: BTreeMap<(LostKind, SourceName), Vec<Subject>>,
    /// The directories for which it is known, or was said, whose accounts are.
    directories: Vec<SourceName>,
    /// The calls without a known outcome whose accounts are lost.
    in_doubt: BTreeMap<Subject, Vec<EntryId>>,
    /// The key that goes on being used; `None` if there must be another one.
    kek: Option<Kek>,
}

impl Loss {
    /// How many people, accounts or operators have no values any more.
    pub fn count(&self, kind: LostKind) -> u64 {
        let of_kind = self.groups.iter().filter(|((own, _), _)| *own == kind);
        of_kind.map(|(_, subjects)| subjects.len() as u64).sum()
    }

    /// How many people and accounts have no values any more.
    pub fn values(&self) -> u64 {
        self.count(LostKind::Person) + self.count(LostKind::Account)
    }

    /// What the entry says of it, for the vault with this id.
    pub fn said(&self, id: &str, alone: bool) -> VaultReopened {
        let mut text = String::new();
        let mut lost = 0;
        for sub in self.groups.values().flatten() {
            text.push_str(sub.as_str());
            text.push('\n');
            lost += 1;
        }
        VaultReopened {
            id: id.to_owned(),
            before: self.before.clone(),
            found: self.found,
            alone,
            lost,
            digest: hex::encode(merkle::sha256(text.as_bytes())),
            leaves: self.leaves,
        }
    }

    /// What the entries behind it say: the pseudonyms, so many in each that they have room.
    pub fn listed(&self) -> Vec<SubjectsLost> {
        let mut listed = Vec::new();
        for ((kind, source), subjects) in &self.groups {
            let of_account = *kind == LostKind::Account;
            for chunk in subjects.chunks(CHUNK) {
                let doubts = chunk.iter().filter_map(|sub| self.in_doubt.get(sub));
                listed.push(SubjectsLost {
                    kind: *kind,
                    source: source.clone(),
                    subjects: chunk.to_vec(),
                    directories: match of_account {
                        true => self.directories.clone(),
                        false => Vec::new(),
                    },
                    in_doubt: doubts.flatten().cloned().collect(),
                });
            }
        }
        listed
    }
}

impl Ledger {
    /// Makes sure that nobody else acts or reopens, before anything is opened.
    pub fn claim_closed(paths: &Paths) -> Result<Claim, LedgerError> {
        if !paths.ledger.exists() {
            return Err(LedgerError::NoLedger {
                path: paths.ledger.clone(),
            });
        }
        lease::lock(&paths.ledger).map(Claim)
    }

    /// What it would cost to go on without the vault that the ledger knew; `None` if that is there
    /// and fits. Changes nothing.
    pub fn vault_loss(
        paths: &Paths,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Option<Loss>, LedgerError> {
        let store = SqliteStore::open_read_only(&paths.ledger)?;
        let opened = super::opening_entry(&store)?;
        let before = super::known_vault(&store, &opened)?;
        let there = There::look(paths, &opened, entropy)?;
        let known = match &there.vault {
            Some(vault) => vault.all_subjects()?,
            None => Vec::new(),
        };
        let head = store.head()?;
        let view = View::new(&store, head, Time::from_micros(0));
        let mut loss = Loss {
            before,
            found: None,
            why: there.why,
            leaves: 0,
            groups: BTreeMap::new(),
            directories: Vec::new(),
            in_doubt: BTreeMap::new(),
            kek: there.kek,
        };
        loss.count_lost(&view, &known)?;
        let Some(vault) = there.vault else {
            return Ok(Some(loss));
        };
        let mark = vault.mark()?;
        let fits = mark.id == loss.before.id && mark.mark >= loss.before.mark;
        if fits && loss.groups.is_empty() {
            return Ok(None);
        }
        loss.found = Some(mark.mark);
        Ok(Some(loss))
    }

    /// Gives the vault that an entry names its place, where the program ended before it had; says
    /// which entry.
    pub fn place_named_vault(paths: &Paths) -> Result<Option<Seq>, LedgerError> {
        let store = SqliteStore::open_read_only(&paths.ledger)?;
        let opened = super::opening_entry(&store)?;
        let named = super::known_vault(&store, &opened)?.id;
        let row = ledger_row(&store)?.and_then(|row| row.revaulted);
        let fresh = fresh(&paths.vault);
        let Some(row) = row.filter(|_| fresh.exists()) else {
            return Ok(None);
        };
        if renew::id_of(&fresh) != Some(named) {
            return Ok(None);
        }
        place(paths, row.seq)?;
        Ok(Some(row.seq))
    }

    /// Gives the new vault its place, and what was there another name.
    pub fn place_vault(&mut self, seq: Seq) -> Result<(), LedgerError> {
        // the last connection must be closed before a database is moved
        self.vault = None;
        place(&self.paths, seq)
    }
}

/// Makes the vault that is to take the place of the one that is lost, under a name of its own.
pub(super) fn prepare(
    paths: &Paths,
    loss: &Loss,
    opened: &LedgerOpened,
    entropy: &Arc<dyn Entropy>,
    now: Time,
) -> Result<Vault, LedgerError> {
    let (kek_path, to) = (keys::kek_path(&paths.keys), fresh(&paths.vault));
    // leftovers of a time when the program ended before any entry named them
    for leftover in with_side_files(&to).into_iter().chain([fresh(&kek_path)]) {
        let _ = fs::remove_file(leftover);
    }
    let kek = match &loss.kek {
        Some(kek) => kek.clone(),
        None => {
            let kek = Kek::from_bytes(entropy::bytes(entropy.as_ref())?);
            let mut text = kek.to_hex();
            text.push('\n');
            if !paths.keys.exists() {
                files::make_directory(&paths.keys).map_err(|e| unplaced(&paths.keys, e))?;
            }
            let path = fresh(&kek_path);
            files::write_new(&path, text.as_bytes()).map_err(|e| unplaced(&path, e))?;
            kek
        }
    };
    let vault = match loss.found {
        Some(_) => Vault::renewed(&paths.vault, &to, &kek, entropy)?,
        None => Vault::create(&to, &opened.origin, &kek, entropy.clone())?,
    };
    let lost = loss.groups.iter().flat_map(|((kind, source), subjects)| {
        let each = move |sub| (as_subject(*kind), source, sub);
        subjects.iter().map(each)
    });
    vault.enter_lost(lost, now)?;
    Ok(vault)
}

const fn as_subject(kind: LostKind) -> SubjectKind {
    match kind {
        LostKind::Person => SubjectKind::Person,
        LostKind::Account => SubjectKind::Account,
        LostKind::Operator => SubjectKind::Operator,
    }
}

/// What there is of the vault and its key.
struct There {
    vault: Option<Vault>,
    kek: Option<Kek>,
    why: String,
}

impl There {
    fn look(
        paths: &Paths,
        opened: &LedgerOpened,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, LedgerError> {
        let nothing = |why: String, kek| Self {
            vault: None,
            kek,
            why,
        };
        let kek = match Kek::read(&keys::kek_path(&paths.keys)) {
            Ok(kek) => kek,
            Err(LedgerError::CannotJudge { what, .. }) => return Ok(nothing(what, None)),
            Err(LedgerError::WrongKey) => {
                let why = "the key-encryption key is no key".to_owned();
                return Ok(nothing(why, None));
            }
            Err(other) => return Err(other),
        };
        let vault = Vault::open(&paths.vault, &kek, VaultAccess::Read, entropy.clone());
        match vault {
            Ok(vault) if vault.origin() == opened.origin => Ok(Self {
                vault: Some(vault),
                kek: Some(kek),
                why: "the vault is an older copy".to_owned(),
            }),
            Ok(_) => Err(LedgerError::cannot_judge(
                format!(
                    "the vault {} belongs to another ledger",
                    paths.vault.display()
                ),
                "move it away; what is missing then counts as lost",
            )),
            Err(error @ LedgerError::WrongKey) => Ok(nothing(error.to_string(), None)),
            Err(LedgerError::CannotJudge { what, .. }) => Ok(nothing(what, Some(kek))),
            Err(other) => Err(other),
        }
    }
}

impl Loss {
    fn count_lost(&mut self, view: &View<'_>, known: &[Subject]) -> Result<(), LedgerError> {
        let lost = |sub: &Subject| known.binary_search(sub).is_err();
        let mut leaves = 0;
        let groups = &mut self.groups;
        let mut take = |kind, source: &SourceName, sub: &Subject| {
            let group = groups.entry((kind, source.clone())).or_default();
            group.push(sub.clone());
        };
        each::<PersonRow>(view, Kind::Person, |row| {
            if lost(&row.subject) {
                leaves += u64::from(row.named.is_some());
                take(LostKind::Person, &row.directory, &row.subject);
            }
        })?;
        each::<AccountRow>(view, Kind::Account, |row| {
            if lost(&row.subject) {
                leaves += u64::from(row.named.is_some());
                take(LostKind::Account, &row.tenant, &row.subject);
            }
        })?;
        let mut operators = Vec::new();
        each::<OperatorRow>(view, Kind::Operator, |row| {
            if lost(&row.subject) {
                operators.push(row);
            }
        })?;
        for row in operators {
            let named = view.entry(row.seq)?;
            let named = named.and_then(|entry| entry.payload::<OperatorNamed>());
            let how = named.map(|named| named.by).unwrap_or_default();
            take(LostKind::Operator, &SourceName::new(how), &row.subject);
        }
        self.leaves = leaves;
        let mut directories = BTreeSet::new();
        each::<LinkRow>(view, Kind::Link, |row| {
            directories.insert(row.directory);
        })?;
        each::<StatedRow>(view, Kind::Stated, |row| {
            directories.insert(row.directory);
        })?;
        self.directories = directories.into_iter().collect();
        each::<CommandRow>(view, Kind::Command, |row| {
            if row.is_open() && lost(&row.account) {
                let own = self.in_doubt.entry(row.account).or_default();
                own.push(row.intent);
            }
        })
    }
}

fn each<T: DeserializeOwned>(
    view: &View<'_>,
    kind: Kind,
    mut take: impl FnMut(T),
) -> Result<(), LedgerError> {
    view.each_row(kind, "", |row| {
        take(super::view::typed(row)?);
        Ok(())
    })
}

/// The ledger's own row.
pub(super) fn ledger_row(store: &dyn Store) -> Result<Option<LedgerRow>, LedgerError> {
    let row = store.row(Kind::Ledger, "ledger")?;
    let body = row.as_ref().map(super::view::body).transpose()?;
    Ok(body.and_then(|body| serde_json::from_value(body).ok()))
}

/// Moves what was there aside, and the new files into its place. Whoever is interrupted goes on here
/// again: the new vault keeps its name of the time before until everything else is done.
fn place(paths: &Paths, seq: Seq) -> Result<(), LedgerError> {
    let aside = |path: &Path| files::beside(path, &format!(".before-{seq}"));
    let kek = keys::kek_path(&paths.keys);
    if fresh(&kek).exists() {
        rename_if_there(&kek, &aside(&kek))?;
        crate::crash::point("kek-aside");
        rename_if_there(&fresh(&kek), &kek)?;
    }
    crate::crash::point("kek-placed");
    let to = fresh(&paths.vault);
    renew::close(&to)?;
    let (old, away) = (
        with_side_files(&paths.vault),
        with_side_files(&aside(&paths.vault)),
    );
    for (from, to) in old.iter().zip(&away) {
        rename_if_there(from, to)?;
    }
    crate::crash::point("vault-aside");
    rename_if_there(&to, &paths.vault)?;
    crate::crash::point("vault-placed");
    Ok(())
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), LedgerError> {
    if !from.exists() {
        return Ok(());
    }
    if to.exists() {
        // somebody put another one there after the program had ended: neither is given up
        return Err(LedgerError::cannot_judge(
            format!("{} and {} are both there", from.display(), to.display()),
            "move the one away that is not needed, then say it again",
        ));
    }
    fs::rename(from, to)
        .and_then(|()| files::sync_names(to))
        .map_err(|e| unplaced(to, e))
}

/// A database with the files that SQLite may keep beside it: those first, so that none of them is ever
/// taken for another database's.
fn with_side_files(path: &Path) -> Vec<PathBuf> {
    let side = ["-wal", "-shm", ""];
    side.iter()
        .map(|suffix| files::beside(path, suffix))
        .collect()
}

fn fresh(path: &Path) -> PathBuf {
    files::beside(path, FRESH)
}

fn unplaced(path: &Path, error: std::io::Error) -> LedgerError {
    LedgerError::unavailable(format!("{} cannot be made", path.display()), error)
}
