//! Who may ask for what.
//!
//! On loopback, without `http.login = "always"`, whoever sits at the machine may do everything;
//! other web sites that a browser on it shows may not (`guard` looks at host and origin). Else
//! every request comes from a session (people) or with a key (programs).
//!
//! Reading order: [`password`], [`token`], [`rules`], [`principal`], [`limits`], [`subject`],
//! [`guard`]; [`oidc`].

pub(crate) mod guard;
pub(crate) mod limits;
pub(crate) mod oidc;
pub(crate) mod password;
pub(crate) mod principal;
pub(crate) mod rules;
pub(crate) mod subject;
pub(crate) mod token;

pub(crate) use principal::Principal;

/// Longest name of a user or key, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// Whether `name` can be that of a user or a key: 1 to 64 letters, digits, `.`, `_`, `@` and `-`.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |it: char| it.is_alphanumeric() || "._@-".contains(it);
    !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(is_plain)
}
