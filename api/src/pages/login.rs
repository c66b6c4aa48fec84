//! The form at the door, and the page behind the provider's.

use askama::Template;

use super::frame::Frame;
use super::text::href;

/// What the form is made from.
pub(crate) struct Input<'a> {
    /// Where to go after the login.
    pub(crate) next: &'a str,
    /// Words on the button of the login provider, when there is one.
    pub(crate) provider: Option<&'a str>,
    /// The name that was tried in vain.
    pub(crate) name: &'a str,
    /// Why the last try came to nothing.
    pub(crate) refused: Option<&'a str>,
}

/// `login.html`.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage {
    frame: Frame,
    next: String,
    name: String,
    refused: Option<String>,
    /// Address and words of the login provider's button.
    provider: Option<(String, String)>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> LoginPage {
    let to = || href("/login/oidc", [("next", input.next)]);
    LoginPage {
        frame: Frame::at_the_door("Log in"),
        next: input.next.to_owned(),
        name: input.name.to_owned(),
        refused: input.refused.map(str::to_owned),
        provider: input.provider.map(|words| (to(), words.to_owned())),
    }
}

/// `logged_in.html`.
#[derive(Template)]
#[template(path = "logged_in.html")]
pub(crate) struct LoggedInPage {
    frame: Frame,
    next: String,
}

/// A page that leads on to `next` at once.
pub(crate) fn done(next: &str) -> LoggedInPage {
    LoggedInPage { frame: Frame::at_the_door("Logged in"), next: next.to_owned() }
}
