//! What goes over HTTP: signing in and out, and bodies.

use gloo_net::http::{Request, Response};
use js_sys::Promise;
use roost_engine::{BodyProblem, ContentAddress, Event, Opening, SignInProblem, TabId, Who};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{future_to_promise, spawn_local};

use crate::handle;
use crate::storage::{self, bodies};

async fn refusal(response: Response) -> String {
    match response
        .text()
        .await
        .ok()
        .and_then(|text| field(&text, "message"))
    {
        Some(message) => message,
        None => format!("The gateway answered with status {}.", response.status()),
    }
}

pub fn check_session() {
    spawn_local(async {
        let result = match Request::get("/api/session").send().await {
            Ok(response) if response.ok() => who(&response).await.map(Some),
            Ok(response) if response.status() == 401 => Ok(None),
            Ok(response) => Err(refusal(response).await),
            Err(_) => Err("There is no connection.".to_owned()),
        };
        handle(Event::SessionChecked(result));
    });
}

pub fn sign_in(username: String, password: String, shared: bool) {
    spawn_local(async move {
        let body = format!(
            r#"{{"username":{},"password":{},"shared":{shared}}}"#,
            quote(&username),
            quote(&password)
        );
        let request = Request::post("/api/session")
            .header("Content-Type", "application/json")
            .body(body);
        let result = match request {
            Ok(request) => match request.send().await {
                Ok(response) if response.ok() => who(&response).await,
                Ok(response) => Err(refusal(response).await),
                Err(_) => {
                    Err("Roost cannot be reached. Check your connection and try again.".to_owned())
                }
            },
            Err(_) => Err("The browser refused to send the form.".to_owned()),
        };
        handle(Event::SignedIn(
            result.map_err(|message| SignInProblem { message }),
        ));
    });
}

/// Resolves when the gateway has been told, or could not be.
pub fn sign_out() -> Promise {
    future_to_promise(async {
        let answer = Request::delete("/api/session").send().await;
        // Refused, there is no session to end.
        let told = answer.is_ok_and(|response| response.status() < 500);
        handle(Event::SessionEnded { told });
        Ok(JsValue::UNDEFINED)
    })
}

/// `kept`: from this device if it is here, and kept here.
pub fn fetch_body(ticket: u32, address: &ContentAddress, images: bool, kept: bool) {
    let url = format!("{}&images={}", address.url("body"), u8::from(images));
    let wiped = storage::wiped();
    spawn_local(async move {
        let here = if kept { bodies::find(&url).await } else { None };
        let result = match here.and_then(|bytes| read(bytes).ok()) {
            Some(body) => Ok(body),
            None => content(&url).await.and_then(|bytes| {
                // The person may have signed out meanwhile.
                if kept && storage::wiped() == wiped {
                    bodies::keep(&url, &bytes);
                }
                read(bytes)
            }),
        };
        handle(Event::BodyFetched { ticket, result });
    });
}

pub fn fetch_draft(tab: TabId, address: ContentAddress, opening: Opening) {
    spawn_local(async move {
        let result = content(&address.url("draft")).await.and_then(read);
        handle(Event::DraftFetched {
            tab,
            address,
            opening,
            result,
        });
    });
}

async fn content(url: &str) -> Result<Vec<u8>, BodyProblem> {
    match Request::get(url).send().await {
        Ok(response) if response.ok() => response.binary().await.map_err(|_| BodyProblem::Offline),
        Ok(response) if response.status() == 401 => Err(BodyProblem::SignedOut),
        Ok(response) => Err(BodyProblem::Refused(refusal(response).await)),
        Err(_) => Err(BodyProblem::Offline),
    }
}

fn read<T: serde::de::DeserializeOwned>(bytes: Vec<u8>) -> Result<Box<T>, BodyProblem> {
    postcard::from_bytes(&bytes).map(Box::new).map_err(|_| {
        BodyProblem::Refused("A new version of Roost is ready: reload the page.".to_owned())
    })
}

async fn who(response: &Response) -> Result<Who, String> {
    let text = response.text().await.unwrap_or_default();
    match (field(&text, "account"), field(&text, "username")) {
        (Some(account), Some(username)) => Ok(Who { account, username }),
        _ => Err("The gateway's answer cannot be understood.".to_owned()),
    }
}

/// A string field of a JSON object, read by the browser's own parser: serde_json would weigh more than all of this.
fn field(json: &str, name: &str) -> Option<String> {
    let value = js_sys::JSON::parse(json).ok()?;
    js_sys::Reflect::get(&value, &name.into()).ok()?.as_string()
}

/// A string as JSON.
fn quote(text: &str) -> String {
    js_sys::JSON::stringify(&text.into())
        .ok()
        .and_then(|json| json.as_string())
        .unwrap_or_default()
}
