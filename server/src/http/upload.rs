//! Attachments on their way from a device to a message being written.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use serde::Serialize;

use super::{Gateway, Refusal, SameOrigin, Session};
use crate::gateway::UploadError;

/// The answer to an upload.
#[derive(Debug, Serialize)]
pub struct Received {
    /// Names the upload in [`roost_wire::Source::Upload`].
    upload: String,
    /// In bytes.
    size: u64,
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Full => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "full",
                "There is no room for more attachments. Send or discard some messages first.",
            ),
            UploadError::TooLarge(most) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!(
                    "The outgoing mail server takes no message of more than {} MB.",
                    most / 1_000_000
                ),
            ),
            UploadError::Io(error) => {
                tracing::error!("receiving an attachment: {error}");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "disk",
                    "The gateway has no room for the attachment. Your text is kept.",
                )
            }
        }
    }
}

/// `POST /api/a/{account}/upload`: the bytes of an attachment, as a stream into a file without a name.
pub async fn receive(
    State(gateway): State<Arc<Gateway>>,
    Path(account): Path<String>,
    _same_origin: SameOrigin,
    session: Session,
    body: Body,
) -> Result<Json<Received>, Refusal> {
    let account = gateway.account(&session, &account)?;
    let uploads = account.uploads;
    // What no message could be sent with needs no room here.
    let most = account.post.known_limit();
    let mut receiving = uploads.begin(most)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "cut",
                "The upload was cut off. Try again.",
            )
        })?;
        receiving.push(piece).await?;
    }
    let size = receiving.size();
    let upload = uploads.finish(receiving)?;
    Ok(Json(Received { upload, size }))
}
