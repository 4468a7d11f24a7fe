//! Submitting a message (RFC 6409) with `lettre`'s connection, command by command: each recipient's answer counts, each
//! stage has its time, and it is known whether the message may have been taken when the line breaks.

use std::error::Error as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials as Login, Mechanism as Password};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Severity;
use roost_wire::{Problem, ProblemKind};
use tokio::time::error::Elapsed;

use crate::imap::{Credentials, Endpoint, Security};
use crate::sasl::Mechanism;

/// How long connecting, TLS and the greeting may take together.
const CONNECT_TIME: Duration = Duration::from_secs(20);
/// How long one command may take. RFC 5321, section 4.5.3.2, asks for five minutes.
const COMMAND_TIME: Duration = Duration::from_secs(300);
/// How long the server may think about a message it has received (RFC 5321, section 4.5.3.2.6).
const ACCEPT_TIME: Duration = Duration::from_secs(600);
/// The slowest line a message is sent over, in bytes per second.
const SLOWEST: u64 = 4 * 1024;
/// How much of a message is in memory at once.
const PIECE: usize = 64 * 1024;

/// How long what the server said of its limit is believed.
const LIMIT_HOLDS: Duration = Duration::from_secs(3_600);
/// How long somebody who writes waits for it.
const LIMIT_TIME: Duration = Duration::from_secs(10);

/// The largest message that the server takes, as it said last (SIZE, RFC 1870).
#[derive(Debug, Default)]
pub struct Limit(Mutex<Option<(Instant, Option<u64>)>>);

impl Limit {
    /// `Some(None)` where the server said that it does not say.
    pub fn known(&self) -> Option<Option<u64>> {
        let said = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.filter(|(when, _)| when.elapsed() < LIMIT_HOLDS)
            .map(|(_, limit)| limit)
    }

    fn heard(&self, capabilities: &[String]) -> Option<u64> {
        let limit = size_limit(capabilities);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), limit));
        limit
    }
}

/// Asks the server for its limit, without signing in. `None` too where it cannot be reached, and then it is asked again
/// next time.
pub async fn ask_limit(endpoint: &Endpoint, limit: &Limit) -> Option<u64> {
    let capabilities = tokio::time::timeout(LIMIT_TIME, async {
        let mut connection = within(CONNECT_TIME, connect(endpoint)).await?;
        let said = command(&mut connection, ehlo()).await;
        connection.abort().await;
        said
    });
    limit.heard(&capabilities.await.ok()?.ok()?)
}

/// A message ready to be submitted.
#[derive(Debug)]
pub struct Submission<'a> {
    pub from: &'a str,
    pub recipients: &'a [String],
    /// The message with CRLF line ends, the last line complete.
    pub file: &'a File,
    pub size: u64,
    /// Whether it has bytes beyond ASCII.
    pub eight_bit: bool,
    /// What the server's word on the delivery names the message by (ENVID), where the sender wants that word (RFC 3461).
    pub notify: Option<&'a str>,
}

/// A message that the server took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The sender wanted to be told of the delivery, and the server cannot do that.
    pub without_notice: bool,
}

/// Why a message was not submitted, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The server has not taken it.
    NotSent(Problem),
    /// The line broke between the end of the message and the server's answer.
    Unknown,
}

/// How long a busy server is left alone before it is asked once more.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Submits a message to all its recipients or to none. A server that is busy is asked once more: often only that
/// connection was (a sign-in service that restarted behind it).
pub async fn submit(
    endpoint: &Endpoint,
    credentials: &Credentials,
    submission: &Submission<'_>,
    limit: &Limit,
) -> Result<Submitted, SubmitError> {
    match attempt(endpoint, credentials, submission, limit).await {
        Err(SubmitError::NotSent(problem)) if problem.kind == ProblemKind::Busy => {
            tokio::time::sleep(BUSY_PAUSE).await;
            attempt(endpoint, credentials, submission, limit).await
        }
        ended => ended,
    }
}

async fn attempt(
    endpoint: &Endpoint,
    credentials: &Credentials,
    submission: &Submission<'_>,
    limit: &Limit,
) -> Result<Submitted, SubmitError> {
    let mut connection = match tokio::time::timeout(CONNECT_TIME, connect(endpoint)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(SubmitError::NotSent(not_now(&error))),
        Err(_) => return Err(SubmitError::NotSent(Problem::new(ProblemKind::Timeout, ""))),
    };
    let result = dialogue(&mut connection, endpoint, credentials, submission, limit).await;
    // Whatever it answers: the message's fate is known, or never will be here.
    let _ = tokio::time::timeout(Duration::from_secs(2), connection.abort()).await;
    result
}

async fn connect(endpoint: &Endpoint) -> Result<AsyncSmtpConnection, Error> {
    let hello = ClientId::default();
    let tls = || TlsParameters::new_rustls(endpoint.host.clone());
    let implicit = match endpoint.security {
        Security::Implicit => Some(tls()?),
        Security::StartTls | Security::Plaintext => None,
    };
    let mut connection = AsyncSmtpConnection::connect_tokio1(
        (endpoint.host.as_str(), endpoint.port),
        Some(CONNECT_TIME),
        &hello,
        implicit,
        None,
    )
    .await?;
    if endpoint.security == Security::StartTls {
        connection.starttls(tls()?, &hello).await?;
    }
    Ok(connection)
}

/// Signs in by what the server offers (AUTH, RFC 4954) and the settings allow.
async fn sign_in(
    connection: &mut AsyncSmtpConnection,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<(), Problem> {
    const PASSWORDS: [Password; 2] = [Password::Plain, Password::Login];
    let takes_passwords = PASSWORDS
        .iter()
        .any(|mechanism| connection.server_info().supports_auth_mechanism(*mechanism));
    if takes_passwords && !endpoint.oauth {
        let login = Login::new(credentials.username.clone(), credentials.password.clone());
        return accepted(
            tokio::time::timeout(COMMAND_TIME, connection.auth(&PASSWORDS, &login)).await,
        )
        .map(drop);
    }
    let capabilities = command(connection, ehlo()).await?;
    let takes = |mechanism: &&Mechanism| offers(&capabilities, mechanism.name());
    let unsupported = |why: &str| Err(Problem::new(ProblemKind::Unsupported, why));
    match Mechanism::TOKENS.iter().find(takes) {
        Some(_) if !endpoint.oauth => unsupported(
            "The outgoing mail server does not take passwords, only sign-ins by OAuth. Tell who runs Roost.",
        ),
        Some(mechanism) => {
            let initial = BASE64.encode(mechanism.initial(credentials, endpoint));
            let line = format!("AUTH {} {initial}\r\n", mechanism.name());
            let said = tokio::time::timeout(COMMAND_TIME, connection.command(line)).await;
            // What else it has to say is why it refuses; it does once that was heard.
            if accepted(said)?.has_code(334) {
                let line = format!("{}\r\n", BASE64.encode(mechanism.give_up()));
                accepted(tokio::time::timeout(COMMAND_TIME, connection.command(line)).await)?;
            }
            Ok(())
        }
        None if takes_passwords => {
            unsupported("The outgoing mail server takes no access tokens (OAUTHBEARER, XOAUTH2).")
        }
        // A server on the same machine may take mail without a sign-in; it is told no secret then.
        None => Ok(()),
    }
}

/// What the server said to a sign-in.
fn accepted<T>(said: Result<Result<T, Error>, Elapsed>) -> Result<T, Problem> {
    match said {
        Err(_) => Err(Problem::new(ProblemKind::Timeout, "")),
        Ok(Err(error)) if error.is_permanent() => Err(Problem::new(
            ProblemKind::Refused,
            format!(
                "The outgoing mail server did not accept your user name and password: {}",
                words(&error)
            ),
        )),
        Ok(Err(error)) => Err(not_now(&error)),
        Ok(Ok(answer)) => Ok(answer),
    }
}

/// Whether a mechanism stands in the answer to EHLO.
fn offers(capabilities: &[String], mechanism: &str) -> bool {
    capabilities.iter().any(|line| {
        let mut words = line.split([' ', '=']);
        words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
            && words.any(|word| word.eq_ignore_ascii_case(mechanism))
    })
}

async fn dialogue(
    connection: &mut AsyncSmtpConnection,
    endpoint: &Endpoint,
    credentials: &Credentials,
    submission: &Submission<'_>,
    limit: &Limit,
) -> Result<Submitted, SubmitError> {
    let refused = SubmitError::NotSent;
    sign_in(connection, endpoint, credentials)
        .await
        .map_err(refused)?;
    let capabilities = command(connection, ehlo()).await.map_err(refused)?;
    let limit = limit.heard(&capabilities);
    if limit.is_some_and(|limit| submission.size > limit) {
        return Err(refused(Problem::new(
            ProblemKind::TooLarge,
            format!(
                "The message has {} MB; the mail server takes {} MB.",
                megabytes(submission.size),
                megabytes(limit.unwrap_or_default())
            ),
        )));
    }
    let addresses = submission.recipients.iter().map(String::as_str);
    let needs_utf8 = addresses.chain([submission.from]).any(|a| !a.is_ascii());
    let info = connection.server_info();
    let mut parameters = String::new();
    if limit.is_some() {
        parameters.push_str(&format!(" SIZE={}", submission.size));
    }
    if needs_utf8 {
        if !info.supports_feature(Extension::SmtpUtfEight) {
            return Err(refused(Problem::new(
                ProblemKind::Unsupported,
                "The mail server cannot write to addresses with characters beyond ASCII (SMTPUTF8).",
            )));
        }
        parameters.push_str(" SMTPUTF8");
    }
    if submission.eight_bit {
        if !info.supports_feature(Extension::EightBitMime) {
            return Err(refused(Problem::new(
                ProblemKind::Unsupported,
                "The mail server cannot take the forwarded message as it is (8BITMIME).",
            )));
        }
        parameters.push_str(" BODY=8BITMIME");
    }
    let offered = capabilities
        .iter()
        .any(|line| line.eq_ignore_ascii_case("DSN"));
    let notify = submission.notify.filter(|_| offered);
    if let Some(name) = notify {
        parameters.push_str(&format!(" RET=HDRS ENVID={}", xtext(name)));
    }
    command(
        connection,
        format!("MAIL FROM:<{}>{parameters}\r\n", submission.from),
    )
    .await
    .map_err(refused)?;
    let mut reasons = Vec::new();
    for recipient in submission.recipients {
        let mut notice = String::new();
        if notify.is_some() {
            notice.push_str(" NOTIFY=SUCCESS,FAILURE,DELAY");
        }
        match command(connection, format!("RCPT TO:<{recipient}>{notice}\r\n")).await {
            Ok(_) => {}
            Err(problem) if problem.kind == ProblemKind::Refused => {
                reasons.push(format!("{recipient}: {}", problem.detail));
            }
            Err(problem) => return Err(refused(problem)),
        }
    }
    if !reasons.is_empty() {
        return Err(refused(Problem::new(
            ProblemKind::Refused,
            reasons.join("\n"),
        )));
    }
    // Only this answer means that the server waits for the message: a stray one before it would shift the dialogue.
    let go_on = within(COMMAND_TIME, connection.command("DATA\r\n".to_owned()))
        .await
        .map_err(refused)?;
    if !go_on.has_code(354) {
        return Err(refused(Problem::new(
            ProblemKind::Garbled,
            "The outgoing mail server's answers are out of order.",
        )));
    }
    data(connection, submission).await?;
    Ok(Submitted {
        without_notice: submission.notify.is_some() && !offered,
    })
}

fn ehlo() -> String {
    format!("EHLO {}\r\n", ClientId::default())
}

/// Text as a parameter's value (RFC 3461, section 4).
fn xtext(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'+' | b'=' => format!("+{byte:02X}"),
            b'!'..=b'~' => char::from(byte).to_string(),
            byte => format!("+{byte:02X}"),
        })
        .collect()
}

/// The message itself, and the server's word on it.
async fn data(
    connection: &mut AsyncSmtpConnection,
    submission: &Submission<'_>,
) -> Result<(), SubmitError> {
    // The end is marked once the last piece has been written: before that, the server cannot have taken anything.
    let ended = Arc::new(AtomicBool::new(false));
    let pieces = Pieces {
        file: submission.file,
        // lettre ends the last line by itself.
        left: submission.size.saturating_sub(2),
        offset: 0,
        ended: Arc::clone(&ended),
    };
    let limit = ACCEPT_TIME + Duration::from_secs(submission.size / SLOWEST);
    let unknown = |problem: Problem| {
        if ended.load(Ordering::Relaxed) {
            SubmitError::Unknown
        } else {
            SubmitError::NotSent(problem)
        }
    };
    match tokio::time::timeout(limit, connection.message_iter(pieces)).await {
        Ok(Ok(response)) if response.code().severity == Severity::PositiveCompletion => Ok(()),
        Ok(Ok(_)) => Err(SubmitError::Unknown),
        // The server's own word.
        Ok(Err(error)) if error.status().is_some() => Err(SubmitError::NotSent(problem(&error))),
        Ok(Err(error)) => Err(unknown(problem(&error))),
        Err(_) => Err(unknown(Problem::new(ProblemKind::Timeout, ""))),
    }
}

/// The message piece by piece, read as it is written.
struct Pieces<'a> {
    file: &'a File,
    left: u64,
    offset: u64,
    ended: Arc<AtomicBool>,
}

impl Iterator for Pieces<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.left == 0 {
            self.ended.store(true, Ordering::Relaxed);
            return None;
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(self.left).unwrap_or(PIECE))];
        // A file of our own that cannot be read: going on would end half a message as if it were whole.
        self.file
            .read_exact_at(&mut piece, self.offset)
            .expect("the message can be read back");
        self.left -= piece.len() as u64;
        self.offset += piece.len() as u64;
        Some(piece)
    }
}

async fn command(
    connection: &mut AsyncSmtpConnection,
    line: String,
) -> Result<Vec<String>, Problem> {
    within(COMMAND_TIME, async {
        let response = connection.command(line).await?;
        Ok(response.message().map(str::to_owned).collect())
    })
    .await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Problem> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Problem::new(ProblemKind::Timeout, ""))?
        .map_err(|error| problem(&error))
}

/// The same of greeting and signing in: "not now" (4yz, RFC 5321, section 4.2.1) is about no message, and is asked again.
fn not_now(error: &Error) -> Problem {
    if error.is_transient() {
        Problem::new(ProblemKind::Busy, words(error))
    } else {
        problem(error)
    }
}

/// What the device is told. A line that broke is tried again; what the server said is told.
fn problem(error: &Error) -> Problem {
    if error.status().is_some() {
        Problem::new(ProblemKind::Refused, words(error))
    } else if error.is_tls() {
        Problem::new(
            ProblemKind::Refused,
            format!("The outgoing mail server's certificate: {}", words(error)),
        )
    } else {
        Problem::new(ProblemKind::Unreachable, "")
    }
}

/// The server's own words.
fn words(error: &Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// `SIZE` (RFC 1870): the largest message the server takes, if it says.
fn size_limit(capabilities: &[String]) -> Option<u64> {
    capabilities.iter().find_map(|line| {
        let mut words = line.split_whitespace();
        words.next()?.eq_ignore_ascii_case("SIZE").then_some(())?;
        words.next()?.parse().ok().filter(|&limit| limit > 0)
    })
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_name_cannot_end_its_parameter() {
        assert_eq!(super::xtext("a+b=c d\r\n@x"), "a+2Bb+3Dc+20d+0D+0A@x");
    }

    /// A server that says its replies one after the other, whatever it hears, and no more.
    async fn answers(replies: &'static [&'static str]) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut heard = String::new();
                for reply in replies {
                    let _ = stream.get_mut().write_all(reply.as_bytes()).await;
                    let _ = stream.read_line(&mut heard).await;
                }
            }
        });
        Endpoint {
            security: Security::Plaintext,
            host: "127.0.0.1".to_owned(),
            port,
            patience: COMMAND_TIME,
            oauth: false,
        }
    }

    #[tokio::test]
    async fn a_server_that_is_busy_is_asked_again() {
        let credentials = Credentials {
            username: "alice".to_owned(),
            password: "secret".to_owned(),
        };
        let submission = Submission {
            from: "alice@example.org",
            recipients: &[],
            file: &tempfile::tempfile().expect("a file"),
            size: 0,
            eight_bit: false,
            notify: None,
        };
        const SIGN_IN: &[&str] = &[
            "220 hello\r\n",
            "250-mail\r\n250 AUTH PLAIN\r\n",
            "454 4.7.0 Temporary authentication failure\r\n",
        ];
        const WRONG: &[&str] = &[
            "220 hello\r\n",
            "250-mail\r\n250 AUTH PLAIN\r\n",
            "535 5.7.8 Wrong\r\n",
        ];
        for (replies, kind) in [
            (&["421 4.3.2 too many\r\n"][..], ProblemKind::Busy),
            (SIGN_IN, ProblemKind::Busy),
            (WRONG, ProblemKind::Refused),
        ] {
            let ended = submit(
                &answers(replies).await,
                &credentials,
                &submission,
                &Limit::default(),
            )
            .await;
            let Err(SubmitError::NotSent(problem)) = ended else {
                panic!("{ended:?}");
            };
            assert_eq!(problem.kind, kind, "{problem:?}");
        }
    }

    #[test]
    fn the_size_limit_is_read() {
        let lines = |lines: &[&str]| {
            lines
                .iter()
                .map(|&line| line.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            size_limit(&lines(&["mail", "SIZE 1000", "DSN"])),
            Some(1000)
        );
        assert_eq!(size_limit(&lines(&["mail", "SIZE 0"])), None);
        assert_eq!(size_limit(&lines(&["mail", "SIZE"])), None);
    }
}
