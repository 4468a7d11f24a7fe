//! One connection to the mail server: opening it, signing in, running commands, selecting mailboxes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_imap::{Authenticator, Client, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use roost_wire::{MailboxState, UidSet};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::capabilities::Capabilities;
use super::command::Command;
use super::endpoint::{Endpoint, Security, Stream, Tls};
use super::error::ImapError;
use super::guard::{Guard, Inbox};
use super::response::{self, Response, StatusLine};
use crate::sasl::Mechanism;

/// How long connecting, TLS and the greeting may take together.
pub const CONNECT_TIME: Duration = Duration::from_secs(15);
/// How long signing in may take. Servers delay the answer to a wrong password.
pub const AUTHENTICATE_TIME: Duration = Duration::from_secs(30);

/// How much of a literal is sent at once.
const LITERAL_PIECE: usize = 64 * 1024;

/// A user name and password. Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A signed-in connection.
pub struct Connection {
    session: Session<Guard<Stream>>,
    inbox: Arc<Inbox>,
    pub capabilities: Capabilities,
    selected: Option<Selected>,
    /// Set while a command runs: a connection whose command was cut off in the middle is out of step.
    out_of_step: bool,
    qresync: bool,
    pub last_used: Instant,
    /// How long one command may take.
    patience: Duration,
}

/// The selected mailbox as this connection last heard of it.
#[derive(Debug, Clone)]
struct Selected {
    name: String,
    state: MailboxState,
}

/// A command's untagged responses and its successful completion.
#[derive(Debug)]
pub struct Completion {
    pub responses: Vec<Response>,
    pub status: StatusLine,
}

impl Completion {
    /// What a search found, however the server says it: `SEARCH` (RFC 9051, section 7.3.4, RFC 3501 before it) or `ESEARCH`.
    pub fn found(&self) -> UidSet {
        let found = self.responses.iter().flat_map(|response| match response {
            Response::Search(found) => found.ranges(),
            Response::Esearch { all, .. } => all.ranges(),
            _ => &[],
        });
        UidSet::from_ranges(found.copied())
    }
}

/// What is said to the server's challenges: what was not said yet, then that there is no more.
struct Saying {
    initial: Option<String>,
    give_up: &'static str,
}

impl Authenticator for Saying {
    type Response = String;
    fn process(&mut self, _challenge: &[u8]) -> String {
        self.initial
            .take()
            .unwrap_or_else(|| self.give_up.to_owned())
    }
}

impl Connection {
    /// Connects and signs in, with a time limit on each step.
    pub async fn open(
        endpoint: &Endpoint,
        tls: &Tls,
        credentials: &Credentials,
    ) -> Result<Self, ImapError> {
        if credentials.username.contains(['\0', '\r', '\n'])
            || credentials.password.contains(['\0', '\r', '\n'])
        {
            return Err(ImapError::Credentials);
        }
        let (client, inbox) =
            tokio::time::timeout(CONNECT_TIME.min(endpoint.patience), connect(endpoint, tls))
                .await
                .map_err(|_| ImapError::Timeout)??;
        let mut connection = tokio::time::timeout(
            AUTHENTICATE_TIME.min(endpoint.patience),
            authenticate(client, inbox, credentials, endpoint),
        )
        .await
        .map_err(|_| ImapError::Timeout)??;
        connection.patience = endpoint.patience;
        if connection.capabilities.qresync {
            match connection.exec(Command::new("ENABLE QRESYNC")).await {
                Ok(_) => connection.qresync = true,
                Err(error) if error.is_fatal() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(connection)
    }

    /// Whether it can take another command.
    pub fn is_usable(&self) -> bool {
        !self.out_of_step
    }

    /// Whether VANISHED and MODSEQ can be relied on.
    pub fn has_qresync(&self) -> bool {
        self.qresync
    }

    /// The name of the selected mailbox.
    pub fn selected(&self) -> Option<&str> {
        self.selected
            .as_ref()
            .map(|selected| selected.name.as_str())
    }

    /// Runs a command to its completion; `NO` and `BAD` are errors. Not cancel-safe: a connection whose command was
    /// dropped in the middle is no longer usable.
    pub async fn exec(&mut self, command: Command) -> Result<Completion, ImapError> {
        self.exec_within(command, self.patience).await
    }

    /// [`Self::exec`] with another time limit.
    pub async fn exec_within(
        &mut self,
        command: Command,
        limit: Duration,
    ) -> Result<Completion, ImapError> {
        if self.out_of_step {
            return Err(ImapError::Io(std::io::ErrorKind::NotConnected.into()));
        }
        let encoded = command.encode().map_err(ImapError::Argument)?;
        self.out_of_step = true;
        let completion = tokio::time::timeout(limit, self.dialogue(encoded))
            .await
            .map_err(|_| ImapError::Timeout)??;
        self.out_of_step = said_bye(&completion);
        self.last_used = Instant::now();
        check(completion)
    }

    async fn dialogue(
        &mut self,
        encoded: super::command::Encoded,
    ) -> Result<Completion, ImapError> {
        let mut parts = encoded.parts.into_iter();
        let mut first = parts.next().unwrap_or_default();
        let mut pieces = Vec::new();
        for (literal, after) in encoded.literals.into_iter().zip(parts) {
            let plus = if self.capabilities.literal_plus {
                "+"
            } else {
                ""
            };
            let announced = format!("{{{}{plus}}}", literal.len());
            match pieces.last_mut() {
                None => first.push_str(&announced),
                Some(previous) => {
                    let previous: &mut String = previous;
                    previous.push_str(&announced);
                }
            }
            pieces.push(literal + &after);
        }
        if self.capabilities.literal_plus {
            // RFC 7888: non-synchronizing literals need no leave to go on.
            for piece in pieces.drain(..) {
                first.push_str("\r\n");
                first.push_str(&piece);
            }
        }
        self.session.run_command(&first).await?;
        let mut pieces = pieces.into_iter();
        loop {
            let Some(response) = self.session.read_response().await? else {
                return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            };
            // One command runs at a time, so any tagged completion is its own.
            match response.parsed() {
                async_imap::imap_proto::Response::Continue(_) => match pieces.next() {
                    Some(piece) => self.session.run_command_untagged(&piece).await?,
                    None => return Err(ImapError::Garbled("a continuation nobody asked for")),
                },
                async_imap::imap_proto::Response::Done { .. } => break,
                _ => {}
            }
        }
        self.completed()
    }

    /// What the command that just ended was answered with.
    fn completed(&mut self) -> Result<Completion, ImapError> {
        let mut responses: Vec<Response> = self.inbox.take().iter().map(response::parse).collect();
        let Some(Response::Status(status)) = responses.pop() else {
            return Err(ImapError::Garbled("a completion without a status"));
        };
        self.follow(&responses);
        Ok(Completion { responses, status })
    }

    /// Runs a command that ends in a literal of `length` bytes read from elsewhere, such as `APPEND`. The server may
    /// refuse before the literal is sent. Each piece has the time of a command. Not cancel-safe, as [`Self::exec`].
    pub async fn exec_with_literal(
        &mut self,
        command: Command,
        literal: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
    ) -> Result<Completion, ImapError> {
        if self.out_of_step {
            return Err(ImapError::Io(std::io::ErrorKind::NotConnected.into()));
        }
        let encoded = command.encode().map_err(ImapError::Argument)?;
        let [first] = encoded.parts.as_slice() else {
            return Err(ImapError::Argument(
                "a name that needs a literal of its own",
            ));
        };
        self.out_of_step = true;
        let limit = self.patience;
        let announced = format!("{first} {{{length}}}");
        let leave = tokio::time::timeout(limit, async {
            self.session.run_command(&announced).await?;
            self.leave_to_go_on().await
        });
        if leave.await.map_err(|_| ImapError::Timeout)?? {
            self.send_literal(literal, length).await?;
            let ended = tokio::time::timeout(limit, async {
                self.session.run_command_untagged("").await?;
                self.leave_to_go_on().await
            });
            if ended.await.map_err(|_| ImapError::Timeout)?? {
                return Err(ImapError::Garbled("a continuation nobody asked for"));
            }
        }
        let completion = self.completed()?;
        self.out_of_step = said_bye(&completion);
        self.last_used = Instant::now();
        check(completion)
    }

    /// Waits for a continuation request (`true`) or the completion (`false`).
    async fn leave_to_go_on(&mut self) -> Result<bool, ImapError> {
        loop {
            let Some(response) = self.session.read_response().await? else {
                return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            };
            match response.parsed() {
                async_imap::imap_proto::Response::Continue(_) => return Ok(true),
                async_imap::imap_proto::Response::Done { .. } => return Ok(false),
                _ => {}
            }
        }
    }

    async fn send_literal(
        &mut self,
        literal: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
    ) -> Result<(), ImapError> {
        let mut left = length;
        let mut buffer = vec![0; LITERAL_PIECE];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = literal.read(&mut buffer[..most]).await?;
            if count == 0 {
                return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into()));
            }
            let stream: &mut Guard<Stream> = self.session.as_mut();
            tokio::time::timeout(self.patience, stream.write_all(&buffer[..count]))
                .await
                .map_err(|_| ImapError::Timeout)??;
            left -= count as u64;
        }
        Ok(())
    }

    /// Keeps the selected mailbox's state in step with what the server says between commands.
    fn follow(&mut self, responses: &[Response]) {
        let Some(selected) = &mut self.selected else {
            return;
        };
        let state = &mut selected.state;
        for response in responses {
            match response {
                Response::Exists(count) => state.exists = *count,
                Response::Expunge(_) => state.exists = state.exists.saturating_sub(1),
                Response::Vanished {
                    earlier: false,
                    uids,
                } => {
                    let gone = u32::try_from(uids.len()).unwrap_or(u32::MAX);
                    state.exists = state.exists.saturating_sub(gone);
                }
                Response::Status(status) => {
                    if let Some(modseq) = status.code_number("HIGHESTMODSEQ") {
                        state.modseq = modseq;
                    }
                    if let Some(uidnext) = status.code_number("UIDNEXT") {
                        state.uidnext = uidnext as u32;
                    }
                }
                _ => {}
            }
        }
    }

    /// Selects a mailbox anew, even if it is selected already, with QRESYNC parameters if `since` is given (RFC 7162,
    /// section 3.2.5). Returns its state and everything the server said.
    pub async fn select_anew(
        &mut self,
        mailbox: &str,
        since: Option<(u32, u64)>,
    ) -> Result<(MailboxState, Vec<Response>), ImapError> {
        let mut command = Command::new("SELECT").mailbox(mailbox);
        if let Some((uidvalidity, modseq)) = since {
            command = command
                .raw("(QRESYNC (")
                .digits(u64::from(uidvalidity))
                .number(modseq)
                .glue("))");
        }
        self.selected = None;
        let mut completion = self.exec(command).await?;
        // RFC 7162, section 3.2.11: what comes before CLOSED is about the mailbox selected before, unless it names one.
        if let Some(closed) = completion.responses.iter().rposition(
            |response| matches!(response, Response::Status(status) if status.has_code("CLOSED")),
        ) {
            let after = completion.responses.split_off(closed + 1);
            completion.responses.retain(Response::names_mailbox);
            completion.responses.extend(after);
        }
        let mut state = MailboxState::default();
        for response in &completion.responses {
            match response {
                Response::Exists(count) => state.exists = *count,
                Response::Status(status) => {
                    for (name, field) in [
                        ("UIDVALIDITY", &mut state.uidvalidity),
                        ("UIDNEXT", &mut state.uidnext),
                    ] {
                        if let Some(number) = status.code_number(name) {
                            *field = number as u32;
                        }
                    }
                    if let Some(modseq) = status.code_number("HIGHESTMODSEQ") {
                        state.modseq = modseq;
                    }
                }
                _ => {}
            }
        }
        self.selected = Some(Selected {
            name: mailbox.to_owned(),
            state,
        });
        Ok((state, completion.responses))
    }

    /// Selects a mailbox unless it is selected already, checks its UIDVALIDITY if one is given, and returns its state
    /// as of the last word from the server.
    pub async fn select(
        &mut self,
        mailbox: &str,
        uidvalidity: Option<u32>,
    ) -> Result<MailboxState, ImapError> {
        let state = match &self.selected {
            Some(selected) if selected.name == mailbox => selected.state,
            _ => self.select_anew(mailbox, None).await?.0,
        };
        match uidvalidity {
            Some(expected) if expected != state.uidvalidity => Err(ImapError::UidValidity),
            _ => Ok(state),
        }
    }

    /// [`Self::select`], and if it was selected already, brought up to date by a NOOP.
    pub async fn select_fresh(&mut self, mailbox: &str) -> Result<MailboxState, ImapError> {
        self.catch_up(mailbox).await?;
        self.select(mailbox, None).await
    }

    /// Hears what happened in a mailbox, if it is the selected one: `STATUS` tells what the session has heard of it.
    pub async fn catch_up(&mut self, mailbox: &str) -> Result<(), ImapError> {
        if self.selected() == Some(mailbox) {
            self.exec(Command::new("NOOP")).await?;
        }
        Ok(())
    }

    /// [`Self::select_anew`], with its UIDVALIDITY checked: for changes. A message that another connection was told of may
    /// be new to this one, and a change of it would silently do nothing; and a mailbox that was deleted under this
    /// connection refuses everything and says nothing of another of its name.
    pub async fn select_current(
        &mut self,
        mailbox: &str,
        uidvalidity: u32,
    ) -> Result<MailboxState, ImapError> {
        self.select_anew(mailbox, None).await?;
        self.select(mailbox, Some(uidvalidity)).await
    }

    /// The state of the selected mailbox.
    pub fn state(&self) -> MailboxState {
        self.selected
            .as_ref()
            .map(|selected| selected.state)
            .unwrap_or_default()
    }

    /// Forgets the selection, so that the next use selects anew.
    pub fn deselect(&mut self) {
        self.selected = None;
    }

    /// Starts IDLE (RFC 2177) and waits for the server's leave; `false` where it says NO.
    pub async fn idle(&mut self) -> Result<bool, ImapError> {
        self.out_of_step = true;
        let idling = tokio::time::timeout(self.patience, async {
            self.session.run_command("IDLE").await?;
            self.leave_to_go_on().await
        })
        .await
        .map_err(|_| ImapError::Timeout)??;
        self.out_of_step = idling;
        Ok(idling)
    }

    /// Sends `DONE` and waits for the completion of IDLE.
    pub async fn done_within(&mut self) -> Result<(), ImapError> {
        tokio::time::timeout(self.patience, self.done())
            .await
            .map_err(|_| ImapError::Timeout)?
    }

    async fn done(&mut self) -> Result<(), ImapError> {
        self.session.run_command_untagged("DONE").await?;
        loop {
            match self.session.read_response().await? {
                None => return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into())),
                Some(response) => {
                    if matches!(
                        response.parsed(),
                        async_imap::imap_proto::Response::Done { .. }
                    ) {
                        self.out_of_step = false;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// What the server said meanwhile, without waiting.
    pub fn take_events(&mut self) -> Vec<Response> {
        let waiting: Vec<Response> = self.inbox.take().iter().map(response::parse).collect();
        self.follow(&waiting);
        waiting
    }

    /// Waits for what the server says by itself. Cancel-safe. An empty list is a continuation request or a completion.
    pub async fn next_event(&mut self) -> Result<Vec<Response>, ImapError> {
        loop {
            let waiting = self.take_events();
            if !waiting.is_empty() {
                return Ok(waiting);
            }
            tokio::select! {
                () = self.inbox.arrived() => {}
                response = self.session.read_response() => {
                    if response?.is_none() {
                        return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into()));
                    }
                    if self.inbox.is_empty() {
                        return Ok(Vec::new());
                    }
                }
            }
        }
    }
}

/// Whether the server announced that it closes the connection.
fn said_bye(completion: &Completion) -> bool {
    completion
        .responses
        .iter()
        .any(|response| matches!(response, Response::Status(status) if status.status == "BYE"))
}

/// A completion that is not `OK` is an error.
fn check(completion: Completion) -> Result<Completion, ImapError> {
    let status = &completion.status;
    match status.status.as_str() {
        "OK" if !said_bye(&completion) => Ok(completion),
        "NO" => Err(ImapError::No {
            code: status
                .code
                .first()
                .and_then(super::value::Value::text)
                .unwrap_or_default()
                .to_ascii_uppercase(),
            text: status.text.clone(),
        }),
        "BAD" => Err(ImapError::Bad(status.text.clone())),
        _ => Err(ImapError::Io(std::io::ErrorKind::ConnectionAborted.into())),
    }
}

type Unauthenticated = Client<Guard<Stream>>;

/// Opens the connection up to the greeting, secured as the endpoint says.
async fn connect(
    endpoint: &Endpoint,
    tls: &Tls,
) -> Result<(Unauthenticated, Arc<Inbox>), ImapError> {
    let inbox = Arc::new(Inbox::default());
    let stream = endpoint.connect(tls).await?;
    let mut client = Client::new(Guard::new(stream, Arc::clone(&inbox), false));
    greet(&mut client).await?;
    if endpoint.security != Security::StartTls {
        return Ok((client, inbox));
    }
    client
        .run_command_and_check_ok("STARTTLS", None)
        .await
        .map_err(|_| ImapError::Unsupported("STARTTLS"))?;
    let plain = client.into_inner().into_inner()?;
    // What was said in plain text, capabilities included, does not count (RFC 9051, section 6.2.1).
    inbox.take();
    let secured = tls.secure(&endpoint.host, plain).await?;
    let mut client = Client::new(Guard::new(secured, Arc::clone(&inbox), true));
    greet(&mut client).await?;
    Ok((client, inbox))
}

async fn greet(client: &mut Unauthenticated) -> Result<(), ImapError> {
    let Some(greeting) = client.read_response().await? else {
        return Err(ImapError::Io(std::io::ErrorKind::UnexpectedEof.into()));
    };
    match greeting.parsed() {
        async_imap::imap_proto::Response::Data {
            status: async_imap::imap_proto::Status::Bye,
            ..
        } => Err(ImapError::Io(std::io::ErrorKind::ConnectionRefused.into())),
        _ => Ok(()),
    }
}

/// The capabilities named in what the server just said, in a greeting's or completion's code or by themselves.
fn announced(inbox: &Inbox) -> (Option<Capabilities>, Option<StatusLine>) {
    let mut capabilities = None;
    let mut last = None;
    for line in inbox.take() {
        match response::parse(&line) {
            Response::Capability(words) => {
                capabilities = Some(Capabilities::from_words(words.iter().map(String::as_str)));
            }
            Response::Status(status) => {
                if status.has_code("CAPABILITY") {
                    let words: Vec<String> = status
                        .code
                        .iter()
                        .filter_map(super::value::Value::text)
                        .collect();
                    capabilities = Some(Capabilities::from_words(words.iter().map(String::as_str)));
                }
                last = Some(status);
            }
            _ => {}
        }
    }
    (capabilities, last)
}

/// How to sign in to a server that can do this; `None` stands for LOGIN.
fn mechanism(server: &Capabilities, oauth: bool) -> Result<Option<Mechanism>, ImapError> {
    let tokens = server.auth_oauthbearer || server.auth_xoauth2;
    match oauth {
        true if server.auth_oauthbearer => Ok(Some(Mechanism::OAuthBearer)),
        true if server.auth_xoauth2 => Ok(Some(Mechanism::XOAuth2)),
        true => Err(ImapError::Unsupported(
            "signing in with an access token (OAUTHBEARER, XOAUTH2)",
        )),
        false if server.auth_plain => Ok(Some(Mechanism::Plain)),
        false if !server.login_disabled => Ok(None),
        false if tokens => Err(ImapError::OnlyTokens),
        false => Err(ImapError::Unsupported(
            "a way to sign in with a password on this connection",
        )),
    }
}

async fn authenticate(
    mut client: Unauthenticated,
    inbox: Arc<Inbox>,
    credentials: &Credentials,
    endpoint: &Endpoint,
) -> Result<Connection, ImapError> {
    let mut before = announced(&inbox).0;
    if before.is_none() {
        client.run_command_and_check_ok("CAPABILITY", None).await?;
        before = announced(&inbox).0;
    }
    let before = before.unwrap_or_default();
    let result = match mechanism(&before, endpoint.oauth)? {
        Some(mechanism) => {
            let initial = mechanism.initial(credentials, endpoint);
            let mut saying = Saying {
                initial: None,
                give_up: mechanism.give_up(),
            };
            let command = if before.sasl_ir {
                format!("{} {}", mechanism.name(), BASE64.encode(initial))
            } else {
                saying.initial = Some(initial);
                mechanism.name().to_owned()
            };
            client.authenticate(command, saying).await
        }
        None => {
            client
                .login(&credentials.username, &credentials.password)
                .await
        }
    };
    let (after, status) = announced(&inbox);
    let mut session = match result {
        Ok(session) => session,
        Err((async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_), _)) => {
            // RFC 5530: these codes say that the password may well be right.
            let elsewhere = status.is_some_and(|status| {
                ["UNAVAILABLE", "CONTACTADMIN", "SERVERBUG", "INUSE", "LIMIT"]
                    .iter()
                    .any(|code| status.has_code(code))
            });
            return Err(if elsewhere {
                ImapError::Io(std::io::ErrorKind::ConnectionRefused.into())
            } else {
                ImapError::Credentials
            });
        }
        Err((error, _)) => return Err(error.into()),
    };
    let capabilities = match after {
        Some(capabilities) => capabilities,
        None => {
            session.run_command_and_check_ok("CAPABILITY").await?;
            announced(&inbox).0.unwrap_or_default()
        }
    };
    Ok(Connection {
        session,
        inbox,
        capabilities,
        selected: None,
        out_of_step: false,
        qresync: false,
        last_used: Instant::now(),
        patience: super::endpoint::PATIENCE,
    })
}
