//! The WebSocket to the gateway.

use roost_engine::Event;
use roost_wire::SUBPROTOCOL;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, MessageEvent, WebSocket};

use crate::handle;

/// An open or opening socket. Dropping it closes it without a word to the engine.
pub struct Socket {
    socket: WebSocket,
    _on: [Closure<dyn FnMut(MessageEvent)>; 3],
}

impl Socket {
    /// Starts opening; [`Event::SocketOpened`] or [`Event::SocketClosed`] follows.
    pub fn open() -> Option<Self> {
        let location = crate::scope().location();
        let scheme = if location.protocol() == "https:" {
            "wss"
        } else {
            "ws"
        };
        let url = format!("{scheme}://{}/api/socket", location.host());
        let socket = WebSocket::new_with_str(&url, SUBPROTOCOL).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_open = Closure::<dyn FnMut(MessageEvent)>::new(|_| handle(Event::SocketOpened));
        let on_close = Closure::<dyn FnMut(MessageEvent)>::new(|_| handle(Event::SocketClosed));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
            let bytes = js_sys::Uint8Array::new(&event.data()).to_vec();
            match postcard::from_bytes(&bytes) {
                Ok(message) => handle(Event::Server(message)),
                // The gateway speaks another version than this app: never guess.
                Err(_) => handle(Event::Server(roost_wire::ServerMessage::Bye(
                    roost_wire::Bye::Reload,
                ))),
            }
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            _on: [on_open, on_close, on_message],
        })
    }

    pub fn send(&self, frame: &[u8]) {
        let _ = self.socket.send_with_u8_array(frame);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        self.socket.set_onmessage(None);
        let _ = self.socket.close();
    }
}
