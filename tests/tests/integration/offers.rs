//! What servers offer: ways to sign in, and drafts replaced in one step. Played by scripts, for no real server at hand
//! does all of it.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use roost_tests::device::{Device, sign_in};
use roost_tests::gateway::Gateway;
use roost_tests::scripted::{PLAIN, Reaction, Scripted, Submission};
use roost_wire::{Address, Answer, Composed, Mutation, Outcome, ProblemKind, Request};

/// What was said to a server, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, said: &str) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(said.to_owned());
}

fn noted(log: &Log) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn say(text: impl Into<String>) -> Reaction {
    Reaction::Say(text.into().into_bytes())
}

const TOKEN: &str = "ya29.vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg";

/// A mail server that takes tokens only; `greeting` has its capabilities.
async fn takes_tokens(greeting: &'static str, log: &Log) -> anyhow::Result<Scripted> {
    let log = Arc::clone(log);
    Scripted::start(move |command| {
        note(&log, command);
        match command {
            "GREETING" => say(format!("* OK [CAPABILITY IMAP4rev1 {greeting}] ready\r\n")),
            "AUTHENTICATE XOAUTH2" => say("+ \r\n"),
            _ if command.starts_with("UID SEARCH") => say("* SEARCH\r\n{tag} OK found\r\n"),
            // A wrong token is not refused before the client has heard why.
            _ if command.contains(&wrong().to_ascii_uppercase()) => {
                say("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
            }
            "" | "AQ==" => say("{tag} NO [AUTHENTICATIONFAILED] expired\r\n"),
            _ if command == xoauth2(TOKEN).to_ascii_uppercase() => {
                say("{tag} OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MOVE] signed in\r\n")
            }
            _ => Reaction::Behave,
        }
    })
    .await
}

fn xoauth2(token: &str) -> String {
    BASE64.encode(format!("user=alice\x01auth=Bearer {token}\x01\x01"))
}

fn wrong() -> String {
    xoauth2("wrong")
}

#[tokio::test]
async fn a_server_without_passwords_is_told_none_and_the_person_why() -> anyhow::Result<()> {
    let log = Log::default();
    let imap = takes_tokens("SASL-IR LOGINDISABLED AUTH=OAUTHBEARER AUTH=XOAUTH2", &log).await?;
    let gateway = Gateway::start(&imap.url(), &[]).await?;
    let refused = sign_in(&gateway.url, "alice", "secret").await?;
    let reply = refused.err().map(|reply| (reply.status, reply.text()));
    let (status, text) = reply.unwrap_or_default();
    assert_eq!(status, 502);
    assert!(text.contains("only sign-ins by OAuth"), "{text}");
    assert_eq!(noted(&log), ["GREETING"], "no password was sent");
    Ok(())
}

#[tokio::test]
async fn access_tokens_sign_in_where_the_operator_says_so() -> anyhow::Result<()> {
    // As RFC 7628 has it, at once.
    let log = Log::default();
    let imap = takes_tokens("SASL-IR LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER", &log).await?;
    let gateway = Gateway::start(&imap.url(), &["--oauth"]).await?;
    assert!(sign_in(&gateway.url, "alice", TOKEN).await?.is_ok());
    let said = format!(
        "n,a=alice,\x01host=127.0.0.1\x01port={}\x01auth=Bearer {TOKEN}\x01\x01",
        imap.port
    );
    let said = format!("AUTHENTICATE OAUTHBEARER {}", BASE64.encode(said));
    assert!(
        noted(&log).contains(&said.to_ascii_uppercase()),
        "{:?}",
        noted(&log)
    );
    // The older way, step by step; a wrong token is heard out and refused.
    let log = Log::default();
    let imap = takes_tokens("LOGINDISABLED AUTH=XOAUTH2", &log).await?;
    let gateway = Gateway::start(&imap.url(), &["--oauth"]).await?;
    let refused = sign_in(&gateway.url, "alice", "wrong").await?;
    assert_eq!(refused.err().map(|reply| reply.status), Some(401));
    assert!(sign_in(&gateway.url, "alice", TOKEN).await?.is_ok());
    // A server that takes passwords is told no token.
    let imap = takes_tokens("SASL-IR AUTH=PLAIN", &log).await?;
    let gateway = Gateway::start(&imap.url(), &["--oauth"]).await?;
    let refused = sign_in(&gateway.url, "alice", TOKEN).await?;
    assert_eq!(refused.err().map(|reply| reply.status), Some(502));
    Ok(())
}

fn message() -> Composed {
    Composed {
        id: "one@roost.test".to_owned(),
        from: address("alice"),
        to: vec![address("bob")],
        subject: "Hello".to_owned(),
        text: "Hello Bob\n".to_owned(),
        ..Composed::default()
    }
}

fn address(name: &str) -> Address {
    Address {
        name: String::new(),
        email: format!("{name}@roost.test"),
    }
}

fn send() -> Mutation {
    Mutation::Send {
        message: Box::new(message()),
        hold: 0,
        drafts: "Drafts".to_owned(),
        sent: Some("Sent".to_owned()),
        ledger: None,
    }
}

/// A submission server with these ways to sign in.
async fn submission(auth: &'static str, log: &Log) -> anyhow::Result<Submission> {
    let log = Arc::clone(log);
    Submission::start(move |command| {
        note(&log, command);
        let wrong = format!("AUTH XOAUTH2 {}", wrong());
        let word = command.split([' ', ':']).next().unwrap_or_default();
        match word {
            "GREETING" => "220 ready".to_owned(),
            "EHLO" => format!("250-mail\r\n250-SIZE 35000000\r\n250-AUTH {auth}\r\n250 HELP"),
            "AUTH" if command == wrong => "334 eyJzdGF0dXMiOiI0MDAifQ==".to_owned(),
            "" => "535 5.7.8 the token has expired".to_owned(),
            "AUTH" => "235 2.7.0 welcome".to_owned(),
            "DATA" => "354 go on".to_owned(),
            _ => "250 ok".to_owned(),
        }
    })
    .await
}

/// A gateway between a mail server that takes tokens and this one; signed in with one.
async fn between(smtp: &Submission, token: &str) -> anyhow::Result<(Gateway, Device)> {
    let imap = Scripted::start(|command| match command {
        "GREETING" => say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n"),
        _ if command.starts_with("UID SEARCH") => say("* SEARCH\r\n{tag} OK found\r\n"),
        _ => Reaction::Behave,
    })
    .await?;
    let gateway = Gateway::start(&imap.url(), &["--oauth", "--smtp", &smtp.url()]).await?;
    let cookie = sign_in(&gateway.url, "alice", token).await?;
    let cookie = cookie.map_err(|reply| anyhow::anyhow!("{}", reply.text()))?;
    let device = Device::attach(&gateway.url, &cookie).await?;
    Ok((gateway, device))
}

#[tokio::test]
async fn mail_is_submitted_with_a_token_where_that_is_offered() -> anyhow::Result<()> {
    let log = Log::default();
    let smtp = submission("XOAUTH2", &log).await?;
    let (_gateway, mut device) = between(&smtp, TOKEN).await?;
    assert_eq!(
        device.ask(Request::MessageLimit).await?,
        Ok(Answer::MessageLimit(Some(35_000_000)))
    );
    assert!(
        !noted(&log).iter().any(|said| said.starts_with("AUTH")),
        "a question needs no sign-in"
    );
    assert_eq!(device.mutate(send()).await?, Outcome::Done { moved: None });
    let said = noted(&log);
    assert!(
        said.contains(&format!("AUTH XOAUTH2 {}", xoauth2(TOKEN))),
        "{said:?}"
    );
    assert!(
        said.contains(&"RCPT TO:<bob@roost.test>".to_owned()),
        "{said:?}"
    );
    // The standard's way where both are offered.
    let log = Log::default();
    let smtp = submission("XOAUTH2 OAUTHBEARER", &log).await?;
    let (_gateway, mut device) = between(&smtp, TOKEN).await?;
    assert_eq!(device.mutate(send()).await?, Outcome::Done { moved: None });
    assert!(
        noted(&log)
            .iter()
            .any(|said| said.starts_with("AUTH OAUTHBEARER "))
    );
    // One that is refused: nothing is sent, and the server's words are told.
    let log = Log::default();
    let smtp = submission("XOAUTH2", &log).await?;
    let (_gateway, mut device) = between(&smtp, "wrong").await?;
    match device.mutate(send()).await? {
        Outcome::Rejected(problem) => {
            assert_eq!(problem.kind, ProblemKind::Refused);
            assert!(
                problem.detail.contains("the token has expired"),
                "{}",
                problem.detail
            );
        }
        other => anyhow::bail!("{other:?}"),
    }
    assert!(!noted(&log).iter().any(|said| said.starts_with("MAIL")));
    Ok(())
}

#[tokio::test]
async fn a_submission_server_is_never_told_the_wrong_secret() -> anyhow::Result<()> {
    // A password is no token.
    let log = Log::default();
    let smtp = submission("XOAUTH2 OAUTHBEARER", &log).await?;
    let imap = Scripted::start(|command| match command {
        _ if command.starts_with("UID SEARCH") => say("* SEARCH\r\n{tag} OK found\r\n"),
        _ => Reaction::Behave,
    })
    .await?;
    let gateway = Gateway::start(&imap.url(), &["--smtp", &smtp.url()]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    match device.mutate(send()).await? {
        Outcome::Rejected(problem) => {
            assert_eq!(problem.kind, ProblemKind::Unsupported);
            assert!(
                problem.detail.contains("only sign-ins by OAuth"),
                "{}",
                problem.detail
            );
        }
        other => anyhow::bail!("{other:?}"),
    }
    let signs_in = |log: &Log| noted(log).iter().any(|said| said.starts_with("AUTH"));
    assert!(!signs_in(&log));
    // Nor is a token a password.
    let log = Log::default();
    let smtp = submission("PLAIN LOGIN", &log).await?;
    let (_gateway, mut device) = between(&smtp, TOKEN).await?;
    match device.mutate(send()).await? {
        Outcome::Rejected(problem) => assert_eq!(problem.kind, ProblemKind::Unsupported),
        other => anyhow::bail!("{other:?}"),
    }
    assert!(!signs_in(&log));
    // A password goes by the ways that take one, whatever else is offered.
    let log = Log::default();
    let smtp = submission("LOGIN PLAIN XOAUTH2", &log).await?;
    let gateway = Gateway::start(&imap.url(), &["--smtp", &smtp.url()]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    assert_eq!(device.mutate(send()).await?, Outcome::Done { moved: None });
    assert!(
        noted(&log)
            .iter()
            .any(|said| said.starts_with("AUTH PLAIN "))
    );
    Ok(())
}

#[tokio::test]
async fn addresses_beyond_ascii_go_where_they_are_taken() -> anyhow::Result<()> {
    let with = |email: &str| {
        let mut message = message();
        message.id = format!("{}@roost.test", email.len());
        message.to[0].email = email.to_owned();
        let Mutation::Send { drafts, sent, .. } = send() else {
            unreachable!("it is one");
        };
        Mutation::Send {
            message: Box::new(message),
            hold: 0,
            drafts,
            sent,
            ledger: None,
        }
    };
    let heard = |log: &Log, wanted: &str| noted(log).iter().any(|said| said == wanted);
    // A domain has a form in ASCII, which every server takes (RFC 5890).
    let log = Log::default();
    let smtp = submission("XOAUTH2", &log).await?;
    let (_gateway, mut device) = between(&smtp, TOKEN).await?;
    let outcome = device.mutate(with("bob@bücher.example")).await?;
    assert_eq!(outcome, Outcome::Done { moved: None });
    assert!(
        heard(&log, "RCPT TO:<bob@xn--bcher-kva.example>"),
        "{:?}",
        noted(&log)
    );
    // What stands before the @ has none (RFC 6531): a server that does not offer it is not asked.
    match device.mutate(with("grün@bücher.example")).await? {
        Outcome::Rejected(problem) => {
            assert_eq!(problem.kind, ProblemKind::Unsupported);
            assert!(problem.detail.contains("SMTPUTF8"), "{}", problem.detail);
        }
        other => anyhow::bail!("{other:?}"),
    }
    assert!(!noted(&log).iter().any(|said| said.contains("grün")));
    let log = Log::default();
    let smtp = submission("XOAUTH2\r\n250-8BITMIME\r\n250-SMTPUTF8", &log).await?;
    let (_gateway, mut device) = between(&smtp, TOKEN).await?;
    let outcome = device.mutate(with("grün@roost.test")).await?;
    assert_eq!(outcome, Outcome::Done { moved: None });
    assert!(
        heard(&log, "RCPT TO:<grün@roost.test>"),
        "{:?}",
        noted(&log)
    );
    let from = noted(&log)
        .into_iter()
        .find(|said| said.starts_with("MAIL"));
    assert!(from.is_some_and(|from| from.contains(" SMTPUTF8")));
    Ok(())
}

/// A mailbox of drafts on a server that can replace a message, or says that it can.
#[derive(Default)]
struct Drafts {
    /// The draft there is, and the header of what saved it.
    draft: Option<(u32, String)>,
    uidnext: u32,
    log: Vec<String>,
    refuses: bool,
}

impl Drafts {
    fn react(&mut self, command: &str) -> Reaction {
        let uid = self.draft.as_ref().map(|(uid, _)| *uid);
        let took = |drafts: &mut Self| {
            drafts.uidnext += 1;
            let header = command
                .lines()
                .find_map(|line| line.strip_prefix("X-ROOST-SAVED-BY: "));
            let header = header.unwrap_or_default().to_ascii_lowercase();
            drafts.draft = Some((drafts.uidnext, header));
            drafts.uidnext
        };
        let word: String = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
        match word.as_str() {
            "UID SEARCH" => say(format!(
                "* SEARCH {}\r\n{{tag}} OK found\r\n",
                uid.map(|uid| uid.to_string()).unwrap_or_default()
            )),
            "UID REPLACE" if self.refuses => {
                self.log.push("REFUSED".to_owned());
                say("{tag} NO [CANNOT] not here\r\n")
            }
            "UID REPLACE" => {
                let old = command.split(' ').nth(2).unwrap_or_default().to_owned();
                assert_eq!(uid.map(|uid| uid.to_string()), Some(old.clone()));
                self.log.push(format!("REPLACE {old}"));
                let new = took(self);
                say(format!(
                    "* OK [APPENDUID 7 {new}] replacement ready\r\n* 2 EXISTS\r\n* 1 EXPUNGE\r\n{{tag}} OK replaced\r\n"
                ))
            }
            "UID FETCH" => {
                let (uid, saved_by) = self.draft.clone().unwrap_or_default();
                let header = format!("X-Roost-Saved-By: {saved_by}\r\n\r\n");
                say(format!(
                    "* 1 FETCH (UID {uid} RFC822.SIZE 100 BODYSTRUCTURE {PLAIN} BODY[HEADER]<0> {{{}}}\r\n{header})\r\n{{tag}} OK\r\n",
                    header.len()
                ))
            }
            word if word.starts_with("APPEND ") => {
                self.log.push("APPEND".to_owned());
                let new = took(self);
                say(format!("{{tag}} OK [APPENDUID 7 {new}] appended\r\n"))
            }
            word if word.starts_with("AUTHENTICATE") => {
                say("{tag} OK [CAPABILITY IMAP4rev1 UIDPLUS REPLACE] signed in\r\n")
            }
            _ => Reaction::Behave,
        }
    }
}

/// One draft is saved three times; what the server did, and where the draft is at the end.
async fn save_three_times(refuses: bool) -> anyhow::Result<(Vec<String>, Vec<u32>)> {
    let drafts = Arc::new(Mutex::new(Drafts {
        refuses,
        ..Drafts::default()
    }));
    let played = Arc::clone(&drafts);
    let imap = Scripted::start(move |command| {
        played
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .react(command)
    })
    .await?;
    let gateway = Gateway::start(&imap.url(), &[]).await?;
    let mut device = Device::connect(&gateway.url, "alice").await?;
    let mut uids = Vec::new();
    let mut base = None;
    for text in ["one", "two", "three"] {
        let mut draft = message();
        draft.text = text.to_owned();
        let save = Mutation::SaveDraft {
            draft: Box::new(draft),
            mailbox: "Drafts".to_owned(),
            base,
        };
        match device.mutate(save).await? {
            Outcome::Saved(saved) => {
                uids.push(saved.uid);
                base = Some(saved.uid);
            }
            other => anyhow::bail!("{other:?}"),
        }
    }
    let log = drafts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .log
        .clone();
    Ok((log, uids))
}

#[tokio::test]
async fn a_draft_takes_the_place_of_the_earlier_one_in_one_step() -> anyhow::Result<()> {
    let (log, uids) = save_three_times(false).await?;
    assert_eq!(log, ["APPEND", "REPLACE 1", "REPLACE 2"]);
    assert_eq!(uids, [1, 2, 3]);
    // Where it is offered and then refused, it goes the other way.
    let (log, uids) = save_three_times(true).await?;
    assert_eq!(log, ["APPEND", "REFUSED", "APPEND", "REFUSED", "APPEND"]);
    assert_eq!(uids, [1, 2, 3]);
    Ok(())
}
