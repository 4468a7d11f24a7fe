//! Servers that do what a real one will not. An IMAP server hangs, cuts, lies, and sends garbage, at a chosen moment; a
//! submission server offers what it is told to.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it does when a command comes.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Says these bytes; `{tag}` stands for the command's tag.
    Say(Vec<u8>),
    /// Says them one byte a second.
    Drip(Vec<u8>),
    /// Says nothing and keeps the connection.
    Hang,
    /// Closes the connection.
    Cut,
    /// Answers as a well-behaved server with an inbox of three messages.
    Behave,
}

/// Chooses the reaction to a command (in upper case, without its tag, with its literals, which are always let through);
/// what continues a command comes as one of its own. "GREETING" comes first.
pub type Script = Arc<dyn Fn(&str) -> Reaction + Send + Sync>;

/// A running scripted server.
#[derive(Debug)]
pub struct Scripted {
    pub port: u16,
}

impl Scripted {
    pub async fn start(
        script: impl Fn(&str) -> Reaction + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let script: Script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script)));
            }
        });
        Ok(Self { port })
    }

    pub fn url(&self) -> String {
        format!("imap://127.0.0.1:{}", self.port)
    }
}

async fn serve(stream: TcpStream, script: Script) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if !react(&mut stream, "*", "GREETING", &script).await? {
        return Ok(());
    }
    let mut last_tag = String::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let mut text = String::from_utf8_lossy(&line).trim_end().to_owned();
        // Non-synchronizing literals follow at once.
        while let Some(digits) = text
            .strip_suffix('}')
            .and_then(|rest| rest.rsplit_once('{'))
            .map(|(_, digits)| digits.to_owned())
        {
            let Ok(length) = digits.trim_end_matches('+').parse::<usize>() else {
                break;
            };
            if !digits.ends_with('+') {
                stream.get_mut().write_all(b"+ go on\r\n").await?;
            }
            let mut literal = vec![0; length];
            stream.read_exact(&mut literal).await?;
            let mut rest = Vec::new();
            stream.read_until(b'\n', &mut rest).await?;
            text.push_str(&String::from_utf8_lossy(&literal));
            text.push_str(String::from_utf8_lossy(&rest).trim_end());
        }
        let (tag, command) = text.split_once(' ').unwrap_or((&last_tag, &text));
        let tag = tag.to_owned();
        if !react(&mut stream, &tag, &command.to_ascii_uppercase(), &script).await? {
            return Ok(());
        }
        last_tag = tag;
    }
}

/// A submission server: what it says to a command, as it came. "GREETING" comes first, and "." is the end of a message.
#[derive(Debug)]
pub struct Submission {
    pub port: u16,
}

impl Submission {
    pub async fn start(
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut command = "GREETING".to_owned();
                    let mut data = false;
                    loop {
                        if !data || command == "." {
                            let said = answer(&command);
                            data = said.starts_with("354");
                            let said = format!("{said}\r\n");
                            stream.get_mut().write_all(said.as_bytes()).await?;
                        }
                        command.clear();
                        if stream.read_line(&mut command).await? == 0 {
                            return std::io::Result::Ok(());
                        }
                        command.truncate(command.trim_end_matches(['\r', '\n']).len());
                    }
                });
            }
        });
        Ok(Self { port })
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }
}

/// False when the connection is to be closed.
async fn react(
    stream: &mut BufReader<TcpStream>,
    tag: &str,
    command: &str,
    script: &Script,
) -> std::io::Result<bool> {
    let bytes = match script(command) {
        Reaction::Say(bytes) => with_tag(&bytes, tag),
        Reaction::Drip(bytes) => {
            for byte in with_tag(&bytes, tag) {
                stream.get_mut().write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            return Ok(true);
        }
        Reaction::Hang => {
            std::future::pending::<()>().await;
            return Ok(false);
        }
        Reaction::Cut => return Ok(false),
        Reaction::Behave => with_tag(behave(command).as_bytes(), tag),
    };
    stream.get_mut().write_all(&bytes).await?;
    Ok(!command.starts_with("LOGOUT"))
}

fn with_tag(bytes: &[u8], tag: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(5).position(|window| window == b"{tag}") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(tag.as_bytes());
        rest = &rest[at + 5..];
    }
    out.extend_from_slice(rest);
    out
}

/// One row of a well-behaved FETCH.
pub fn row(seq: u32, structure: &str) -> String {
    let header =
        format!("From: Sender {seq} <s{seq}@example.org>\r\nSubject: Message {seq}\r\n\r\n");
    format!(
        "* {seq} FETCH (UID {seq} FLAGS () INTERNALDATE \"01-Feb-2024 10:00:0{seq} +0000\" RFC822.SIZE 100 \
         BODYSTRUCTURE {structure} BODY[HEADER.FIELDS (FROM TO SUBJECT)]<0> {{{}}}\r\n{header})\r\n",
        header.len()
    )
}

/// A text of five bytes.
pub const PLAIN: &str =
    r#"("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)"#;

/// What a simple, correct server with three messages says.
pub fn behave(command: &str) -> String {
    let word = command.split(' ').next().unwrap_or_default();
    match word {
        "GREETING" => "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+ IDLE UIDPLUS MOVE] ready\r\n".to_owned(),
        "AUTHENTICATE" | "LOGIN" => {
            "{tag} OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE UIDPLUS MOVE] signed in\r\n".to_owned()
        }
        "LIST" => "* LIST () \"/\" INBOX\r\n* LIST (\\Trash) \"/\" Trash\r\n{tag} OK listed\r\n".to_owned(),
        "LSUB" => "* LSUB () \"/\" INBOX\r\n{tag} OK listed\r\n".to_owned(),
        "STATUS" => "* STATUS INBOX (MESSAGES 3 UNSEEN 3)\r\n{tag} OK counted\r\n".to_owned(),
        "SELECT" => "* 3 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n{tag} OK [READ-WRITE] selected\r\n".to_owned(),
        "FETCH" => format!("{}{}{}{{tag}} OK fetched\r\n", row(1, PLAIN), row(2, PLAIN), row(3, PLAIN)),
        "UID" if command.contains("SEARCH") => "* SEARCH 1 2 3\r\n{tag} OK found\r\n".to_owned(),
        "UID" if command.contains("BODY.PEEK[HEADER]") => {
            let header = "From: a@example.org\r\nSubject: Hello\r\n\r\n";
            format!(
                "* 1 FETCH (UID 1 RFC822.SIZE 100 BODYSTRUCTURE {PLAIN} BODY[HEADER]<0> {{{}}}\r\n{header})\r\n{{tag}} OK fetched\r\n",
                header.len()
            )
        }
        "UID" if command.contains("FETCH") => "* 1 FETCH (UID 1 RFC822.SIZE 100 BODY[1]<0> {5}\r\nHello)\r\n{tag} OK fetched\r\n".to_owned(),
        "IDLE" => "+ idling\r\n".to_owned(),
        _ => "{tag} OK done\r\n".to_owned(),
    }
}
