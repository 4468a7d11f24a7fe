//! The stage on which people write and send: three of them on a Dovecot, a Postfix, a gateway between the two; and what
//! they write.

use std::time::Duration;

use roost_wire::{Address, Composed, Mutation};

use crate::client::Client;
use crate::dovecot::{Dovecot, Options};
use crate::gateway::Gateway;
use crate::postfix::{DOMAIN, Postfix};

/// How long something may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that is needed to write to one another.
#[derive(Debug)]
pub struct Stage {
    pub dovecot: Dovecot,
    pub postfix: Postfix,
    pub gateway: Gateway,
}

impl Stage {
    /// With alice, bob and secret.
    pub async fn start() -> anyhow::Result<Self> {
        let dovecot = Dovecot::start(&Options::default()).await?;
        for user in ["alice", "bob", "secret"] {
            dovecot.add_user(user).await?;
        }
        let postfix = Postfix::start(&dovecot).await?;
        let gateway = gateway(&dovecot, &postfix.url()).await?;
        Ok(Self {
            dovecot,
            postfix,
            gateway,
        })
    }
}

/// Another gateway between a Dovecot and a submission server.
pub async fn gateway(dovecot: &Dovecot, smtp: &str) -> anyhow::Result<Gateway> {
    gateway_with(dovecot, smtp, &[]).await
}

/// [`gateway`] with more settings.
pub async fn gateway_with(dovecot: &Dovecot, smtp: &str, more: &[&str]) -> anyhow::Result<Gateway> {
    let arguments = [&["--smtp", smtp, "--mail-domain", DOMAIN], more].concat();
    Gateway::start(&dovecot.url(), &arguments).await
}

pub fn address(name: &str, user: &str) -> Address {
    Address {
        name: name.to_owned(),
        email: format!("{user}@{DOMAIN}"),
    }
}

/// From alice to bob.
pub fn message(id: &str) -> Composed {
    Composed {
        id: format!("{id}@{DOMAIN}"),
        from: address("Alice Müller", "alice"),
        to: vec![address("Bob", "bob")],
        subject: format!("Message {id}"),
        text: "Hello Bob\n".to_owned(),
        ..Composed::default()
    }
}

/// Saves a draft in Drafts.
pub fn save(draft: &Composed, base: Option<u32>) -> Mutation {
    Mutation::SaveDraft {
        draft: Box::new(draft.clone()),
        mailbox: "Drafts".to_owned(),
        base,
    }
}

/// The copies of a message in a mailbox.
pub async fn copies(client: &mut Client, mailbox: &str, id: &str) -> anyhow::Result<Vec<u32>> {
    client.search(mailbox, &with_id(id)).await
}

/// Waits until a mailbox has so many copies of a message.
pub async fn wait_for(
    client: &mut Client,
    mailbox: &str,
    id: &str,
    count: usize,
) -> anyhow::Result<Vec<u32>> {
    wait_until(client, mailbox, &with_id(id), count).await
}

/// Waits until so many messages of a mailbox match.
pub async fn wait_until(
    client: &mut Client,
    mailbox: &str,
    criteria: &str,
    count: usize,
) -> anyhow::Result<Vec<u32>> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = client.search(mailbox, criteria).await?;
        if found.len() == count {
            return Ok(found);
        }
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "{} of {criteria} in {mailbox}, not {count}",
            found.len()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn with_id(id: &str) -> String {
    format!("HEADER Message-ID \"<{id}>\"")
}
