//! A private Postfix that delivers everything to Dovecot over LMTP.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::process::Command;

use crate::process::{Directory, free_port, require, wait_for_port};

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    pub port: u16,
    config: PathBuf,
    _directory: Directory,
}

impl Postfix {
    /// Starts one that delivers to the LMTP server on `lmtp_port`.
    pub async fn start(lmtp_port: u16) -> anyhow::Result<Self> {
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
                 virtual_mailbox_domains = roost.test\n\
                 virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}\n\
                 lmtp_destination_recipient_limit = 1\n\
                 inet_interfaces = 127.0.0.1\n\
                 inet_protocols = ipv4\n\
                 mynetworks = 127.0.0.0/8\n\
                 smtpd_relay_restrictions = permit_mynetworks, reject\n\
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
        let output = Command::new("postfix")
            .arg("-c")
            .arg(&config)
            .arg("start")
            .output()
            .await?;
        anyhow::ensure!(
            output.status.success(),
            "Postfix did not start: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let postfix = Self {
            port,
            config,
            _directory: directory,
        };
        wait_for_port(port, "Postfix").await.context("Postfix")?;
        Ok(postfix)
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
