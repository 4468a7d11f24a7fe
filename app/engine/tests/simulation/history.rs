//! One history: people, devices, the network, the gateway, the mail server and others who change it, all from one seed.

use roost_engine::{
    Action, BodyProblem, Circumstances, Effect, Event, Filter, Intent, KeptAccount, SignInProblem,
    Target, Who,
};
use roost_wire::{Body, BodyKind, Bye, ServerMessage, UidSet};

use crate::device::{Device, Screen, TAB, number_of};
use crate::gateway::{self, Gateway, Hint, Job, LINGER, Out, Rules};
use crate::network::{DeviceId, Happening, Network};
use crate::random::Random;
use crate::server::{Level, Noise, Server, ServerMailbox};

/// How much may happen until everything is quiet.
const MAX_HAPPENINGS: u32 = 60_000;
/// The first seed whose people sign out, and whose devices may have no room.
const PEOPLE_LEAVE: u64 = 4_000;
/// Names that people and others give mailboxes: few, so that they come again.
const NAMES: [&str; 6] = ["Work", "Bills", "Trips", "Archive", "Trash", "Junk"];

pub struct History {
    pub random: Random,
    pub network: Network,
    pub server: Server,
    pub gateway: Gateway,
    pub devices: Vec<Device>,
    rules: Rules,
    gateway_up: bool,
    /// Since when no device is attached.
    empty_since: Option<u64>,
    /// The line between gateway and mail server breaks now and then.
    faults: bool,
    /// People sign out, and come back.
    people_leave: bool,
    /// Until when the gateway hears of no change by itself.
    deaf_until: u64,
    /// Everything is good from now on.
    calm: bool,
    trace: bool,
}

impl History {
    /// Plays a history to its end; an error says what went wrong.
    pub fn play(seed: u64, rules: Rules, trace: bool) -> Result<(), String> {
        let mut history = Self::new(seed, rules, trace);
        history.start()?;
        history.until_quiet()?;
        history.make_good()?;
        history.check_the_end()
    }

    fn new(seed: u64, rules: Rules, trace: bool) -> Self {
        let level = match seed % 3 {
            0 => Level::Qresync,
            1 => Level::Condstore,
            _ => Level::Basic,
        };
        let mut random = Random::new(seed);
        let mut server = Server::new(level, random.chance(30), random.chance(8));
        let inbox = match random.below(100) {
            0..6 => 400,
            6..25 => 120,
            _ => 30,
        };
        for (name, most) in [("INBOX", inbox), ("Archive", 12), ("Work", 50)] {
            for _ in 0..random.below(most) {
                server.deliver(name).expect("it is there");
            }
        }
        for index in 0..server.boxes.len() {
            let name = server.boxes[index].name.clone();
            let gaps: UidSet = (1..400).filter(|_| random.chance(20)).collect();
            server.expunge(&name, &gaps).expect("it is there");
        }
        server.noise.clear();
        let has_some = |b: &ServerMailbox| !b.messages.is_empty();
        for b in server.boxes.iter().filter(|b| has_some(b)) {
            server.ever.empty.remove(&b.name);
        }
        let faults = random.chance(50);
        let devices = (0..random.between(2, 4))
            .map(|number| Device::new(number as DeviceId, !faults))
            .collect();
        if trace {
            eprintln!("{level:?}, faults: {faults}");
        }
        Self {
            gateway: Gateway::new(0, random.next(), rules),
            random,
            network: Network::default(),
            server,
            devices,
            rules,
            gateway_up: true,
            empty_since: Some(0),
            faults,
            people_leave: seed >= PEOPLE_LEAVE,
            deaf_until: 0,
            calm: false,
            trace,
        }
    }

    fn start(&mut self) -> Result<(), String> {
        let end = self.random.between(5_000, 60_000);
        for number in 0..self.devices.len() {
            // Some keep mail from before, though nothing yet; the others begin to when they sign in anew.
            if self.random.chance(60) {
                self.devices[number].store.account = Some(nothing_kept());
            }
            self.start_worker(number)?;
            for _ in 0..self.random.below(3) {
                let time = self.random.between(200, end);
                self.network.at(time, Happening::Restart(number));
            }
            for _ in 0..self.random.between(6, 16) {
                let time = self.random.between(200, end);
                self.network.at(time, Happening::Person(number));
            }
            for _ in 0..self.random.below(4) {
                let time = self.random.between(200, end);
                self.network.at(time, Happening::Cut(number));
            }
        }
        if self.people_leave {
            for number in 0..self.devices.len() {
                for _ in 0..self.random.below(3) {
                    let time = self.random.between(200, end);
                    self.network.at(time, Happening::SignsOut(number));
                }
                if self.random.chance(30) {
                    let time = self.random.below(end);
                    self.network.at(time, Happening::Room(number, false));
                    let later = time + self.random.below(end);
                    self.network.at(later, Happening::Room(number, true));
                }
            }
        }
        for _ in 0..self.random.between(4, 30) {
            let time = self.random.between(1, end);
            self.network.at(time, Happening::Foreign);
        }
        if self.random.chance(30) {
            let time = self.random.between(200, end);
            self.network.at(time, Happening::GatewayStops);
        }
        if self.server.level != Level::Qresync {
            for time in (10_000..end + 100_000).step_by(20_000) {
                self.hint_at(time, Hint::Poll);
            }
        }
        Ok(())
    }

    fn start_worker(&mut self, number: DeviceId) -> Result<(), String> {
        let device = self.devices[number].id();
        let build = "1".to_owned();
        let kept = self.devices[number].store.recall();
        self.event(number, Event::Started { device, build })?;
        // The tab is as quick as the store, or quicker.
        let tab_first = self.random.chance(50);
        if tab_first {
            self.open_tab(number, TAB)?;
        }
        self.event(number, kept)?;
        self.event(number, Event::Restored(Vec::new()))?;
        if tab_first {
            Ok(())
        } else {
            self.open_tab(number, TAB)
        }
    }

    /// The worker is killed, and starts again with what it keeps. One that keeps nothing loses what waits, as it must.
    fn restart(&mut self, number: DeviceId) -> Result<(), String> {
        if self.devices[number].store.account.is_none() {
            return Ok(());
        }
        if let Some(connection) = self.devices[number].socket {
            let rest = self.random.below(300);
            self.network.cut(connection, rest, 0, 0);
        }
        self.network.forget(number);
        let waited = self.devices[number].forget();
        self.start_worker(number)?;
        if self.devices[number].away.is_some() {
            return Ok(());
        }
        self.devices[number]
            .started(waited)
            .map_err(|why| format!("device {number}: {why}"))
    }

    /// Where nothing is kept, what waits would be lost, as it must.
    fn sign_out(&mut self, number: DeviceId) -> Result<(), String> {
        if self.devices[number].keeps() {
            self.devices[number].leaves();
            self.intent(number, TAB, Intent::SignOut { keep: true })?;
        }
        Ok(())
    }

    fn open_tab(&mut self, number: DeviceId, tab: u32) -> Result<(), String> {
        let likely_signed_in = self.random.chance(50);
        self.event(
            number,
            Event::TabOpened {
                tab,
                likely_signed_in,
            },
        )?;
        // Somebody sees it, and its line costs nothing: what it lists comes ahead.
        let circumstances = Circumstances {
            visible: true,
            ..Circumstances::default()
        };
        self.intent(number, tab, Intent::Circumstances(circumstances))?;
        self.intent(number, tab, Intent::Inspect(true))
    }

    fn hint_at(&mut self, time: u64, hint: Hint) {
        let event = Box::new(gateway::Event::Hint(hint));
        self.network
            .at(time, Happening::Gateway(self.gateway.life, event));
    }

    /// Lets everything happen until nothing is left to happen.
    pub fn until_quiet(&mut self) -> Result<(), String> {
        for _ in 0..MAX_HAPPENINGS {
            let Some(happening) = self.network.next() else {
                return Ok(());
            };
            if self.trace {
                eprintln!("{:>7} {happening:?}", self.network.now);
            }
            self.happen(happening)?;
            self.spread_noise();
            self.check_reached()?;
        }
        Err("it never becomes quiet".to_owned())
    }

    /// The line is good from now on, and stays so; people sign in again where they must.
    fn make_good(&mut self) -> Result<(), String> {
        self.calm = true;
        self.faults = false;
        if !self.gateway_up {
            self.network.after(0, Happening::GatewayStarts);
        }
        for number in 0..self.devices.len() {
            self.devices[number].offline_until = 0;
            if self.devices[number].is_signed_out() {
                self.sign_in(number)?;
            }
        }
        if self.server.level != Level::Qresync {
            let time = self.network.now + 1_000;
            self.hint_at(time, Hint::Poll);
        }
        self.until_quiet()?;
        let time = self.network.now + 1;
        match self.server.level {
            Level::Qresync if self.deaf_until > 0 => self.hint_at(time, Hint::Up),
            Level::Qresync => {}
            Level::Condstore | Level::Basic => self.hint_at(time, Hint::Poll),
        }
        self.until_quiet()
    }

    fn sign_in(&mut self, number: DeviceId) -> Result<(), String> {
        self.intent(
            number,
            TAB,
            Intent::SignIn {
                username: "alice".to_owned(),
                password: "secret".to_owned(),
                shared: false,
            },
        )
    }

    pub fn intent(&mut self, number: DeviceId, tab: u32, intent: Intent) -> Result<(), String> {
        if self.trace {
            eprintln!("        device {number}, tab {tab}: {intent:?}");
        }
        self.event(number, Event::Intent { tab, at: 0, intent })
    }

    /// Lets a device take an event in and does what it asks for.
    fn event(&mut self, number: DeviceId, event: Event) -> Result<(), String> {
        let effects = self.devices[number]
            .step(event, &self.server.ever)
            .map_err(|why| format!("device {number}: {why}"))?;
        // Where the mailbox itself went meanwhile, the gateway could not look at it before it told the outcome.
        if let Some((subject, mailbox, uidvalidity)) = self.devices[number].came_back.take()
            && self
                .server
                .find(&mailbox)
                .is_ok_and(|found| found.uidvalidity == uidvalidity)
        {
            return Err(format!(
                "device {number}: {subject} comes back in {mailbox} for a moment"
            ));
        }
        for effect in effects {
            self.perform(number, effect)?;
        }
        Ok(())
    }

    fn perform(&mut self, number: DeviceId, effect: Effect) -> Result<(), String> {
        let delay = self.random.between(1, 60);
        match effect {
            Effect::Connect => {
                let connection = self.network.open(number);
                self.devices[number].socket = Some(connection);
                if self.reaches_gateway(number) && self.devices[number].has_session {
                    self.network.opens_in(connection, delay);
                } else {
                    self.network.after(delay, Happening::Closed(connection));
                }
            }
            Effect::Disconnect => {
                if let Some(connection) = self.devices[number].socket.take() {
                    self.network.close(connection, delay);
                }
            }
            Effect::Send(message) => {
                if self.trace {
                    eprintln!("        device {number} sends {message:?}");
                }
                if let Some(connection) = self.devices[number].socket {
                    self.network.send_to_gateway(connection, message, delay);
                }
            }
            Effect::CheckSession => self.network.after(delay, Happening::Session(number)),
            Effect::SignOut => self.network.after(delay, Happening::SessionEnds(number)),
            Effect::SignIn { .. } => self.network.after(delay, Happening::SignedIn(number)),
            Effect::FetchBody {
                ticket, address, ..
            } => {
                let delay = self.random.between(1, 400);
                self.network
                    .after(delay, Happening::Body(number, ticket, address));
            }
            Effect::Recall => self.event(number, Event::Restored(Vec::new()))?,
            storing @ (Effect::Store { .. }
            | Effect::LoadMailbox { .. }
            | Effect::LoadPages { .. }
            | Effect::ListBodies { .. }
            | Effect::ReadBodies { .. }
            | Effect::Wipe) => {
                if let Some(loaded) = self.devices[number].store.perform(storing) {
                    self.network
                        .after(delay, Happening::Loaded(number, Box::new(loaded)));
                }
            }
            Effect::Wake { wake, after_ms } => {
                let pause = u64::from(after_ms).max(1);
                self.network.after(pause, Happening::Timer(number, wake));
            }
            _ => {}
        }
        Ok(())
    }

    fn reaches_gateway(&self, number: DeviceId) -> bool {
        self.gateway_up && self.devices[number].offline_until <= self.network.now
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Opened(connection) => {
                let number = self.network.device(connection);
                if self.devices[number].socket == Some(connection)
                    && self.network.reaches_device(connection)
                {
                    self.event(number, Event::SocketOpened)?;
                }
            }
            Happening::Closed(connection) => {
                let number = self.network.device(connection);
                if self.devices[number].socket == Some(connection) {
                    self.devices[number].socket = None;
                    self.event(number, Event::SocketClosed)?;
                }
            }
            Happening::ToDevice(connection, message) => {
                let number = self.network.device(connection);
                if self.devices[number].socket == Some(connection)
                    && self.network.reaches_device(connection)
                {
                    self.event(number, Event::Server(*message))?;
                }
            }
            Happening::ToGateway(connection, message) => {
                if self.gateway_up && self.network.reaches_gateway(connection) {
                    if self.gateway.attached.is_empty() {
                        self.begin_anew_after_long();
                    }
                    self.empty_since = None;
                    self.gateway_event(gateway::Event::Message(connection, message));
                }
            }
            Happening::Detached(connection) => {
                self.gateway_event(gateway::Event::Detached(connection));
                if self.gateway.attached.is_empty() {
                    self.empty_since.get_or_insert(self.network.now);
                }
            }
            Happening::Loaded(number, loaded) => self.event(number, *loaded)?,
            Happening::Timer(number, wake) => self.event(number, Event::Woke(wake))?,
            Happening::Session(number) => {
                let result = if !self.reaches_gateway(number) {
                    Err("There is no connection.".to_owned())
                } else if self.devices[number].has_session {
                    Ok(Some(alice()))
                } else {
                    Ok(None)
                };
                self.event(number, Event::SessionChecked(result))?;
            }
            Happening::SessionEnds(number) => {
                let told = self.reaches_gateway(number);
                if told && self.devices[number].away.is_some() {
                    self.devices[number].has_session = false;
                }
                self.event(number, Event::SessionEnded { told })?;
            }
            Happening::SignedIn(number) => {
                if !self.reaches_gateway(number) {
                    let message = "Roost cannot be reached.".to_owned();
                    return self.event(number, Event::SignedIn(Err(SignInProblem { message })));
                }
                self.devices[number].has_session = true;
                let waited = self.devices[number].away.take();
                self.event(number, Event::SignedIn(Ok(alice())))?;
                if let Some(waited) = waited {
                    self.devices[number]
                        .started(waited)
                        .map_err(|why| format!("device {number} came back: {why}"))?;
                }
            }
            Happening::Body(number, ticket, address) => {
                let result = if !self.reaches_gateway(number) {
                    Err(BodyProblem::Offline)
                } else if !self.devices[number].has_session {
                    Err(BodyProblem::SignedOut)
                } else {
                    let found = self.server.find(&address.mailbox).ok();
                    found
                        .filter(|found| found.uidvalidity == address.uidvalidity)
                        .and_then(|found| found.messages.iter().find(|m| m.uid == address.uid))
                        .map(|message| Box::new(body(message.subject)))
                        .ok_or_else(|| BodyProblem::Refused("It is gone.".to_owned()))
                };
                self.event(number, Event::BodyFetched { ticket, result })?;
            }
            Happening::Job(life, job) => self.do_job(life, job),
            Happening::Gateway(life, event) => {
                if life == self.gateway.life && self.gateway_up {
                    self.gateway_event(*event);
                }
            }
            Happening::Person(number) => self.person(number)?,
            Happening::Foreign => self.foreign(),
            Happening::Cut(number) => self.cut(number),
            Happening::Restart(number) => self.restart(number)?,
            Happening::Room(number, room) => self.devices[number].store.full = !room,
            Happening::SignsOut(number) => self.sign_out(number)?,
            Happening::GatewayStops => self.stop_gateway(),
            Happening::GatewayStarts => self.start_gateway(),
        }
        Ok(())
    }

    fn do_job(&mut self, life: u64, job: Job) {
        if life != self.gateway.life || !self.gateway_up {
            // What was sent to the mail server is done, though nobody hears of it.
            if let Job::Mutate { id, mutation } = job
                && self.random.chance(50)
                && let Ok(applied) = self.server.apply(&mutation)
            {
                self.server.note(id, life, &applied);
            }
            return;
        }
        let event = self
            .gateway
            .perform(job, &mut self.server, &mut self.random, self.faults);
        let delay = self.random.between(0, 120);
        self.network
            .after(delay, Happening::Gateway(life, Box::new(event)));
    }

    fn gateway_event(&mut self, event: gateway::Event) {
        if self.trace {
            eprintln!("        gateway: {event:?}");
        }
        let out = self.gateway.handle(event);
        self.put_out(out);
    }

    fn put_out(&mut self, out: Vec<Out>) {
        let life = self.gateway.life;
        for out in out {
            match out {
                Out::Send(to, message) => {
                    let delay = self.random.between(1, 60);
                    self.network.send_to_device(to, message, delay);
                }
                Out::Job(job) => {
                    let delay = self.random.between(0, 120);
                    self.network.after(delay, Happening::Job(life, job));
                }
                Out::Later(pause, event) => {
                    self.network
                        .after(pause, Happening::Gateway(life, Box::new(event)));
                }
            }
        }
    }

    /// The gateway hears that something changed, in time or never, as the server's level allows.
    fn spread_noise(&mut self) {
        for noise in std::mem::take(&mut self.server.noise) {
            let told = match (self.server.level, &noise) {
                _ if self.network.now < self.deaf_until => false,
                (Level::Qresync, _) => true,
                (_, Noise::Mailbox(name)) => name == "INBOX",
                (_, Noise::Names) => false,
            };
            if told {
                let time = self.network.now + self.random.between(0, 500);
                self.hint_at(
                    time,
                    match noise {
                        Noise::Mailbox(name) => Hint::Mailbox(name),
                        Noise::Names => Hint::Mailboxes,
                    },
                );
            } else if self.server.level == Level::Qresync {
                // The connection that watches is opened again.
                let time = self.deaf_until;
                self.hint_at(time, Hint::Up);
            }
        }
    }

    /// An action reaches only the messages that the person saw, and none overtakes another.
    fn check_reached(&mut self) -> Result<(), String> {
        for (id, subjects) in std::mem::take(&mut self.server.reached) {
            let device = &mut self.devices[number_of(id)];
            if let [life] = self.server.done[&id][..] {
                let (of, last) = device.last_done;
                if of == life && id < last {
                    return Err(format!("{id:?} was done after {last:?}"));
                }
                device.last_done = (life, id);
            }
            if let Some(meant) = device.meant.get(&id)
                && !subjects.is_subset(meant)
            {
                return Err(format!(
                    "{id:?} was meant for messages {meant:?} and reached {subjects:?}"
                ));
            }
        }
        Ok(())
    }

    fn cut(&mut self, number: DeviceId) {
        let rest = if self.random.chance(50) {
            0
        } else {
            self.random.below(300)
        };
        // Now and then nobody tells the device that its line is dead.
        let heard = if self.random.chance(10) {
            200_000
        } else {
            self.random.below(3_000)
        };
        let detached = self.random.below(20_000);
        if let Some(connection) = self.devices[number].socket {
            self.network.cut(connection, rest, heard, detached);
        }
        let away = if self.random.chance(15) {
            self.random.between(60_000, 100_000)
        } else {
            self.random.below(8_000)
        };
        self.devices[number].offline_until = self.network.now + away;
        if self.server.level == Level::Qresync && self.random.chance(20) {
            self.deaf_until = self.network.now + self.random.below(5_000);
            let (now, then) = (self.network.now, self.deaf_until);
            self.hint_at(now, Hint::Down);
            self.hint_at(then, Hint::Up);
        }
    }

    fn stop_gateway(&mut self) {
        if self.random.chance(50) {
            self.gateway.broadcast(&ServerMessage::Bye(Bye::Restart));
            let out = self.gateway.handle(gateway::Event::Detached(usize::MAX));
            self.put_out(out);
            for connection in self.gateway.attached.clone() {
                let delay = self.random.below(100);
                self.network.hang_up(connection, delay);
            }
        }
        for number in 0..self.devices.len() {
            if let Some(connection) = self.devices[number].socket
                && !self.gateway.attached.contains(&connection)
            {
                self.network.cut(connection, 0, 100, 0);
            } else if let Some(connection) = self.devices[number].socket {
                let heard = self.random.below(2_000);
                self.network.cut(connection, 0, heard, 0);
            }
        }
        self.gateway_up = false;
        let pause = self.random.between(300, 15_000);
        self.network.after(pause, Happening::GatewayStarts);
    }

    fn start_gateway(&mut self) {
        if self.gateway_up {
            return;
        }
        self.gateway_up = true;
        self.new_life();
        if self.random.chance(25) {
            for device in &mut self.devices {
                device.has_session = false;
            }
        }
        let time = self.network.now + self.random.between(10, 500);
        self.hint_at(time, Hint::Up);
    }

    fn new_life(&mut self) {
        let name = self.random.next();
        self.gateway = Gateway::new(self.gateway.life + 1, name, self.rules);
        self.empty_since = Some(self.network.now);
        if self.server.level != Level::Qresync {
            for pause in [10_000, 20_000, 30_000, 100_000] {
                self.hint_at(self.network.now + pause, Hint::Poll);
            }
        }
    }

    /// An account that had no device for long is forgotten, its ledger with it.
    fn begin_anew_after_long(&mut self) {
        let long = self
            .empty_since
            .is_some_and(|since| since + LINGER < self.network.now);
        if long && !self.gateway.is_busy() {
            self.new_life();
            let time = self.network.now + self.random.between(10, 500);
            self.hint_at(time, Hint::Up);
        }
    }

    /// Somebody else changes the account.
    fn foreign(&mut self) {
        let names: Vec<String> = self.server.boxes.iter().map(|b| b.name.clone()).collect();
        let name = if self.random.chance(50) {
            "INBOX".to_owned()
        } else {
            self.random.pick(&names).expect("the inbox").clone()
        };
        let other = self.random.pick(&names).expect("the inbox").clone();
        let fresh = (*self.random.pick(&NAMES).expect("names")).to_owned();
        let some = self.random.between(1, 40);
        let uids: UidSet = self
            .server
            .find(&name)
            .map(|found| found.messages.iter().map(|m| m.uid).collect::<Vec<_>>())
            .unwrap_or_default()
            .into_iter()
            .filter(|_| self.random.below(100) < some)
            .collect();
        let flag = [if self.random.chance(50) {
            "\\Seen"
        } else {
            "\\Flagged"
        }
        .to_owned()];
        // What cannot be done is not done.
        let _ = match self.random.below(100) {
            0..35 => {
                for _ in 0..self.random.between(1, 3) {
                    let _ = self.server.deliver(&name);
                }
                Ok(())
            }
            35..55 => self.server.flag(&name, &uids, &flag, &[]).map(drop),
            55..62 => self.server.flag(&name, &uids, &[], &flag).map(drop),
            62..76 => self.server.expunge(&name, &uids).map(drop),
            76..86 if name != other => self
                .server
                .copy(&name, &uids, &other)
                .and_then(|_| self.server.expunge(&name, &uids))
                .map(drop),
            86..89 => self.server.create(&fresh),
            89..92 => self.server.rename(&name, &fresh),
            92..94 => self.server.delete(&name),
            94..95 => {
                let _ = self.server.delete(&name);
                self.server.create(&name)
            }
            95..98 => {
                self.gateway.deselect_all();
                self.server.recreate(&name)
            }
            _ => Ok(()),
        };
        if self.server.noise.contains(&Noise::Names) {
            self.gateway.deselect_all();
        }
        if self.trace {
            eprintln!("        somebody else: {:?}", self.server.noise);
        }
    }

    /// A person does something with what is on screen.
    fn person(&mut self, number: DeviceId) -> Result<(), String> {
        if self.devices[number].is_signed_out() {
            return self.sign_in(number);
        }
        if self.devices[number].away.is_some() {
            // The form is sent: there is nothing else on screen.
            return Ok(());
        }
        let tabs: Vec<u32> = self.devices[number].screens.keys().copied().collect();
        let tab = *self.random.pick(&tabs).expect("a tab is open");
        if self.random.chance(3) {
            return if tab == TAB {
                if tabs.len() > 1 {
                    return Ok(());
                }
                self.open_tab(number, TAB + 1)
            } else {
                self.event(number, Event::TabClosed { tab })
            };
        }
        let screen = &self.devices[number].screens[&tab];
        if let Some(intent) = choose(&mut self.random, screen) {
            self.intent(number, tab, intent)?;
        }
        Ok(())
    }
}

/// What a person may want who looks at a screen.
fn choose(random: &mut Random, screen: &Screen) -> Option<Intent> {
    let names: Vec<&str> = screen.mailboxes.iter().map(|m| m.name.as_str()).collect();
    let some_name = |random: &mut Random| random.pick(&names).map(|name| (*name).to_owned());
    let fresh = |random: &mut Random| (*random.pick(&NAMES).expect("names")).to_owned();
    let list = screen.list.as_ref()?;
    let rows: Vec<u32> = list.rows.iter().flatten().map(|row| row.uid).collect();
    let act = |target, action| Intent::Act {
        mailbox: list.mailbox.clone(),
        target,
        action,
    };
    let action = match random.below(10) {
        0 => Action::Seen(true),
        1 => Action::Seen(false),
        2 => Action::Starred(true),
        3 => Action::Starred(false),
        4 => Action::Archive,
        5 => Action::Delete,
        6 => Action::Junk,
        7 => Action::NotJunk,
        8 => Action::Move(some_name(random)?),
        _ => Action::Copy(some_name(random)?),
    };
    Some(match random.below(100) {
        0..14 => Intent::OpenMailbox(some_name(random)?),
        14..20 => Intent::Scroll {
            first: random.below(u64::from(list.total) + 1) as u32,
            count: random.between(3, 30) as u32,
        },
        20..27 => Intent::Filter(
            *random
                .pick(&[
                    Filter::All,
                    Filter::Unread,
                    Filter::Starred,
                    Filter::Attachment,
                ])
                .expect("filters"),
        ),
        27..29 => Intent::Search(random.below(10).to_string()),
        29..30 => Intent::Search(String::new()),
        30..40 => Intent::OpenMessage {
            mailbox: list.mailbox.clone(),
            uid: *random.pick(&rows)?,
            images: false,
        },
        40..42 => Intent::CloseMessage,
        42..78 => {
            let mut uids = vec![*random.pick(&rows)?];
            if random.chance(30) {
                uids.extend(random.pick(&rows));
                uids.extend(random.pick(&rows));
            }
            act(Target::Uids(uids), action)
        }
        78..81 => act(Target::All, action),
        81..85 => Intent::Undo(*random.pick(&screen.undo)?),
        85..88 => {
            let queue = &screen.session.as_ref()?.queue;
            let change = random.pick(queue)?;
            Intent::Cancel(change.can_be_cancelled.then(|| change.id.clone())?)
        }
        88..91 => Intent::CreateMailbox(fresh(random)),
        91..94 => Intent::RenameMailbox {
            from: some_name(random)?,
            to: fresh(random),
        },
        94..96 => Intent::DeleteMailbox(some_name(random).filter(|name| name != "INBOX")?),
        96..98 => Intent::Subscribe {
            name: some_name(random)?,
            subscribed: random.chance(50),
        },
        _ => Intent::ConnectNow,
    })
}

/// What a device keeps that has just begun to.
fn nothing_kept() -> KeptAccount {
    KeptAccount {
        who: alice(),
        ..KeptAccount::default()
    }
}

fn alice() -> Who {
    Who {
        account: "a".to_owned(),
        username: "alice".to_owned(),
    }
}

fn body(subject: u32) -> Body {
    Body {
        from: Vec::new(),
        reply_to: Vec::new(),
        recipients: Vec::new(),
        subject: subject.to_string(),
        sent: None,
        headers: Vec::new(),
        html: String::new(),
        css: String::new(),
        kind: BodyKind::Empty,
        blocked: 0,
        attachments: Vec::new(),
        defects: Vec::new(),
        images: Vec::new(),
    }
}
