//! A list that a form sends: as a file or, in its place, as text.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};

use crate::access::guard::FormKind;
use crate::error::ApiError;
use crate::handlers::params::Form;

/// What was sent; the router bounds how long it is.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// The list; empty when there is none.
    pub(crate) list: Bytes,
    /// Its media type, where that is known better than by the list itself.
    pub(crate) content_type: Option<&'static str>,
}

impl Upload {
    /// A text out of a form, which the browser has decoded.
    fn of_text(text: impl Into<Bytes>) -> Upload {
        Upload { list: text.into(), content_type: Some("text/xml; charset=utf-8") }
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    /// Takes the field `file` of a form or, where no file was chosen, its field `list`.
    async fn from_request(request: Request, state: &S) -> Result<Upload, ApiError> {
        if FormKind::of(request.headers()) != Some(FormKind::Files) {
            let Form(sent) = Form::from_request(request, state).await?;
            return Ok(Upload::of_text(sent.get("list").unwrap_or_default().to_owned()));
        }
        let parts = Multipart::from_request(request, state).await;
        let mut parts = parts.map_err(|error| ApiError::of_status(error.status()))?;
        let mut upload = Upload::default();
        let broken =
            |error: axum::extract::multipart::MultipartError| ApiError::of_status(error.status());
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let is_file = part.name() == Some("file");
            let is_text = part.name() == Some("list");
            let bytes = part.bytes().await.map_err(broken)?;
            let is_blank = bytes.iter().all(u8::is_ascii_whitespace);
            if is_file && !is_blank {
                return Ok(Upload { list: bytes, content_type: None });
            }
            if is_text && !is_blank {
                upload = Upload::of_text(bytes);
            }
        }
        Ok(upload)
    }
}
