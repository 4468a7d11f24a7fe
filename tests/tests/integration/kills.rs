//! Accidents at random moments of writing and sending: lines cut, servers stopped, the gateway killed. Whatever happens,
//! at most one copy is delivered, what the person is told is true, and there is one draft at most.
//!
//! Histories follow from a seed, which a failure names.
//!
//! Rules that were broken on purpose, and what told:
//!
//! | broken | told by |
//! |---|---|
//! | earlier copies of a draft are not removed | three tests here |
//! | a message that another gateway was handed is sent again | `the_gateway_is_killed_anywhere`; `outgoing.rs` `a_repeat_never_sends_twice` |
//! | an unknown outcome counts as not sent | `outgoing.rs` `wherever_the_line_is_cut_the_truth_is_told` |
//! | Sent is not looked into | `outgoing.rs` `a_repeat_never_sends_twice`, `two_devices_that_send_the_same_draft_send_it_once`; `later.rs` |
//! | the ledger forgets mutations and messages | `outgoing.rs` `two_devices_that_send_the_same_draft_send_it_once` |
//! | what waits for its time is not claimed | `later.rs` `several_gateways_send_it_once` and one more |
//!
//! Not told, for another rule holds as well: the ledger begins a repeat anew (its Message-ID is known), a repeated save is not
//! recognized (earlier copies go), what was claimed is tried again (it cannot be claimed).

use std::time::Duration;

use roost_tests::client::Client;
use roost_tests::device::Device;
use roost_tests::dovecot::{Dovecot, Options};
use roost_tests::gateway::Gateway;
use roost_tests::postfix::{DOMAIN, Postfix};
use roost_tests::proxy::Proxy;
use roost_wire::{
    Address, ClientMessage, Composed, Enclosure, Mutation, MutationId, Outcome, ProblemKind,
    Recovery, Saved, ServerMessage, Source,
};

/// How often a person's device tries again what could not be done.
const PATIENT: usize = 100;

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

struct Stage {
    dovecot: Dovecot,
    postfix: Postfix,
    /// In front of Dovecot, for the gateway.
    imap: Proxy,
    /// In front of Postfix, for the gateway.
    smtp: Proxy,
    gateway: Gateway,
}

async fn stage(user: &str) -> anyhow::Result<Stage> {
    let dovecot = Dovecot::start(&Options::default()).await?;
    dovecot.add_user(user).await?;
    dovecot.add_user("bob").await?;
    let postfix = Postfix::start(&dovecot).await?;
    let imap = Proxy::start(dovecot.port).await?;
    let smtp = Proxy::start(postfix.port).await?;
    let gateway = Gateway::start(
        &format!("imap://127.0.0.1:{}", imap.port),
        &[
            "--smtp",
            &format!("smtp://127.0.0.1:{}", smtp.port),
            "--mail-domain",
            DOMAIN,
            "--imap-timeout",
            "2",
        ],
    )
    .await?;
    Ok(Stage {
        dovecot,
        postfix,
        imap,
        smtp,
        gateway,
    })
}

/// A person's device as the app's engine behaves: it repeats what has no answer under its own id, begins anew what was
/// certainly not done, and lets be what nobody knows.
struct Writer {
    user: &'static str,
    url: String,
    device: Option<Device>,
    number: u64,
    count: u64,
}

impl Writer {
    fn new(stage: &Stage, user: &'static str) -> Self {
        Self {
            user,
            url: stage.gateway.url.clone(),
            device: None,
            number: 0xD1CE,
            count: 0,
        }
    }

    /// Signs in, as soon as that is possible.
    async fn device(&mut self) -> anyhow::Result<&mut Device> {
        let mut tries = 0;
        while self.device.is_none() {
            match Device::connect(&self.url, self.user).await {
                Ok(device) => self.device = Some(device),
                Err(error) if tries > 200 => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
            tries += 1;
        }
        self.device
            .as_mut()
            .ok_or_else(|| anyhow::anyhow!("no device"))
    }

    fn next_id(&mut self) -> MutationId {
        self.count += 1;
        MutationId {
            device: self.number,
            count: self.count,
        }
    }

    /// Hands a mutation over, again whenever the line is lost, until it has an outcome.
    async fn outcome(&mut self, mut mutation: Mutation) -> anyhow::Result<Outcome> {
        let id = self.next_id();
        for _ in 0..PATIENT {
            let device = self.device().await?;
            if let Mutation::Send { ledger, .. } = &mut mutation {
                ledger.get_or_insert(device.ledger);
            }
            let handed = device
                .send(&ClientMessage::Mutate {
                    id,
                    mutation: mutation.clone(),
                })
                .await;
            let told = match handed {
                Ok(()) => {
                    device
                        .wait(|message| {
                            matches!(message, ServerMessage::Outcome { id: ended, .. } if *ended == id)
                        })
                        .await
                }
                Err(error) => Err(error),
            };
            match told {
                Ok(ServerMessage::Outcome { outcome, .. }) => return Ok(outcome),
                _ => self.device = None,
            }
        }
        anyhow::bail!("{mutation:?} never had an outcome")
    }

    async fn upload(&mut self, content: &[u8]) -> anyhow::Result<Enclosure> {
        for _ in 0..PATIENT {
            if let Ok(name) = self.device().await?.upload(content).await {
                return Ok(Enclosure {
                    name: "a.bin".to_owned(),
                    media_type: "application/octet-stream".to_owned(),
                    size: content.len() as u32,
                    source: Source::Upload(name),
                    content_id: None,
                });
            }
            self.device = None;
        }
        anyhow::bail!("nothing can be uploaded")
    }

    /// Saves a draft until it is saved. An attachment that went with the gateway is attached again.
    async fn save(
        &mut self,
        message: &mut Composed,
        base: &mut Option<Saved>,
    ) -> anyhow::Result<()> {
        for _ in 0..PATIENT {
            let mutation = Mutation::SaveDraft {
                draft: Box::new(message.clone()),
                mailbox: "Drafts".to_owned(),
                base: base.as_ref().map(|saved| saved.uid),
            };
            match self.outcome(mutation).await? {
                Outcome::Saved(saved) => {
                    for (enclosure, part) in message.enclosures.iter_mut().zip(&saved.parts) {
                        enclosure.source = Source::Part {
                            mailbox: saved.mailbox.clone(),
                            uidvalidity: saved.uidvalidity,
                            uid: saved.uid,
                            part: part.clone(),
                        };
                    }
                    *base = Some(saved);
                    return Ok(());
                }
                Outcome::Rejected(problem) if problem.kind.recovery() == Recovery::Retry => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Outcome::Rejected(problem) if problem.kind == ProblemKind::NoSuchMessage => {
                    message.enclosures = vec![self.upload(ATTACHED).await?];
                }
                Outcome::Unknown => {}
                other => anyhow::bail!("a draft was not saved: {other:?}"),
            }
        }
        anyhow::bail!("{} could never be saved", message.id)
    }

    /// Sends a message until its fate is known, or known to be unknown.
    async fn send(&mut self, message: &Composed) -> anyhow::Result<Outcome> {
        for _ in 0..PATIENT {
            let mutation = Mutation::Send {
                message: Box::new(message.clone()),
                hold: 0,
                drafts: "Drafts".to_owned(),
                sent: Some("Sent".to_owned()),
                ledger: None,
            };
            match self.outcome(mutation).await? {
                Outcome::Rejected(problem) if problem.kind.recovery() == Recovery::Retry => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                outcome => return Ok(outcome),
            }
        }
        anyhow::bail!("{} could never be sent", message.id)
    }
}

const ATTACHED: &[u8] = &[7; 3_000];

fn message(user: &str, id: &str) -> Composed {
    let address = |user: &str| Address {
        name: String::new(),
        email: format!("{user}@{DOMAIN}"),
    };
    Composed {
        id: format!("{id}@{DOMAIN}"),
        from: address(user),
        to: vec![address("bob")],
        subject: format!("Message {id}"),
        text: "Hello Bob\n".to_owned(),
        ..Composed::default()
    }
}

async fn copies(client: &mut Client, mailbox: &str, id: &str) -> anyhow::Result<usize> {
    let criteria = format!("HEADER Message-ID \"<{id}>\"");
    Ok(client.search(mailbox, &criteria).await?.len())
}

/// What the person was told of a message at the end.
struct Told {
    id: String,
    outcome: Option<Outcome>,
    /// What happened, for a failure's words.
    history: String,
}

/// Compares what was told with what is: waits until what was said to be sent has come. A Postfix that was stopped while
/// it delivered may deliver again what it took once; that is not counted.
async fn judge(
    stage: &Stage,
    user: &str,
    told: &[Told],
    postfix_stopped: bool,
) -> anyhow::Result<()> {
    stage.postfix.flush().await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut own = Client::sign_in(stage.dovecot.port, user).await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    for Told {
        id,
        outcome,
        history,
    } in told
    {
        let done = matches!(outcome, Some(Outcome::Done { .. }));
        while done && copies(&mut bob, "INBOX", id).await? == 0 {
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "said to be sent, and never came: {history}"
            );
            stage.postfix.flush().await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    for Told {
        id,
        outcome,
        history,
    } in told
    {
        let came = copies(&mut bob, "INBOX", id).await?;
        // A Postfix that is stopped may not have written it down.
        let done = matches!(outcome, Some(Outcome::Done { .. })) && !postfix_stopped;
        let taken = if done {
            stage.postfix.was_taken(id).await?
        } else {
            stage.postfix.taken(id)?
        };
        let most = usize::from(!matches!(outcome, None | Some(Outcome::Rejected(_))));
        assert!(taken <= most, "{taken} copies were taken: {history}");
        if done {
            assert_eq!(taken, 1, "{history}");
        }
        assert!(
            came <= 1 || postfix_stopped,
            "{came} copies came: {history}"
        );
        if !matches!(outcome, Some(Outcome::Done { .. } | Outcome::Unknown)) {
            assert_eq!(came, 0, "said not to be sent ({outcome:?}): {history}");
        }
        let drafts = copies(&mut own, "Drafts", id).await?;
        assert!(drafts <= 1, "{drafts} drafts: {history}");
        let sent = copies(&mut own, "Sent", id).await?;
        assert!(sent <= 1, "{sent} copies in Sent: {history}");
        match outcome {
            // Nothing was sent: what was written is there.
            None | Some(Outcome::Rejected(_)) => assert_eq!(drafts, 1, "no draft: {history}"),
            // The copy in Sent is the message; the draft would invite to send it again.
            Some(Outcome::Done { .. }) => {
                assert_eq!((sent, drafts), (1, 0), "after sending: {history}");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The line to Dovecot is cut after a random number of bytes of every connection, while drafts are replaced, and while
/// messages are sent and filed: 120 messages, each over lines that break.
#[tokio::test]
async fn the_line_to_the_mailboxes_breaks_anywhere() -> anyhow::Result<()> {
    let stage = stage("alice").await?;
    let mut writer = Writer::new(&stage, "alice");
    writer.device().await?;
    let mut chance = Chance(1);
    let mut all = Vec::new();
    for round in 0..120 {
        let mut composed = message("alice", &format!("imap-{round}"));
        let mut base = None;
        if round % 3 == 0 {
            composed.enclosures = vec![writer.upload(ATTACHED).await?];
        }
        // A connection signs in within some 700 bytes; a save or a copy in Sent takes up to 4,000.
        let cut_after = 1 + chance.below(6_000);
        let cut_sending = round % 2 == 0;
        let break_line = || {
            stage.imap.set(|line| line.cut_after = cut_after);
            stage.imap.cut();
        };
        let mend_line = async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            stage.imap.set(|line| line.cut_after = 0);
        };
        writer.save(&mut composed, &mut base).await?;
        composed.text.push_str("more\n");
        let outcome = if cut_sending {
            break_line();
            let (outcome, ()) = tokio::join!(writer.send(&composed), mend_line);
            Some(outcome?)
        } else {
            break_line();
            let (saved, ()) = tokio::join!(writer.save(&mut composed, &mut base), mend_line);
            saved?;
            None
        };
        stage.imap.cut();
        all.push(Told {
            id: composed.id,
            history: format!("round {round}, IMAP cut after {cut_after}, told {outcome:?}"),
            outcome,
        });
    }
    judge(&stage, "alice", &all, false).await
}

/// The gateway is killed at random moments of saving and sending, and comes back.
#[tokio::test]
async fn the_gateway_is_killed_anywhere() -> anyhow::Result<()> {
    let mut stage = stage("carol").await?;
    let mut writer = Writer::new(&stage, "carol");
    let mut chance = Chance(2);
    let mut all = Vec::new();
    for round in 0..30 {
        let mut composed = message("carol", &format!("killed-{round}"));
        let mut base = None;
        if round % 3 == 0 {
            composed.enclosures = vec![writer.upload(ATTACHED).await?];
        }
        writer.save(&mut composed, &mut base).await?;
        composed.text.push_str("more\n");
        let after = Duration::from_millis(chance.below(60));
        let kill = async {
            tokio::time::sleep(after).await;
            stage.gateway.kill().await?;
            stage.gateway.restart().await
        };
        let outcome = if round % 3 == 1 {
            let (saved, killed) = tokio::join!(writer.save(&mut composed, &mut base), kill);
            killed?;
            saved?;
            None
        } else {
            let (outcome, killed) = tokio::join!(writer.send(&composed), kill);
            killed?;
            Some(outcome?)
        };
        // Killed after the answer came: the next device's first word is to the gateway that came back.
        writer.device = None;
        all.push(Told {
            id: composed.id,
            history: format!("round {round}, killed after {after:?}, told {outcome:?}"),
            outcome,
        });
    }
    judge(&stage, "carol", &all, false).await
}

/// Dovecot and Postfix stop at random moments of saving and sending, and come back; the line to Postfix breaks.
#[tokio::test]
async fn the_servers_stop_anywhere() -> anyhow::Result<()> {
    let mut stage = stage("dave").await?;
    let mut writer = Writer::new(&stage, "dave");
    let mut chance = Chance(3);
    let mut all = Vec::new();
    for round in 0..12 {
        let mut composed = message("dave", &format!("stopped-{round}"));
        let mut base = None;
        writer.save(&mut composed, &mut base).await?;
        composed.text.push_str("more\n");
        let after = Duration::from_millis(chance.below(80));
        let cut_after = if round % 4 == 3 {
            1 + chance.below(1_500)
        } else {
            0
        };
        let dovecot = round % 2 == 0;
        let smtp = &stage.smtp;
        smtp.set(|line| line.cut_after = cut_after);
        let accident = async {
            tokio::time::sleep(after).await;
            smtp.set(|line| line.cut_after = 0);
            if dovecot {
                stage.dovecot.stop().await;
                stage.dovecot.restart().await
            } else {
                stage.postfix.stop().await?;
                stage.postfix.restart().await
            }
        };
        let (outcome, mended) = tokio::join!(writer.send(&composed), accident);
        mended?;
        let outcome = match outcome? {
            // The password could not be asked for: told as a refusal, and the person sends it again.
            Outcome::Rejected(_) => writer.send(&composed).await?,
            outcome => outcome,
        };
        let what = if dovecot { "Dovecot" } else { "Postfix" };
        all.push(Told {
            id: composed.id,
            history: format!("round {round}, {what} stopped after {after:?}, told {outcome:?}"),
            outcome: Some(outcome),
        });
    }
    judge(&stage, "dave", &all, true).await
}

/// The gateway is killed around the time at which messages are to be sent: some have gone, some are on their way, some
/// have not been looked at. Each goes once, or is marked and left to a person.
#[tokio::test]
async fn the_gateway_is_killed_while_what_waited_is_sent() -> anyhow::Result<()> {
    let mut stage = stage("erin").await?;
    let mut writer = Writer::new(&stage, "erin");
    let mut own = Client::sign_in(stage.dovecot.port, "erin").await?;
    let mut bob = Client::sign_in(stage.dovecot.port, "bob").await?;
    let mut chance = Chance(4);
    let mut marked = 0;
    for round in 0..6 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let at = i64::try_from(now.as_secs())? + 2;
        let ids: Vec<String> = (0..5).map(|n| format!("later-{round}-{n}")).collect();
        let all: Vec<Composed> = ids.iter().map(|id| message("erin", id)).collect();
        for composed in &all {
            let mutation = Mutation::Schedule {
                message: Box::new(composed.clone()),
                at,
                mailbox: "Scheduled".to_owned(),
                drafts: "Drafts".to_owned(),
                sent: Some("Sent".to_owned()),
            };
            let outcome = writer.outcome(mutation).await?;
            assert_eq!(outcome, Outcome::Done { moved: None });
        }
        // Each piece of the dialogue waits a little, so that there is a middle.
        stage
            .smtp
            .set(|line| line.delay = Duration::from_millis(15));
        let due = Duration::from_secs(u64::try_from(at)?) + Duration::from_secs(1);
        let after = Duration::from_millis(chance.below(1_500));
        let until = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        tokio::time::sleep((due + after).saturating_sub(until)).await;
        stage.gateway.kill().await?;
        stage.smtp.set(|line| line.delay = Duration::ZERO);
        stage.gateway.restart().await?;
        writer.device = None;
        // The list tells the gateway what waits.
        let device = writer.device().await?;
        device
            .ask(roost_wire::Request::Mailboxes)
            .await?
            .map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let history = format!("round {round}, killed {after:?} after the time");
        // A look that fails is repeated after a minute.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(150);
        for composed in &all {
            let mut marked_since = None;
            let waits = format!("HEADER Message-ID \"<{}>\"", composed.id);
            // It is gone from where it waited, or marked for good.
            let left = loop {
                let waiting = own.search("Scheduled", &waits).await?;
                let claimed = own
                    .search("Scheduled", &format!("{waits} KEYWORD $RoostSending"))
                    .await?;
                assert!(waiting.len() <= 1, "{history}");
                if waiting.is_empty() {
                    break false;
                }
                // What this gateway is just sending is marked too: that passes.
                if claimed.is_empty() {
                    marked_since = None;
                } else if marked_since
                    .get_or_insert_with(tokio::time::Instant::now)
                    .elapsed()
                    > Duration::from_secs(6)
                {
                    break true;
                }
                anyhow::ensure!(
                    tokio::time::Instant::now() < deadline,
                    "it waits on: {history}"
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            let taken = if left {
                stage.postfix.taken(&composed.id)?
            } else {
                stage.postfix.was_taken(&composed.id).await?
            };
            assert!(taken <= 1, "{taken} copies were taken: {history}");
            if left {
                marked += 1;
            } else {
                assert_eq!(taken, 1, "it went nowhere: {history}");
                assert_eq!(
                    copies(&mut own, "Sent", &composed.id).await?,
                    1,
                    "{history}"
                );
            }
        }
    }
    // A person looks at each that nobody knows of, and none of them was sent since.
    println!("{marked} of 30 were left to a person");
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.postfix.flush().await?;
    for round in 0..6 {
        for n in 0..5 {
            let id = message("erin", &format!("later-{round}-{n}")).id;
            assert!(stage.postfix.taken(&id)? <= 1, "{id}");
            assert!(copies(&mut bob, "INBOX", &id).await? <= 1, "{id}");
        }
    }
    Ok(())
}
