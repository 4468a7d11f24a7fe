//! A device without a browser: signs in over HTTP and speaks the wire protocol over a real WebSocket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use roost_wire::{
    Answer, ClientMessage, Mutation, MutationId, Outcome, Problem, Request, SUBPROTOCOL,
    ServerMessage, VERSION,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long to wait for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An HTTP answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One HTTP request on a connection of its own.
pub async fn http(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> anyhow::Result<Reply> {
    let body = body.as_ref();
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("no end of headers")?;
    let headers = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = headers
        .split_whitespace()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .context("no status")?;
    let mut body = bytes.split_off(end + 4);
    if headers
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        body = unchunk(&body)?;
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

fn unchunk(mut bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|w| w == b"\r\n")
            .context("a broken chunk")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end])?.trim(), 16)?;
        bytes = &bytes[end + 2..];
        if length == 0 {
            return Ok(out);
        }
        out.extend_from_slice(bytes.get(..length).context("a cut chunk")?);
        bytes = &bytes[length + 2..];
    }
}

/// Signs in; the cookie, or the refusal.
pub async fn sign_in(
    base: &str,
    user: &str,
    password: &str,
) -> anyhow::Result<Result<String, Reply>> {
    let body = serde_json::json!({ "username": user, "password": password }).to_string();
    let headers = [("Origin", base), ("Content-Type", "application/json")];
    let reply = http(base, "POST", "/api/session", &headers, &body).await?;
    if reply.status != 200 {
        return Ok(Err(reply));
    }
    let cookie = reply
        .headers
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .and_then(|value| value.split(';').next())
        .context("no cookie")?;
    Ok(Ok(cookie.to_owned()))
}

/// A device with an open socket.
#[derive(Debug)]
pub struct Device {
    pub base: String,
    pub cookie: String,
    pub account: String,
    /// Names the gateway's memory of mutations.
    pub ledger: u64,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_request: u32,
    next_mutation: u64,
    device: u64,
    /// What came while something else was waited for.
    pub seen: Vec<ServerMessage>,
}

impl Device {
    /// Signs in and opens the socket.
    pub async fn connect(base: &str, user: &str) -> anyhow::Result<Self> {
        let cookie = sign_in(base, user, crate::dovecot::PASSWORD)
            .await?
            .map_err(|reply| anyhow::anyhow!("sign-in was refused: {}", reply.text()))?;
        Self::attach(base, &cookie).await
    }

    /// Opens a socket with a cookie and says hello.
    pub async fn attach(base: &str, cookie: &str) -> anyhow::Result<Self> {
        let mut device = Self::open(base, cookie).await?;
        device.hello().await?;
        Ok(device)
    }

    /// Opens a socket with a cookie, and says nothing yet.
    pub async fn open(base: &str, cookie: &str) -> anyhow::Result<Self> {
        static DEVICES: AtomicU64 = AtomicU64::new(0);
        let mut request =
            format!("{}/api/socket", base.replace("http://", "ws://")).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("Origin", base.parse()?);
        headers.insert("Cookie", cookie.parse()?);
        headers.insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self {
            base: base.to_owned(),
            cookie: cookie.to_owned(),
            account: String::new(),
            ledger: 0,
            socket,
            next_request: 1,
            next_mutation: 1,
            device: u64::from(std::process::id()) << 32 | DEVICES.fetch_add(1, Ordering::Relaxed),
            seen: Vec::new(),
        })
    }

    /// Says hello and waits for the answer.
    async fn hello(&mut self) -> anyhow::Result<()> {
        self.say_hello().await?;
        let hello = self
            .wait(|message| matches!(message, ServerMessage::Hello { .. }))
            .await?;
        if let ServerMessage::Hello {
            account, ledger, ..
        } = hello
        {
            self.account = account;
            self.ledger = ledger;
        }
        Ok(())
    }

    pub async fn say_hello(&mut self) -> anyhow::Result<()> {
        self.send(&ClientMessage::Hello {
            version: VERSION,
            build: "test".to_owned(),
        })
        .await
    }

    pub async fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        let frame = postcard::to_stdvec(message)?;
        self.socket.send(Message::Binary(frame.into())).await?;
        Ok(())
    }

    /// Sends bytes as they are.
    pub async fn send_raw(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.socket.send(Message::Binary(bytes.into())).await?;
        Ok(())
    }

    /// The next message, however long it takes.
    pub async fn next(&mut self) -> anyhow::Result<ServerMessage> {
        loop {
            match self
                .socket
                .next()
                .await
                .context("the gateway closed the socket")??
            {
                Message::Binary(frame) => return Ok(postcard::from_bytes(&frame)?),
                Message::Close(_) => anyhow::bail!("the gateway closed the socket"),
                _ => {}
            }
        }
    }

    /// Waits for a message that fits; what comes before it is kept in `seen`.
    pub async fn wait(
        &mut self,
        fits: impl Fn(&ServerMessage) -> bool,
    ) -> anyhow::Result<ServerMessage> {
        if let Some(index) = self.seen.iter().position(&fits) {
            return Ok(self.seen.remove(index));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = tokio::time::timeout_at(deadline, self.next())
                .await
                .with_context(|| format!("it never came; seen: {:?}", self.seen))??;
            if fits(&message) {
                return Ok(message);
            }
            self.seen.push(message);
        }
    }

    pub async fn ask(&mut self, request: Request) -> anyhow::Result<Result<Answer, Problem>> {
        let id = self.next_request;
        self.next_request += 1;
        self.send(&ClientMessage::Request { id, request }).await?;
        match self.wait(|message| matches!(message, ServerMessage::Answer { id: answered, .. } if *answered == id)).await? {
            ServerMessage::Answer { result, .. } => Ok(result),
            _ => unreachable!("only answers fit"),
        }
    }

    pub fn new_mutation_id(&mut self) -> MutationId {
        let id = MutationId {
            device: self.device,
            count: self.next_mutation,
        };
        self.next_mutation += 1;
        id
    }

    pub async fn mutate(&mut self, mutation: Mutation) -> anyhow::Result<Outcome> {
        let id = self.new_mutation_id();
        self.mutate_as(id, mutation).await
    }

    pub async fn mutate_as(
        &mut self,
        id: MutationId,
        mutation: Mutation,
    ) -> anyhow::Result<Outcome> {
        self.send(&ClientMessage::Mutate { id, mutation }).await?;
        self.outcome(id).await
    }

    /// Waits for what became of a mutation.
    pub async fn outcome(&mut self, id: MutationId) -> anyhow::Result<Outcome> {
        match self.wait(|message| matches!(message, ServerMessage::Outcome { id: ended, .. } if *ended == id)).await? {
            ServerMessage::Outcome { outcome, .. } => Ok(outcome),
            _ => unreachable!("only outcomes fit"),
        }
    }

    /// Uploads an attachment; the name it was given.
    pub async fn upload(&self, content: &[u8]) -> anyhow::Result<String> {
        let path = format!("/api/a/{}/upload", self.account);
        let headers = [("Cookie", self.cookie.as_str()), ("Origin", &self.base)];
        let reply = http(&self.base, "POST", &path, &headers, content).await?;
        anyhow::ensure!(reply.status == 200, "{}", reply.text());
        let answer: serde_json::Value = serde_json::from_slice(&reply.body)?;
        Ok(answer["upload"].as_str().context("no name")?.to_owned())
    }

    /// Fetches content of a message: `body`, `part` or `raw`, with more query parameters.
    pub async fn content(
        &self,
        what: &str,
        mailbox: &str,
        uidvalidity: u32,
        uid: u32,
        more: &str,
    ) -> anyhow::Result<Reply> {
        let mailbox: String = url::form_urlencoded::byte_serialize(mailbox.as_bytes()).collect();
        let path = format!(
            "/api/a/{}/{what}?mailbox={mailbox}&uidvalidity={uidvalidity}&uid={uid}{more}",
            self.account
        );
        http(&self.base, "GET", &path, &[("Cookie", &self.cookie)], "").await
    }
}
