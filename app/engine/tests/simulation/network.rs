//! What lies between devices and the gateway: sockets, each a queue in either direction that can be cut at any moment,
//! and everything that takes time, in the order of a simulated clock.

use std::collections::BTreeMap;

use roost_engine::{ContentAddress, Event, Wake};
use roost_wire::{ClientMessage, ServerMessage};

use crate::gateway;

/// Names a socket for ever.
pub type ConnectionId = usize;
/// The number of a device.
pub type DeviceId = usize;

/// Something that happens at a moment.
#[derive(Debug)]
pub enum Happening {
    /// The device hears that its socket opened or closed.
    Opened(ConnectionId),
    Closed(ConnectionId),
    ToDevice(ConnectionId, Box<ServerMessage>),
    ToGateway(ConnectionId, ClientMessage),
    /// The gateway hears that a socket closed.
    Detached(ConnectionId),
    Timer(DeviceId, Wake),
    /// What a device keeps was read.
    Loaded(DeviceId, Box<Event>),
    /// The answer to who is signed in.
    Session(DeviceId),
    SignedIn(DeviceId),
    Body(DeviceId, u32, ContentAddress),
    /// A job of the gateway's life of that number reads or changes the mail server.
    Job(u64, gateway::Job),
    Gateway(u64, Box<gateway::Event>),
    /// A person does something, or somebody else does at the mail server.
    Person(DeviceId),
    Foreign,
    Cut(DeviceId),
    /// The device's worker is killed and starts again with what it keeps.
    Restart(DeviceId),
    /// The device has no room left, or has some again.
    Room(DeviceId, bool),
    /// The person signs out, and what the device keeps stays.
    SignsOut(DeviceId),
    /// The gateway hears of it, or cannot be reached.
    SessionEnds(DeviceId),
    GatewayStops,
    GatewayStarts,
}

/// One socket.
struct Connection {
    device: DeviceId,
    /// When the last frame of each direction arrives: none overtakes another.
    last_to_gateway: u64,
    last_to_device: u64,
    /// From when on nothing arrives.
    dead_to_gateway: u64,
    dead_to_device: u64,
}

#[derive(Default)]
pub struct Network {
    pub now: u64,
    happenings: BTreeMap<(u64, u64), Happening>,
    count: u64,
    connections: Vec<Connection>,
}

impl Network {
    pub fn at(&mut self, time: u64, happening: Happening) {
        self.count += 1;
        self.happenings.insert((time, self.count), happening);
    }

    pub fn after(&mut self, pause: u64, happening: Happening) {
        self.at(self.now + pause, happening);
    }

    /// The next thing that happens, with the clock set to its moment.
    pub fn next(&mut self) -> Option<Happening> {
        let ((time, _), happening) = self.happenings.pop_first()?;
        self.now = time;
        Some(happening)
    }

    /// Nothing happens any more to what a device had under way.
    pub fn forget(&mut self, device: DeviceId) {
        self.happenings.retain(|_, happening| match happening {
            Happening::Timer(of, _)
            | Happening::Loaded(of, _)
            | Happening::Session(of)
            | Happening::SignedIn(of)
            | Happening::Body(of, ..) => *of != device,
            _ => true,
        });
    }

    pub fn open(&mut self, device: DeviceId) -> ConnectionId {
        self.connections.push(Connection {
            device,
            last_to_gateway: self.now,
            last_to_device: self.now,
            dead_to_gateway: u64::MAX,
            dead_to_device: u64::MAX,
        });
        self.connections.len() - 1
    }

    pub fn device(&self, connection: ConnectionId) -> DeviceId {
        self.connections[connection].device
    }

    pub fn opens_in(&mut self, connection: ConnectionId, delay: u64) {
        let opened = self.now + delay;
        self.connections[connection].last_to_device = opened;
        self.connections[connection].last_to_gateway = opened;
        self.at(opened, Happening::Opened(connection));
    }

    pub fn send_to_gateway(&mut self, to: ConnectionId, message: ClientMessage, delay: u64) {
        let connection = &mut self.connections[to];
        let time = (self.now + delay).max(connection.last_to_gateway);
        connection.last_to_gateway = time;
        if time < connection.dead_to_gateway {
            self.at(time, Happening::ToGateway(to, message));
        }
    }

    pub fn send_to_device(&mut self, to: ConnectionId, message: ServerMessage, delay: u64) {
        let connection = &mut self.connections[to];
        let time = (self.now + delay).max(connection.last_to_device);
        connection.last_to_device = time;
        if time < connection.dead_to_device {
            self.at(time, Happening::ToDevice(to, Box::new(message)));
        }
    }

    /// Whether what arrives now still arrives.
    pub fn reaches_device(&self, connection: ConnectionId) -> bool {
        self.now < self.connections[connection].dead_to_device
    }

    pub fn reaches_gateway(&self, connection: ConnectionId) -> bool {
        self.now < self.connections[connection].dead_to_gateway
    }

    /// The device closes its end: what it sent still arrives.
    pub fn close(&mut self, connection: ConnectionId, delay: u64) {
        self.connections[connection].dead_to_device = self.now;
        let time = (self.now + delay).max(self.connections[connection].last_to_gateway);
        self.at(time, Happening::Detached(connection));
    }

    /// The gateway closes its end: what it sent still arrives.
    pub fn hang_up(&mut self, connection: ConnectionId, delay: u64) {
        self.connections[connection].dead_to_gateway = self.now;
        let time = (self.now + delay).max(self.connections[connection].last_to_device);
        self.at(time, Happening::Closed(connection));
    }

    /// The line breaks. Frames on their way to the gateway may go on arriving for `rest` milliseconds; each end hears
    /// of it some time later.
    pub fn cut(&mut self, connection: ConnectionId, rest: u64, heard: u64, detached: u64) {
        let end = &mut self.connections[connection];
        // A line that is broken already breaks no more.
        end.dead_to_device = end.dead_to_device.min(self.now);
        end.dead_to_gateway = end.dead_to_gateway.min(self.now + rest);
        self.after(heard, Happening::Closed(connection));
        self.after(rest + detached, Happening::Detached(connection));
    }
}
