//! Who asks: [`Principal`].

use index::archive::access::Role;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// Name for people and the audit log: a user, `key:NAME`, or `local`.
    pub(crate) name: String,
    /// What this one may do.
    pub(crate) role: Role,
    /// How it is known.
    pub(crate) via: Via,
}

/// How somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// By sitting at the machine.
    Loopback,
    /// By a session; its forms send `csrf` back.
    Session {
        /// What each form must send back.
        csrf: String,
    },
    /// By a key.
    Key {
        /// Public id of the key.
        id: String,
    },
}

tokio::task_local! {
    static CURRENT: Principal;
}

impl Principal {
    /// Whoever sits at the machine, where no login is asked for.
    pub(crate) fn local() -> Principal {
        Principal { name: "local".to_owned(), role: Role::Admin, via: Via::Loopback }
    }

    /// Answers a request in the name of this one.
    pub(crate) async fn scope<F: Future>(self, answer: F) -> F::Output {
        CURRENT.scope(self, answer).await
    }

    /// Who makes the request that is being answered; `None` outside of one.
    pub(crate) fn current() -> Option<Principal> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The name of whoever makes the request that is being answered, for records; outside of one
    /// it is whoever sits at the machine.
    pub(crate) fn name_of_current() -> String {
        Principal::current().unwrap_or_else(Principal::local).name
    }

    /// What forms must send back; empty where nothing is asked for.
    pub(crate) fn csrf(&self) -> &str {
        match &self.via {
            Via::Session { csrf } => csrf,
            Via::Loopback | Via::Key { .. } => "",
        }
    }

    /// Under which name requests of this one are counted.
    pub(crate) fn rate_key(&self) -> String {
        match &self.via {
            Via::Key { id } => format!("key:{id}"),
            Via::Session { .. } | Via::Loopback => format!("user:{}", self.name),
        }
    }
}
