//! The form at the door.

use askama::Template;

use super::frame::Frame;

/// `login.html`.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage {
    frame: Frame,
    next: String,
    name: String,
    is_refused: bool,
}

/// Makes the page; `refused` is the name that was tried in vain.
pub(crate) fn page(next: &str, refused: Option<&str>) -> LoginPage {
    LoginPage {
        frame: Frame::at_the_door("Log in"),
        next: next.to_owned(),
        name: refused.unwrap_or_default().to_owned(),
        is_refused: refused.is_some(),
    }
}
