//! The app's engine on two devices, against a real Dovecot that another client changes at random all the while, over lines
//! that are cut and delayed on both sides of the gateway; now and then a device's worker is killed and starts from what it
//! kept. Afterwards a full FETCH must equal what each device shows.
//!
//! A history follows from a seed, which a failure names. `ROOST_RANDOM_SEED` plays another, `ROOST_RANDOM_STEPS` a longer one.

#[path = "../../../app/engine/tests/simulation/store.rs"]
mod store;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use roost_engine::{Action, Intent, KeptAccount, ListState, Target};
use roost_tests::client::Client;
use roost_tests::dovecot::{Dovecot, Options};
use roost_tests::gateway::Gateway;
use roost_tests::mail::{self, Seed};
use roost_tests::native::Native;
use roost_tests::proxy::Proxy;
use roost_wire::Flags;
use store::Store;
use tokio::time::Instant;

/// How many things happen.
const STEPS: u64 = 400;
/// Names that everybody gives mailboxes: few, so that they come again.
const NAMES: [&str; 4] = ["Work", "Bills", "Trips", "Plans"];
/// How long until everything is quiet.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

struct Player {
    device: Native,
    store: Rc<RefCell<Store>>,
    /// What its worker is called in mutation ids.
    number: u64,
}

impl Player {
    async fn new(base: &str, number: u64) -> anyhow::Result<Self> {
        let store = Rc::new(RefCell::new(Store::default()));
        let keeping = Rc::clone(&store);
        let perform = move |effect| keeping.borrow_mut().perform(effect);
        let device = Native::sign_in(base, "alice", perform).await?;
        store.borrow_mut().account = Some(KeptAccount {
            who: device.who(),
            ..KeptAccount::default()
        });
        let mut player = Self {
            device,
            store,
            number,
        };
        player.restart().await;
        Ok(player)
    }

    /// Its worker is killed, and starts again.
    async fn restart(&mut self) {
        self.number += 100;
        let recalled = self.store.borrow().recall();
        self.device.start(self.number, recalled).await;
    }

    /// Its person does something with what is on screen.
    async fn act(&mut self, chance: &mut Chance) {
        let names: Vec<String> = self
            .device
            .screen
            .mailboxes
            .iter()
            .map(|mailbox| mailbox.name.clone())
            .collect();
        let Some(list) = &self.device.screen.list else {
            return;
        };
        let rows: Vec<u32> = list.rows.iter().flatten().map(|row| row.uid).collect();
        let mailbox = list.mailbox.clone();
        let some_name = |chance: &mut Chance| chance.one(&names).cloned().unwrap_or_default();
        let fresh = |chance: &mut Chance| NAMES[chance.below(NAMES.len())].to_owned();
        let intent = match chance.below(100) {
            0..25 => Intent::OpenMailbox(some_name(chance)),
            25..85 => {
                let mut uids = Vec::new();
                for _ in 0..=chance.below(3) {
                    uids.extend(chance.one(&rows));
                }
                let action = match chance.below(8) {
                    0 => Action::Seen(true),
                    1 => Action::Seen(false),
                    2 => Action::Starred(true),
                    3 => Action::Starred(false),
                    4 => Action::Archive,
                    5 => Action::Delete,
                    6 => Action::Copy(some_name(chance)),
                    _ => Action::Move(some_name(chance)),
                };
                let target = Target::Uids(uids);
                Intent::Act {
                    mailbox,
                    target,
                    action,
                }
            }
            85..90 => Intent::CreateMailbox(fresh(chance)),
            90..94 => Intent::RenameMailbox {
                from: fresh(chance),
                to: fresh(chance),
            },
            94..96 => Intent::DeleteMailbox(fresh(chance)),
            _ => Intent::ConnectNow,
        };
        self.device.intent(intent).await;
    }

    /// What a person sees who opens a mailbox and scrolls to its end: flags by UID. `None` while something is missing.
    fn shown(&self, mailbox: &str) -> Option<BTreeMap<u32, BTreeSet<String>>> {
        let list = self.device.screen.list.as_ref()?;
        if list.mailbox != mailbox
            || list.state != ListState::Ready
            || list.rows.len() != list.total as usize
        {
            return None;
        }
        list.rows
            .iter()
            .map(|row| row.as_ref().map(|row| (row.uid, names(&row.flags))))
            .collect()
    }
}

fn names(flags: &Flags) -> BTreeSet<String> {
    let system = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"];
    let set = system.into_iter().filter(|flag| flags.has(flag));
    set.map(str::to_owned)
        .chain(flags.keywords.iter().cloned())
        .collect()
}

/// The other client. What cannot be done is not done.
struct Foreign {
    port: u16,
    client: Client,
    count: u32,
}

impl Foreign {
    async fn act(&mut self, chance: &mut Chance) -> anyhow::Result<()> {
        let mailbox = match chance.below(10) {
            0..5 => "INBOX",
            5..7 => "Archive",
            7 => "Trash",
            _ => NAMES[chance.below(NAMES.len())],
        };
        let other = NAMES[chance.below(NAMES.len())];
        let (first, more) = (1 + chance.below(60), chance.below(4));
        let set = format!("{first}:{}", first + more);
        let flag = ["\\Seen", "\\Flagged", "$Work"][chance.below(3)];
        let sign = ["+", "-"][chance.below(2)];
        self.count += 1;
        let message = format!(
            "From: x@example.org\nSubject: new {}\n\nHello\n",
            self.count
        );
        let commands = match chance.below(100) {
            0..30 => {
                let _ = self.client.append(mailbox, "", &message).await;
                return Ok(());
            }
            30..60 => vec![
                format!("SELECT {mailbox}"),
                format!("STORE {set} {sign}FLAGS ({flag})"),
            ],
            60..75 => vec![
                format!("SELECT {mailbox}"),
                format!("STORE {set} +FLAGS (\\Deleted)"),
                "EXPUNGE".to_owned(),
            ],
            75..87 => vec![format!("SELECT {mailbox}"), format!("MOVE {set} {other}")],
            87..93 => vec![format!("CREATE {other}")],
            93..97 => vec![format!(
                "RENAME {other} {}",
                NAMES[chance.below(NAMES.len())]
            )],
            _ => vec![format!("DELETE {other}")],
        };
        for command in commands {
            if self.client.run(&command).await.is_err() {
                break;
            }
        }
        // A server hangs up on who has selected what goes.
        if self.client.run("NOOP").await.is_err() {
            self.client = Client::sign_in(self.port, "alice").await?;
        }
        Ok(())
    }

    /// The account as it is: flags by UID of each mailbox.
    async fn everything(
        &mut self,
    ) -> anyhow::Result<BTreeMap<String, BTreeMap<u32, BTreeSet<String>>>> {
        let mut all = BTreeMap::new();
        for line in self.client.run("LIST \"\" *").await? {
            let name = line.rsplit(' ').next().unwrap_or_default();
            all.insert(name.trim_matches('"').to_owned(), BTreeMap::new());
        }
        for (name, messages) in &mut all {
            self.client.run(&format!("SELECT \"{name}\"")).await?;
            for line in self.client.run("UID FETCH 1:* (FLAGS)").await? {
                let Some((_, rest)) = line.split_once("FETCH (") else {
                    continue;
                };
                let uid = rest
                    .split_once("UID ")
                    .and_then(|(_, after)| {
                        let digits: String =
                            after.chars().take_while(char::is_ascii_digit).collect();
                        digits.parse().ok()
                    })
                    .with_context(|| line.clone())?;
                let flags = rest
                    .split_once("FLAGS (")
                    .and_then(|(_, after)| Some(after.split_once(')')?.0))
                    .with_context(|| line.clone())?;
                let flags = flags.split_whitespace().filter(|flag| *flag != "\\Recent");
                messages.insert(uid, flags.map(str::to_owned).collect());
            }
        }
        Ok(all)
    }
}

async fn play(seed: u64, steps: u64) -> anyhow::Result<()> {
    let mut chance = Chance(seed);
    let dovecot = Dovecot::start(&Options::default()).await?;
    dovecot.add_user("alice").await?;
    mail::seed(&dovecot.maildir("alice"), Seed::Many(120))?;
    dovecot.own_mail(&dovecot.maildir("alice")).await?;
    let imap = Proxy::start(dovecot.port).await?;
    let url = format!("imap://127.0.0.1:{}", imap.port);
    let gateway = Gateway::start(&url, &["--imap-timeout", "5"]).await?;
    let port: u16 = gateway.url.rsplit(':').next().context("a port")?.parse()?;
    let line = Proxy::start(port).await?;
    // The gateway serves only who names it as itself.
    let base = format!("http://127.0.0.1:{}", line.port);
    let mut players = [Player::new(&base, 1).await?, Player::new(&base, 2).await?];
    let mut foreign = Foreign {
        port: dovecot.port,
        client: Client::sign_in(dovecot.port, "alice").await?,
        count: 0,
    };
    for _ in 0..steps {
        match chance.below(100) {
            0..60 => foreign.act(&mut chance).await?,
            60..90 => {
                let player = &mut players[chance.below(2)];
                player.act(&mut chance).await;
            }
            90..93 => line.cut(),
            93..94 => imap.cut(),
            94..96 => {
                let delay = Duration::from_millis(chance.below(60) as u64);
                line.set(|line| line.delay = delay);
            }
            96..98 => line.set(|line| line.down = !line.down),
            _ => {
                let player = &mut players[chance.below(2)];
                let waited = player.device.changes();
                player.restart().await;
                let waits = player.device.changes();
                ensure!(waits == waited, "{waited} changes waited, {waits} are left");
            }
        }
        let time = Duration::from_millis(chance.below(60) as u64);
        let [first, second] = &mut players;
        tokio::join!(first.device.run(time), second.device.run(time));
    }
    line.set(|line| {
        line.down = false;
        line.delay = Duration::ZERO;
    });
    settle(&mut players, &mut foreign).await
}

/// Waits until every device has nothing left to send, and shows each mailbox as it is.
async fn settle(players: &mut [Player; 2], foreign: &mut Foreign) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while players
        .iter()
        .any(|player| player.device.changes() > 0 || !player.device.is_live())
    {
        ensure!(Instant::now() < deadline, "changes still wait");
        let [first, second] = &mut *players;
        let time = Duration::from_millis(50);
        tokio::join!(first.device.run(time), second.device.run(time));
    }
    let all = foreign.everything().await?;
    for (index, player) in players.iter_mut().enumerate() {
        loop {
            let shown: BTreeMap<&str, u32> = player
                .device
                .screen
                .mailboxes
                .iter()
                .map(|mailbox| (mailbox.name.as_str(), mailbox.messages))
                .collect();
            let there: BTreeMap<&str, u32> = all
                .iter()
                .map(|(name, messages)| (name.as_str(), messages.len() as u32))
                .collect();
            if shown == there {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "device {index} lists {shown:?}, there are {there:?}"
            );
            player.device.run(Duration::from_millis(50)).await;
        }
        for (mailbox, there) in &all {
            let open = Intent::OpenMailbox(mailbox.clone());
            player.device.intent(open).await;
            let (first, count) = (0, 500);
            player.device.intent(Intent::Scroll { first, count }).await;
            while player.shown(mailbox).as_ref() != Some(there) {
                if Instant::now() > deadline {
                    let shown = player.shown(mailbox);
                    let screen = &player.device.screen;
                    let list = screen
                        .list
                        .as_ref()
                        .map(|list| (&list.mailbox, &list.state));
                    bail!(
                        "device {index} shows {mailbox} as {shown:?}, it is {there:?}; {list:?}, {:?}, {:?}",
                        screen.session,
                        screen.failures
                    );
                }
                player.device.run(Duration::from_millis(20)).await;
                // Where the list could not be had, a person opens it again.
                let list = player.device.screen.list.as_ref();
                if list.is_some_and(|list| matches!(list.state, ListState::Failed(_))) {
                    let open = Intent::OpenMailbox(mailbox.clone());
                    player.device.intent(open).await;
                    player.device.intent(Intent::Scroll { first, count }).await;
                    player.device.run(Duration::from_millis(500)).await;
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn after_hundreds_of_changes_by_others_every_device_shows_what_is_there() -> anyhow::Result<()>
{
    let steps = number("ROOST_RANDOM_STEPS").unwrap_or(STEPS);
    let seeds = match number("ROOST_RANDOM_SEED") {
        Some(seed) => vec![seed],
        None => vec![1, 2],
    };
    for seed in seeds {
        Box::pin(play(seed, steps))
            .await
            .with_context(|| format!("the history of ROOST_RANDOM_SEED={seed}"))?;
    }
    Ok(())
}
