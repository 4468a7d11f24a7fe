//! `roost check`: whether a mail server answers and how it is secured.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::endpoint::{Endpoint, Security, Stream, Tls};

/// How much of a greeting is read.
const MAX_GREETING: u64 = 4_096;

/// Connects as the endpoint says, upgrades by STARTTLS where asked for, and describes what it found.
pub async fn probe(endpoint: &Endpoint, tls: &Tls) -> io::Result<String> {
    let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    match endpoint.security {
        Security::Plaintext => {
            let (greeting, _) = line(Box::new(tcp)).await?;
            Ok(format!("answers without TLS: {greeting}"))
        }
        Security::Implicit => {
            let secured = tls.handshake(&endpoint.host, tcp).await?;
            let details = describe(&secured);
            let (greeting, _) = line(Box::new(secured)).await?;
            Ok(format!("answers with {details}: {greeting}"))
        }
        Security::StartTls => {
            let (greeting, mut reader) = line(Box::new(tcp)).await?;
            let smtp = greeting.starts_with("220");
            let commands: &[&str] = if smtp {
                &["EHLO localhost", "STARTTLS"]
            } else {
                &["a STARTTLS"]
            };
            for command in commands {
                reader
                    .get_mut()
                    .write_all(format!("{command}\r\n").as_bytes())
                    .await?;
                loop {
                    let mut reply = String::new();
                    if (&mut reader)
                        .take(MAX_GREETING)
                        .read_line(&mut reply)
                        .await?
                        == 0
                    {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let done = if smtp {
                        reply.as_bytes().get(3) == Some(&b' ')
                    } else {
                        reply.starts_with("a ")
                    };
                    if done {
                        if !reply.starts_with('2')
                            && !reply.to_ascii_uppercase().starts_with("A OK")
                        {
                            return Err(io::Error::other(format!(
                                "{command} was refused: {}",
                                reply.trim()
                            )));
                        }
                        break;
                    }
                }
            }
            let secured = tls.handshake(&endpoint.host, reader.into_inner()).await?;
            Ok(format!(
                "answers with STARTTLS, {}: {greeting}",
                describe(&secured)
            ))
        }
    }
}

async fn line(stream: Stream) -> io::Result<(String, BufReader<Stream>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    (&mut reader)
        .take(MAX_GREETING)
        .read_line(&mut line)
        .await?;
    let line: String = line
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    Ok((line, reader))
}

fn describe<S>(stream: &tokio_rustls::client::TlsStream<S>) -> String {
    let (_, connection) = stream.get_ref();
    let version = connection
        .protocol_version()
        .map_or_else(|| "TLS".to_owned(), |version| format!("{version:?}"));
    let suite = connection
        .negotiated_cipher_suite()
        .map_or_else(String::new, |suite| format!(" {:?}", suite.suite()));
    format!("{version}{suite}, a certificate this machine trusts")
}
