//! The WebSocket of one device.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use roost_wire::{Bye, ClientMessage, MAX_FRAME, SUBPROTOCOL, ServerMessage, VERSION};
use tokio::sync::mpsc;

use super::{Gateway, Refusal, SameOrigin, Session};
use crate::gateway::{Device, Event};

/// How much is read from a socket at once.
const READ_BUFFER: usize = 4 * 1024;
/// How many messages may wait for one device before it is cut off.
const OUTBOX: usize = 256;
/// How long the device may take to say hello.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// How often the device is pinged; one that has been silent for two of them is gone.
const PING: Duration = Duration::from_secs(30);
/// How long one frame may take to be written.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// `GET /api/socket`.
pub async fn open(
    State(gateway): State<Arc<Gateway>>,
    _same_origin: SameOrigin,
    session: Session,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    if gateway.sockets.available_permits() == 0 {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Too many devices are connected.",
        ));
    }
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        // The default of 128 KiB is most of what an idle device would cost.
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_FRAME)
        .on_upgrade(async move |mut socket| {
            if socket
                .protocol()
                .is_none_or(|protocol| protocol != SUBPROTOCOL)
            {
                let _ = say(&mut socket, &ServerMessage::Bye(Bye::Reload)).await;
                return;
            }
            let Ok(_permit) = gateway.sockets.try_acquire() else {
                return;
            };
            if let Err(end) = serve(&gateway, &session, &mut socket).await {
                let _ = say(&mut socket, &ServerMessage::Bye(end)).await;
            }
            let _ = tokio::time::timeout(WRITE_TIME, socket.send(Message::Close(None))).await;
        }))
}

/// Serves a device until either side has enough. An error is said to the device.
async fn serve(gateway: &Gateway, session: &Session, socket: &mut WebSocket) -> Result<(), Bye> {
    let hello = tokio::time::timeout(HELLO_TIME, socket.recv()).await;
    match hello {
        Ok(Some(Ok(Message::Binary(frame)))) => match read(&frame) {
            Ok(ClientMessage::Hello { version, .. }) if version == VERSION => {}
            _ => return Err(Bye::Reload),
        },
        _ => return Err(Bye::Protocol("no hello".to_owned())),
    }
    let account = gateway.accounts.open(&session.credentials, None);
    let hello = ServerMessage::Hello {
        version: VERSION,
        build: crate::build(),
        account: session.account.clone(),
        username: session.credentials.username.clone(),
        address: gateway.settings.address_of(&session.credentials.username),
        ledger: account.ledger,
        sends: gateway.settings.smtp.is_some(),
    };
    let id = gateway.next_device.fetch_add(1, Ordering::Relaxed);
    let (outbox, mut outgoing) = mpsc::channel(OUTBOX);
    if account
        .events
        .send(Event::Attached(Device { id, outbox }))
        .await
        .is_err()
    {
        return Err(Bye::Restart);
    }
    // The account knows the device before the session does, and both before the device hears of it: a sign-out at any
    // moment reaches it.
    let result = if !gateway.sessions.attach(&session.id, id) {
        Err(Bye::SignedOut)
    } else if say(socket, &hello).await.is_err() {
        Ok(())
    } else {
        pump(gateway, session, socket, id, &account.events, &mut outgoing).await
    };
    gateway.sessions.detach(&session.id, id);
    let _ = account.events.send(Event::Detached(id)).await;
    result
}

async fn pump(
    gateway: &Gateway,
    session: &Session,
    socket: &mut WebSocket,
    id: u64,
    events: &mpsc::Sender<Event>,
    outgoing: &mut mpsc::Receiver<ServerMessage>,
) -> Result<(), Bye> {
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    let mut silent = 0;
    loop {
        tokio::select! {
            incoming = socket.recv() => {
                silent = 0;
                match incoming {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Text(_))) => return Err(Bye::Protocol("text".to_owned())),
                    Some(Ok(Message::Binary(frame))) => {
                        let message = read(&frame)?;
                        if events.send(Event::Message(id, message)).await.is_err() {
                            return Err(Bye::Restart);
                        }
                    }
                }
            }
            message = outgoing.recv() => match message {
                None => return Err(Bye::Restart),
                Some(message) => {
                    let last = matches!(message, ServerMessage::Bye(_));
                    if say(socket, &message).await.is_err() || last {
                        return Ok(());
                    }
                }
            },
            _ = ping.tick() => {
                silent += 1;
                if silent > 2 {
                    return Ok(());
                }
                if !gateway.sessions.touch(&session.id) {
                    return Err(Bye::SignedOut);
                }
                let ping = socket.send(Message::Ping(Bytes::new()));
                if !matches!(tokio::time::timeout(WRITE_TIME, ping).await, Ok(Ok(()))) {
                    return Ok(());
                }
            }
        }
    }
}

fn read(frame: &[u8]) -> Result<ClientMessage, Bye> {
    match postcard::take_from_bytes(frame) {
        Ok((message, [])) => Ok(message),
        _ => Err(Bye::Protocol("a malformed frame".to_owned())),
    }
}

async fn say(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), ()> {
    let frame = postcard::to_stdvec(message).map_err(|_| ())?;
    tokio::time::timeout(WRITE_TIME, socket.send(Message::Binary(frame.into())))
        .await
        .map_err(|_| ())?
        .map_err(|_| ())
}
