//! A private Dovecot.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Child;

use crate::client::Client;
use crate::process::{Directory, dying_with_us, end_now, free_port, require, stop, wait_for_port};

/// The password of every account.
pub const PASSWORD: &str = "demo";

/// How a Dovecot differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Capabilities to hide, such as `NOTIFY` or `QRESYNC`.
    pub without: Vec<&'static str>,
    /// The most messages an account may have.
    pub most_messages: Option<u32>,
    /// Where it keeps its data; a temporary directory otherwise.
    pub keep_in: Option<PathBuf>,
    /// The port to listen on; a free one otherwise.
    pub port: Option<u16>,
}

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    pub port: u16,
    pub lmtp_port: u16,
    /// Where Postfix asks whether a password is right.
    pub auth_port: u16,
    child: Child,
    home: PathBuf,
    config: PathBuf,
    _directory: Option<Directory>,
}

impl Dovecot {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        require("dovecot", "dovecot-imapd dovecot-lmtpd")?;
        let (home, directory) = match &options.keep_in {
            Some(path) => {
                std::fs::create_dir_all(path)?;
                (path.clone(), None)
            }
            None => {
                let directory = Directory::new("dovecot")?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755))?;
        let port = match options.port {
            Some(port) => port,
            None => free_port()?,
        };
        let lmtp_port = free_port()?;
        let auth_port = free_port()?;
        let (uid, gid) = mail_user();
        for name in ["mail", "home"] {
            let path = home.join(name);
            std::fs::create_dir_all(&path)?;
            if is_root() {
                chown(&path, Some(uid), Some(gid))?;
            }
        }
        let config = home.join("dovecot.conf");
        std::fs::write(
            &config,
            configuration(&home, [port, lmtp_port, auth_port], options),
        )?;
        let users = home.join("users");
        if !users.exists() {
            std::fs::write(&users, "")?;
        }
        let child = spawn(&config)?;
        wait_for_port(port, "Dovecot").await.with_context(|| {
            std::fs::read_to_string(home.join("dovecot.log")).unwrap_or_default()
        })?;
        Ok(Self {
            port,
            lmtp_port,
            auth_port,
            child,
            home,
            config,
            _directory: directory,
        })
    }

    /// Adds an account with [`PASSWORD`] and waits until it can sign in: Dovecot looks at its list of accounts once a
    /// second.
    pub async fn add_user(&self, name: &str) -> anyhow::Result<()> {
        self.know_users([name.to_owned()])?;
        self.settle(name).await
    }

    /// Tells it of accounts with [`PASSWORD`], without waiting.
    pub fn know_users(&self, names: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
        for name in names {
            self.set_password(&name, PASSWORD)?;
        }
        Ok(())
    }

    /// Waits until an account can sign in and has its first mailboxes.
    pub async fn settle(&self, name: &str) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            match Client::sign_in(self.port, name).await {
                Ok(mut client) => {
                    // Several processes that make the first mailboxes at the same time get in each other's way.
                    for mailbox in ["INBOX", "Drafts", "Sent", "Archive", "Junk", "Trash"] {
                        client.run(&format!("STATUS {mailbox} (MESSAGES)")).await?;
                    }
                    return Ok(());
                }
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// [`Self::add_user`] for an account whose mail is in one file ([`Self::mbox`]): a million messages take seconds to
    /// write that way.
    pub async fn add_user_with_mbox(&self, name: &str) -> anyhow::Result<()> {
        let (uid, gid) = mail_user();
        let home = self.home.display();
        let file = self.mbox(name);
        let fields = format!(
            "userdb_uid={uid} userdb_gid={gid} userdb_home={home}/home/{name} \
             userdb_mail=mbox:{home}/mail/{name}-folders:INBOX={}",
            file.display()
        );
        self.set_account(name, PASSWORD, &fields)?;
        self.settle(name).await
    }

    /// The file of an account's inbox.
    pub fn mbox(&self, user: &str) -> PathBuf {
        self.home.join("mail").join(format!("{user}.mbox"))
    }

    /// Sets an account's password.
    pub fn set_password(&self, name: &str, password: &str) -> anyhow::Result<()> {
        self.set_account(name, password, "")
    }

    fn set_account(&self, name: &str, password: &str, fields: &str) -> anyhow::Result<()> {
        let path = self.home.join("users");
        let mut users: String = std::fs::read_to_string(&path)?
            .lines()
            .filter(|line| !line.starts_with(&format!("{name}:")))
            .fold(String::new(), |all, line| all + line + "\n");
        writeln!(users, "{name}:{{PLAIN}}{password}::::::{fields}")?;
        std::fs::write(path, users)?;
        Ok(())
    }

    /// The account's Maildir, into which seeds are written before it is first opened.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.home.join("mail").join(user)
    }

    /// Gives an account's Maildir or mbox, written by us, to the user that Dovecot reads them as. Only those: where others are at work,
    /// files go while they are listed.
    pub async fn own_mail(&self, mail: &Path) -> anyhow::Result<()> {
        if is_root() {
            let (uid, gid) = mail_user();
            let status = tokio::process::Command::new("chown")
                .args(["-R", &format!("{uid}:{gid}")])
                .arg(mail)
                .status()
                .await?;
            anyhow::ensure!(status.success(), "chown failed");
        }
        Ok(())
    }

    /// Stops it, as when a mail server goes away.
    pub async fn stop(&mut self) {
        stop(&mut self.child).await;
    }

    /// Starts it again on the same port with the same mail.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.config)?;
        wait_for_port(self.port, "Dovecot").await
    }

    pub fn url(&self) -> String {
        format!("imap://127.0.0.1:{}", self.port)
    }
}

impl Drop for Dovecot {
    /// An orderly end: a Dovecot that is killed leaves processes behind that write into the directory while it is removed.
    fn drop(&mut self) {
        end_now(&mut self.child);
    }
}

fn spawn(config: &Path) -> anyhow::Result<Child> {
    dying_with_us("dovecot")
        .args(["-F", "-c"])
        .arg(config)
        .spawn()
        .context("cannot start Dovecot")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// The `mail` user, which every Debian has.
fn mail_user() -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    passwd
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some("mail")).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some((uid, gid))
        })
        .unwrap_or((8, 8))
}

fn configuration(home: &Path, [port, lmtp_port, auth_port]: [u16; 3], options: &Options) -> String {
    let home = home.display();
    let (uid, gid) = mail_user();
    let mut capability = String::new();
    if !options.without.is_empty() {
        let words = [
            "IMAP4rev1",
            "SASL-IR",
            "LITERAL+",
            "ENABLE",
            "IDLE",
            "NAMESPACE",
            "UIDPLUS",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "CONDSTORE",
            "QRESYNC",
            "ESEARCH",
            "MOVE",
            "SPECIAL-USE",
            "NOTIFY",
            "PREVIEW",
        ];
        let kept: Vec<&str> = words
            .into_iter()
            .filter(|word| !options.without.contains(word))
            .collect();
        capability = format!("imap_capability = {}\n", kept.join(" "));
    }
    // Counted by the messages there are, so that nothing has to be told when seeds write them.
    let quota = options.most_messages.map_or_else(String::new, |most| {
        format!(
            "mail_plugins = quota\nplugin {{\n  quota = count:all\n  quota_vsizes = yes\n  quota_rule = *:messages={most}\n  quota_grace = 0\n}}\n"
        )
    });
    format!(
        r"
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
auth_failure_delay = 0 secs
auth_cache_size = 0
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u:LAYOUT=fs
mail_max_userip_connections = 1000
maildir_stat_dirs = no
{capability}{quota}passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
userdb {{
  driver = prefetch
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \Sent
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \Archive
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \Junk
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \Trash
    auto = subscribe
  }}
}}
service imap-login {{
  service_count = 0
  client_limit = 2000
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  process_min_avail = 2
  process_limit = 2000
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@roost.test
}}
"
    )
}
