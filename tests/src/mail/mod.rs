//! Mail for the demo and the tests: made here, the same each time.

mod demo;
mod message;
mod reading;
mod thousands;

use std::io::{BufWriter, Write as _};
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
    /// The same in one file: for more of them than a file system likes.
    OneFile(u32),
}

impl std::str::FromStr for Seed {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "empty" => Self::Empty,
            "demo" => Self::Demo,
            "reading" => Self::Reading,
            _ => match text.split_once(':') {
                Some(("many", count)) => Self::Many(count.parse()?),
                Some(("one-file", count)) => Self::OneFile(count.parse()?),
                _ => anyhow::bail!("no such seed: {text}"),
            },
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
            write(maildir, "Projects/Travel", demo::travel().into_iter())
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
        Seed::OneFile(_) => anyhow::bail!("one file is not a Maildir"),
    }
}

/// Writes the demo's mailbox of 20,000 messages. Tests go without: writing and deleting them takes seconds each time.
pub fn seed_everything(maildir: &Path) -> anyhow::Result<()> {
    write(maildir, "Lists/Everything", thousands::messages(20_000))
}

/// Writes so many short messages into one file (RFC 4155).
pub fn seed_mbox(path: &Path, count: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for Delivered { raw, time, flags } in thousands::messages(count) {
        // "Mon, 29 Dec 2025 10:00:00 +0000" as "Mon Dec 29 10:00:00 2025".
        let date = message::rfc5322_date(time);
        let words: Vec<&str> = date
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .collect();
        let &[weekday, day, month, year, clock, ..] = words.as_slice() else {
            anyhow::bail!("an odd date: {date}");
        };
        writeln!(
            file,
            "From roost@example.org {weekday} {month} {day:>2} {clock} {year}"
        )?;
        if flags.contains('S') {
            writeln!(file, "Status: RO")?;
        }
        let marks: String = [('R', 'A'), ('F', 'F')]
            .iter()
            .filter(|(flag, _)| flags.contains(*flag))
            .map(|(_, mark)| *mark)
            .collect();
        if !marks.is_empty() {
            writeln!(file, "X-Status: {marks}")?;
        }
        file.write_all(&raw)?;
        writeln!(file)?;
    }
    file.flush()?;
    Ok(())
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
