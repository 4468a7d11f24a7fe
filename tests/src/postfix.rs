//! A private Postfix: takes mail from people who sign in, and delivers everything to Dovecot over LMTP.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use crate::dovecot::Dovecot;
use crate::process::{Directory, free_port, require, wait_for_port};

/// The domain it delivers for.
pub const DOMAIN: &str = "roost.test";
/// The largest message it takes, in bytes.
pub const SIZE_LIMIT: u64 = 40_000_000;
/// The address it refuses.
pub const NOBODY: &str = "nobody@roost.test";

/// How long to wait until it has written down what it did.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    pub port: u16,
    config: PathBuf,
    directory: Directory,
}

impl Postfix {
    /// Starts one that asks this Dovecot for passwords and delivers to it.
    pub async fn start(dovecot: &Dovecot) -> anyhow::Result<Self> {
        let (lmtp_port, auth_port) = (dovecot.lmtp_port, dovecot.auth_port);
        require("postfix", "postfix")?;
        let directory = Directory::new("postfix")?;
        let home = directory.path().display().to_string();
        let port = free_port()?;
        let config = directory.path().join("etc");
        for name in ["etc", "spool", "data"] {
            std::fs::create_dir_all(directory.path().join(name))?;
        }
        let status = Command::new("chown")
            .arg("postfix")
            .arg(directory.path().join("data"))
            .status()
            .await?;
        anyhow::ensure!(status.success(), "Postfix needs to be started by root");
        std::fs::write(
            config.join("main.cf"),
            format!(
                "compatibility_level = 3.6\n\
                 queue_directory = {home}/spool\n\
                 data_directory = {home}/data\n\
                 command_directory = /usr/sbin\n\
                 daemon_directory = /usr/lib/postfix/sbin\n\
                 mail_owner = postfix\n\
                 myhostname = mail.roost.test\n\
                 mydestination =\n\
                 virtual_mailbox_domains = {DOMAIN}\n\
                 virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}\n\
                 lmtp_destination_recipient_limit = 1\n\
                 inet_interfaces = 127.0.0.1\n\
                 inet_protocols = ipv4\n\
                 mynetworks = 127.0.0.0/8\n\
                 message_size_limit = {SIZE_LIMIT}\n\
                 smtpd_sasl_auth_enable = yes\n\
                 smtpd_sasl_type = dovecot\n\
                 smtpd_sasl_path = inet:127.0.0.1:{auth_port}\n\
                 smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_recipient_restrictions =\n\
                 \x20 check_recipient_access inline:{{{{{NOBODY}=REJECT there is nobody of that name}}}}, permit\n\
                 alias_maps =\n\
                 alias_database =\n\
                 biff = no\n\
                 maillog_file = {home}/postfix.log\n\
                 maillog_file_prefixes = /tmp, /var, {home}\n"
            ),
        )?;
        std::fs::write(
            config.join("master.cf"),
            format!(
                "127.0.0.1:{port} inet n - n - - smtpd\n\
                 pickup unix n - n 60 1 pickup\n\
                 cleanup unix n - n - 0 cleanup\n\
                 qmgr unix n - n 300 1 qmgr\n\
                 rewrite unix - - n - - trivial-rewrite\n\
                 bounce unix - - n - 0 bounce\n\
                 defer unix - - n - 0 bounce\n\
                 trace unix - - n - 0 bounce\n\
                 verify unix - - n - 1 verify\n\
                 proxymap unix - - n - - proxymap\n\
                 smtp unix - - n - - smtp\n\
                 lmtp unix - - n - - lmtp\n\
                 error unix - - n - - error\n\
                 retry unix - - n - - error\n\
                 discard unix - - n - - discard\n\
                 anvil unix - - n - 1 anvil\n\
                 postlog unix-dgram n - n - 1 postlogd\n"
            ),
        )?;
        let postfix = Self {
            port,
            config,
            directory,
        };
        postfix.restart().await?;
        Ok(postfix)
    }

    /// Stops it, as when a mail server goes away.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.control("stop").await
    }

    /// Starts it, again on the same port with the same queue.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.control("start").await?;
        wait_for_port(self.port, "Postfix").await.context("Postfix")
    }

    /// Tries at once to deliver what waits in its queue.
    pub async fn flush(&self) -> anyhow::Result<()> {
        self.control("flush").await
    }

    /// How often it took a message with this Message-ID, by its own log. Delivered more often than taken is its own doing:
    /// one that is stopped between handing a message over and noting so hands it over again (RFC 5321, section 4.5.5).
    pub fn taken(&self, message_id: &str) -> anyhow::Result<usize> {
        let log = std::fs::read_to_string(self.log())?;
        let queued = |program: &str, what: &str| -> HashSet<String> {
            log.lines()
                .filter(|line| line.contains(program) && line.contains(what))
                .filter_map(|line| Some(line.split("]: ").nth(1)?.split_once(':')?.0.to_owned()))
                .collect()
        };
        let named = queued("/cleanup[", &format!("message-id=<{message_id}>"));
        let active = queued("/qmgr[", "(queue active)");
        Ok(named.intersection(&active).count())
    }

    /// [`Self::taken`] of a message that was taken: what says so is written a moment after the answer.
    pub async fn was_taken(&self, message_id: &str) -> anyhow::Result<usize> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let taken = self.taken(message_id)?;
            if taken > 0 || tokio::time::Instant::now() > deadline {
                return Ok(taken);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("postfix.log")
    }

    async fn control(&self, what: &str) -> anyhow::Result<()> {
        let output = Command::new("postfix")
            .arg("-c")
            .arg(&self.config)
            .arg(what)
            .output()
            .await?;
        anyhow::ensure!(
            output.status.success(),
            "postfix {what}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = std::process::Command::new("postfix")
            .arg("-c")
            .arg(&self.config)
            .arg("stop")
            .output();
    }
}
