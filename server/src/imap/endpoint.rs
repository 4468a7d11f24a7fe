//! Where the mail server is and how it is reached.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a server may take for one command, unless the settings say otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314, section 3).
    Implicit,
    /// Plain text until STARTTLS; never signs in before.
    StartTls,
    /// None. Only for a loopback host, or where the operator insists.
    Plaintext,
}

/// A configured server. Nothing else names a host: nobody can make the gateway connect elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub security: Security,
    pub host: String,
    pub port: u16,
    /// How long the server may take for one command.
    pub patience: Duration,
    /// What people sign in with is an access token (OAuth), not a password.
    pub oauth: bool,
}

impl Endpoint {
    /// From a URL such as `imaps://mail.example.org` or `imap+starttls://mail.example.org:143`.
    pub fn parse(url: &str, protocol: Protocol, allow_plaintext: bool) -> Result<Self, String> {
        let parsed = url::Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        let (name, plain_port, tls_port) = match protocol {
            Protocol::Imap => ("imap", 143, 993),
            Protocol::Smtp => ("smtp", 587, 465),
        };
        let (security, port) = match parsed.scheme().strip_prefix(name) {
            Some("s") => (Security::Implicit, tls_port),
            Some("+starttls") => (Security::StartTls, plain_port),
            Some("") => (Security::Plaintext, plain_port),
            _ => {
                return Err(format!(
                    "{url}: the scheme must be {name}s, {name}+starttls or {name}"
                ));
            }
        };
        let host = parsed
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| format!("{url}: the host is missing"))?
            .trim_matches(['[', ']'])
            .to_owned();
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(format!(
                "{name} URL: it must not contain a user name or password"
            ));
        }
        let loopback = host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if security == Security::Plaintext && !loopback && !allow_plaintext {
            return Err(format!(
                "{url}: passwords would cross the network in plain text. Use {name}s:// or {name}+starttls://, or \
                 give --allow-plaintext if you know that the network is safe"
            ));
        }
        Ok(Self {
            security,
            host,
            port: parsed.port().unwrap_or(port),
            patience: PATIENCE,
            oauth: false,
        })
    }

    /// Opens a TCP connection, and TLS on it for [`Security::Implicit`].
    pub async fn connect(&self, tls: &Tls) -> std::io::Result<Stream> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        match self.security {
            Security::Implicit => tls.secure(&self.host, Box::new(tcp)).await,
            Security::StartTls | Security::Plaintext => Ok(Box::new(tcp)),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.security {
            Security::Implicit => "TLS",
            Security::StartTls => "STARTTLS",
            Security::Plaintext => "plain text",
        };
        write!(f, "{} port {} ({how})", self.host, self.port)
    }
}

/// Which protocol a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Smtp,
}

/// A connection to a mail server, secured or not.
pub type Stream = Box<dyn Connection>;

/// What a connection can do.
pub trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug> Connection for T {}

/// TLS towards mail servers: the system's certificate authorities, one crypto provider named explicitly.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Trusts the system's authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured).
    pub fn new() -> Result<Self, rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Runs the handshake on a stream.
    pub async fn secure(&self, host: &str, stream: Stream) -> std::io::Result<Stream> {
        Ok(Box::new(self.handshake(host, stream).await?))
    }

    /// [`Self::secure`] with the session's details still visible.
    pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> std::io::Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
        self.0.connect(name, stream).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_is_for_loopback_unless_insisted() {
        for url in [
            "imap://localhost:1143",
            "imap://127.0.0.1",
            "imap://[::1]:143",
        ] {
            assert!(Endpoint::parse(url, Protocol::Imap, false).is_ok(), "{url}");
        }
        assert!(Endpoint::parse("imap://mail.example.org", Protocol::Imap, false).is_err());
        assert!(Endpoint::parse("imap://mail.example.org", Protocol::Imap, true).is_ok());
    }

    #[test]
    fn ports_follow_the_scheme() {
        let port = |url, protocol| Endpoint::parse(url, protocol, false).map(|e| e.port);
        assert_eq!(port("imaps://a.example", Protocol::Imap), Ok(993));
        assert_eq!(port("imap+starttls://a.example", Protocol::Imap), Ok(143));
        assert_eq!(port("smtps://a.example", Protocol::Smtp), Ok(465));
        assert_eq!(port("smtp+starttls://a.example", Protocol::Smtp), Ok(587));
        assert!(port("smtps://a.example", Protocol::Imap).is_err());
        assert!(port("https://a.example", Protocol::Imap).is_err());
    }
}
