//! Mail for the demo and the tests: made here, the same each time.

mod demo;
mod message;
mod reading;
mod thousands;

use std::path::Path;

pub use message::{Message, pdf, png};
pub use reading::READING;

/// What an account is seeded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    Empty,
    /// Mail worth looking at.
    Demo,
    /// One message for each thing that reading must cope with.
    Reading,
    /// So many short messages in the inbox.
    Many(u32),
}

impl std::str::FromStr for Seed {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "empty" => Self::Empty,
            "demo" => Self::Demo,
            "reading" => Self::Reading,
            _ => Self::Many(
                text.strip_prefix("many:")
                    .ok_or_else(|| anyhow::anyhow!("no such seed: {text}"))?
                    .parse()?,
            ),
        })
    }
}

/// Writes an account's mail into its Maildir. Before the account is first opened.
pub fn seed(maildir: &Path, seed: Seed) -> anyhow::Result<()> {
    match seed {
        Seed::Empty => write(maildir, "", std::iter::empty()),
        Seed::Demo => {
            write(maildir, "", demo::inbox().into_iter())?;
            write(maildir, "Archive", demo::archive().into_iter())?;
            write(maildir, "Sent", demo::sent().into_iter())?;
            write(maildir, "Junk", demo::junk().into_iter())?;
            write(maildir, "Projects", demo::projects().into_iter())?;
            write(maildir, "Projects/Travel", demo::travel().into_iter())?;
            write(maildir, "Lists/Everything", thousands::messages(20_000))
        }
        Seed::Reading => write(
            maildir,
            "",
            READING
                .iter()
                .enumerate()
                .map(|(index, (_, raw))| Delivered {
                    raw: raw(),
                    time: 1_700_000_000 + index as u64 * 60,
                    flags: "",
                }),
        ),
        Seed::Many(count) => write(maildir, "", thousands::messages(count)),
    }
}

/// A message in a mailbox.
#[derive(Debug)]
pub struct Delivered {
    pub raw: Vec<u8>,
    /// When it came, in seconds since 1970.
    pub time: u64,
    /// Maildir flags: `S` seen, `F` flagged, `R` replied.
    pub flags: &'static str,
}

/// Writes messages as Maildir files, whose modification time is their INTERNALDATE.
fn write(
    maildir: &Path,
    mailbox: &str,
    messages: impl Iterator<Item = Delivered>,
) -> anyhow::Result<()> {
    let directory = maildir.join(mailbox);
    for name in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(directory.join(name))?;
    }
    for (index, message) in messages.enumerate() {
        let Delivered { raw, time, flags } = message;
        let path = directory
            .join("cur")
            .join(format!("{time}.{index:07}.roost,S={}:2,{flags}", raw.len()));
        std::fs::write(&path, raw)?;
        let file = std::fs::File::options().write(true).open(&path)?;
        let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time);
        file.set_times(
            std::fs::FileTimes::new()
                .set_modified(when)
                .set_accessed(when),
        )?;
    }
    Ok(())
}
