//! Settings: the same names as flags, in the environment (`ROOST_…`) and in `roost.toml`; flags win over the
//! environment, the environment over the file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use serde::Deserialize;

use crate::imap::{Endpoint, Protocol};

/// Roost: a self-hosted webmail.
///
/// Point it at your IMAP and SMTP servers and open the address it listens on:
///
///   roost --listen 127.0.0.1:8080 --imap imaps://mail.example.org --smtp smtps://mail.example.org
///
/// Put a reverse proxy with TLS in front of it for anything but this machine. Every flag can also be given in the
/// environment (ROOST_IMAP for --imap) or in a file (imap = "…" in roost.toml).
#[derive(Debug, Parser)]
#[command(name = "roost", version, verbatim_doc_comment)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub flags: Flags,
    /// The settings file. Without this flag, roost.toml in the current directory or /etc/roost/roost.toml, if there.
    #[arg(long, env = "ROOST_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Tell whether the mail servers answer, and how they are secured; then exit.
    Check,
}

/// Each setting once. What is not given here comes from the file, then from the default.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Flags {
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "ROOST_LISTEN", global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The IMAP server: imaps://HOST, imap+starttls://HOST, or imap://HOST for this machine only
    #[arg(long, env = "ROOST_IMAP", global = true, value_name = "URL")]
    pub imap: Option<String>,
    /// How long the IMAP server may take for one command [default: 60]
    #[arg(
        long,
        env = "ROOST_IMAP_TIMEOUT",
        global = true,
        value_name = "SECONDS"
    )]
    pub imap_timeout: Option<u64>,
    /// The submission server: smtps://HOST, smtp+starttls://HOST, or smtp://HOST for this machine only
    #[arg(long, env = "ROOST_SMTP", global = true, value_name = "URL")]
    pub smtp: Option<String>,
    /// The submission server puts what it sends into Sent by itself: Roost looks for it there and adds no copy
    #[arg(long, env = "ROOST_SMTP_FILES_SENT", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub smtp_files_sent: Option<bool>,
    /// The domain of addresses, for people who sign in without one (alice becomes alice@DOMAIN) [default: the IMAP
    /// server's host without its first label]
    #[arg(long, env = "ROOST_MAIL_DOMAIN", global = true, value_name = "DOMAIN")]
    pub mail_domain: Option<String>,
    /// Allow plain-text connections to mail servers on other machines
    #[arg(long, env = "ROOST_ALLOW_PLAINTEXT", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub allow_plaintext: Option<bool>,
    /// Take what people type as their password for an OAuth access token, and sign in to the mail servers with it
    /// (OAUTHBEARER or XOAUTH2). Roost obtains and renews none
    #[arg(long, env = "ROOST_OAUTH", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub oauth: Option<bool>,
    /// The address people open, such as https://mail.example.org. Decides which Origin is accepted and whether cookies
    /// need TLS. Without it, the Host header is believed
    #[arg(long, env = "ROOST_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// Believe X-Forwarded-For of a reverse proxy in front (only the last address in it)
    #[arg(long, env = "ROOST_BEHIND_PROXY", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub behind_proxy: Option<bool>,
    /// Sign out after this many hours without use [default: 336]
    #[arg(long, env = "ROOST_IDLE_HOURS", global = true, value_name = "HOURS")]
    pub idle_hours: Option<u32>,
    /// Sign out after this many hours in any case [default: 2160]
    #[arg(long, env = "ROOST_SESSION_HOURS", global = true, value_name = "HOURS")]
    pub session_hours: Option<u32>,
    /// Failed sign-ins allowed from one address, and for one user name, in ten minutes [default: 20]
    #[arg(long, env = "ROOST_SIGN_IN_FAILURES", global = true, value_name = "N")]
    pub sign_in_failures: Option<u32>,
}

/// Settings that have been checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub imap: Endpoint,
    pub smtp: Option<Endpoint>,
    /// Whether what the submission server sends is in Sent without Roost.
    pub smtp_files_sent: bool,
    /// The domain of people who sign in without one.
    pub mail_domain: String,
    /// `scheme://host[:port]`, without a path.
    pub public_origin: Option<String>,
    pub behind_proxy: bool,
    pub idle_limit: Duration,
    pub session_limit: Duration,
    pub sign_in_failures: u32,
}

impl Flags {
    /// What is given here, else what the other gives.
    fn or(self, file: Self) -> Self {
        Self {
            listen: self.listen.or(file.listen),
            imap: self.imap.or(file.imap),
            imap_timeout: self.imap_timeout.or(file.imap_timeout),
            smtp: self.smtp.or(file.smtp),
            smtp_files_sent: self.smtp_files_sent.or(file.smtp_files_sent),
            mail_domain: self.mail_domain.or(file.mail_domain),
            allow_plaintext: self.allow_plaintext.or(file.allow_plaintext),
            oauth: self.oauth.or(file.oauth),
            public_url: self.public_url.or(file.public_url),
            behind_proxy: self.behind_proxy.or(file.behind_proxy),
            idle_hours: self.idle_hours.or(file.idle_hours),
            session_hours: self.session_hours.or(file.session_hours),
            sign_in_failures: self.sign_in_failures.or(file.sign_in_failures),
        }
    }

    /// Checks everything and fills in the defaults.
    pub fn resolve(self) -> anyhow::Result<Settings> {
        let allow_plaintext = self.allow_plaintext.unwrap_or(false);
        let imap = self
            .imap
            .context("no IMAP server given: use --imap imaps://mail.example.org, ROOST_IMAP, or imap in roost.toml")?;
        let imap =
            Endpoint::parse(&imap, Protocol::Imap, allow_plaintext).map_err(anyhow::Error::msg)?;
        let oauth = self.oauth.unwrap_or(false);
        let smtp = self
            .smtp
            .map(|url| Endpoint::parse(&url, Protocol::Smtp, allow_plaintext))
            .transpose()
            .map_err(anyhow::Error::msg)?;
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        Ok(Settings {
            listen: self.listen.unwrap_or(([127, 0, 0, 1], 8080).into()),
            imap: Endpoint {
                patience: self
                    .imap_timeout
                    .map_or(crate::imap::PATIENCE, Duration::from_secs),
                oauth,
                ..imap.clone()
            },
            mail_domain: self.mail_domain.unwrap_or_else(|| domain_of(&imap.host)),
            smtp: smtp.map(|smtp| Endpoint { oauth, ..smtp }),
            smtp_files_sent: self.smtp_files_sent.unwrap_or(false),
            public_origin: self
                .public_url
                .map(|url| {
                    let parsed =
                        url::Url::parse(&url).with_context(|| format!("--public-url {url}"))?;
                    anyhow::ensure!(
                        matches!(parsed.scheme(), "http" | "https") && parsed.host().is_some(),
                        "--public-url {url}: it must begin with https:// (or http://)"
                    );
                    Ok(parsed.origin().ascii_serialization())
                })
                .transpose()?,
            behind_proxy: self.behind_proxy.unwrap_or(false),
            idle_limit: hours(self.idle_hours.unwrap_or(336)),
            session_limit: hours(self.session_hours.unwrap_or(2160)),
            sign_in_failures: self.sign_in_failures.unwrap_or(20),
        })
    }
}

impl Settings {
    /// The address of a person who signed in under this name.
    pub fn address_of(&self, username: &str) -> String {
        if username.contains('@') {
            username.to_owned()
        } else {
            format!("{username}@{}", self.mail_domain)
        }
    }
}

/// `mail.example.org` serves `example.org`; `example.org` and `localhost` serve themselves.
fn domain_of(host: &str) -> String {
    match host.split_once('.') {
        Some((_, rest)) if rest.contains('.') && host.parse::<std::net::IpAddr>().is_err() => {
            rest.to_owned()
        }
        _ => host.to_owned(),
    }
}

impl Cli {
    /// Flags and environment over the settings file.
    pub fn settings(self) -> anyhow::Result<Settings> {
        let file = match &self.config {
            Some(path) => Some(path.clone()),
            None => ["roost.toml", "/etc/roost/roost.toml"]
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.exists()),
        };
        let from_file = match file {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read the settings file {}", path.display()))?;
                toml::from_str(&text)
                    .with_context(|| format!("in the settings file {}", path.display()))?
            }
            None => Flags::default(),
        };
        self.flags.or(from_file).resolve()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let file: Flags =
            toml::from_str("imap = \"imaps://file.example\"\nidle-hours = 1").expect("valid");
        let flags = Flags {
            imap: Some("imaps://flag.example".to_owned()),
            ..Flags::default()
        };
        let settings = flags.or(file).resolve().expect("valid");
        assert_eq!(settings.imap.host, "flag.example");
        assert_eq!(settings.idle_limit, Duration::from_secs(3600));
    }

    #[test]
    fn people_have_an_address() {
        let flags = Flags {
            imap: Some("imaps://mail.example.org".to_owned()),
            ..Flags::default()
        };
        let settings = flags.resolve().expect("valid");
        assert_eq!(settings.address_of("alice"), "alice@example.org");
        assert_eq!(
            settings.address_of("bob@other.example"),
            "bob@other.example"
        );
        assert_eq!(domain_of("localhost"), "localhost");
        assert_eq!(domain_of("example.org"), "example.org");
        assert_eq!(domain_of("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn a_typo_in_the_file_is_an_error() {
        assert!(toml::from_str::<Flags>("imapp = \"imaps://file.example\"").is_err());
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
