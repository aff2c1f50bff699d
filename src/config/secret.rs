//! Secrets: references in the configuration, values only in memory.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use zeroize::Zeroizing;

use crate::config::mistake::RIGHT;

/// Where a secret is; there is no literal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable.
    Env {
        /// Its name.
        env: String,
    },
    /// In a file, its last line break left out.
    File {
        /// The file.
        file: PathBuf,
    },
    /// In what a command prints, its last line break left out.
    Command {
        /// The program and its arguments; no shell.
        command: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
}

/// What a secret looks like in the configuration.
pub const FORMS: &str =
    "{ env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", \"ARGUMENT\"] }";

fn in_the_clear<E: serde::de::Error>() -> E {
    E::custom(format!(
        "here stands a secret itself, and a secret is only referred to{RIGHT}{FORMS}"
    ))
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;
        impl<'de> Visitor<'de> for Reference {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORMS)
            }

            // A literal is refused without being repeated in the message.
            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(in_the_clear())
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretRef, E> {
                Err(in_the_clear())
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretRef, E> {
                Err(in_the_clear())
            }

            fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<SecretRef, E> {
                Err(in_the_clear())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<SecretRef, A::Error> {
                Err(in_the_clear())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
                let parts = Parts::deserialize(MapAccessDeserializer::new(map))?;
                match (parts.env, parts.file, parts.command) {
                    (Some(env), None, None) => Ok(SecretRef::Env { env }),
                    (None, Some(file), None) => Ok(SecretRef::File { file }),
                    (None, None, Some(command)) => Ok(SecretRef::Command { command }),
                    _ => Err(serde::de::Error::custom(format!(
                        "a secret comes from exactly one place{RIGHT}{FORMS}"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(Reference)
    }
}

/// A secret in memory; shown nowhere.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret that was fetched.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretRef {
    /// Fetches the secret; `base` is where relative paths count from. The error names the place,
    /// never what was found there.
    pub fn resolve(&self, base: &Path) -> Result<Secret, String> {
        let text = match self {
            SecretRef::Env { env } => std::env::var(env)
                .map_err(|_| format!("the environment variable {env} is not set; set it"))?,
            SecretRef::File { file } => {
                let path = base.join(file);
                std::fs::read_to_string(&path)
                    .map_err(|e| format!("{} cannot be read: {e}", path.display()))?
            }
            SecretRef::Command { command } => run(command)?,
        };
        let text = Zeroizing::new(text);
        let trimmed = text.trim_end_matches(['\n', '\r']);
        if trimmed.is_empty() {
            return Err(format!("{self} is empty"));
        }
        if trimmed.chars().any(char::is_control) {
            return Err(format!(
                "{self} has a line break or another control character in it"
            ));
        }
        Ok(Secret(Zeroizing::new(trimmed.to_owned())))
    }
}

fn run(command: &[String]) -> Result<String, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("the command of a secret is empty".to_owned());
    };
    let output = std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("{program} cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} did not print UTF-8"))
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env { env } => write!(f, "the environment variable {env}"),
            SecretRef::File { file } => write!(f, "the file {}", file.display()),
            SecretRef::Command { command } => {
                write!(
                    f,
                    "the command {}",
                    command.first().map_or("", String::as_str)
                )
            }
        }
    }
}
