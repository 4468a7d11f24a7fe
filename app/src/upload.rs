//! Attachments on their way to the gateway, with progress.

use roost_engine::ContentAddress;
use wasm_bindgen::prelude::*;
use web_sys::{File, ProgressEvent, XmlHttpRequest};

/// An upload under way. Dropping it does not stop it: [`Upload::cancel`] does.
#[derive(Clone)]
pub struct Upload(XmlHttpRequest);

impl Upload {
    /// Starts uploading. `progress` is told bytes sent of bytes in all; `done` the name the gateway gave, or a sentence.
    pub fn start(
        account: &str,
        file: &File,
        progress: impl Fn(f64, f64) + 'static,
        done: impl FnOnce(Result<String, String>) + 'static,
    ) -> Option<Self> {
        let request = XmlHttpRequest::new().ok()?;
        request
            .open("POST", &ContentAddress::upload_url(account))
            .ok()?;
        let told = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            progress(event.loaded(), event.total());
        });
        if let Ok(upload) = request.upload() {
            upload.set_onprogress(Some(told.into_js_value().unchecked_ref()));
        }
        let answered = request.clone();
        let ended = Closure::once_into_js(move || done(result(&answered)));
        request.set_onloadend(Some(ended.unchecked_ref()));
        request.send_with_opt_blob(Some(file)).ok()?;
        Some(Self(request))
    }

    pub fn cancel(&self) {
        let _ = self.0.abort();
    }
}

fn result(request: &XmlHttpRequest) -> Result<String, String> {
    let text = request.response_text().ok().flatten().unwrap_or_default();
    let field = |name: &str| -> Option<String> {
        let json = js_sys::JSON::parse(&text).ok()?;
        js_sys::Reflect::get(&json, &name.into()).ok()?.as_string()
    };
    match request.status().unwrap_or(0) {
        200 => {
            field("upload").ok_or_else(|| "The gateway's answer cannot be understood.".to_owned())
        }
        0 => Err("The connection was lost.".to_owned()),
        _ => Err(field("message").unwrap_or_else(|| "The gateway refused it.".to_owned())),
    }
}
