//! In which form a change of `active` is written: servers take different ones, some only one, and
//! the only way to find out is to try. A form that was not understood has changed nothing.

use std::mem;

/// One form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// The whole user by PUT, in place of one operation by PATCH.
    pub(super) whole: bool,
    /// The operation has an object in place of a path.
    pub(super) object: bool,
    /// The operation is called `Replace`.
    pub(super) capital: bool,
    /// The value is a text, `True` or `False`.
    pub(super) text: bool,
}

/// What a server seems to dislike about a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dislike {
    /// The path, or that there is none.
    Path,
    /// The value.
    Value,
    /// The syntax, which may be how the operation is called.
    Syntax,
    /// PATCH as a whole.
    Patch,
    /// The media type.
    Media,
    /// That the version was not named.
    Version,
    /// It does not say.
    Something,
}

/// `{"op":"replace","path":"active","value":false}`, as RFC 7644 shows it.
const STANDARD: Form = Form {
    whole: false,
    object: false,
    capital: false,
    text: false,
};

/// The forms in which PATCH is tried, the most usual first.
const PATCHES: [Form; 5] = [
    STANDARD,
    Form {
        object: true,
        ..STANDARD
    },
    // what a large identity provider sends by default
    Form {
        capital: true,
        text: true,
        ..STANDARD
    },
    Form {
        text: true,
        ..STANDARD
    },
    Form {
        capital: true,
        ..STANDARD
    },
];

/// The forms in which PUT is tried.
const PUTS: [Form; 2] = [
    Form {
        whole: true,
        ..STANDARD
    },
    Form {
        whole: true,
        text: true,
        ..STANDARD
    },
];

/// How many forms of PATCH are tried for one account: the engine asks eight times at most.
const MOST_PATCHES: usize = 5;

/// What was tried, and what is known of the server since the start of the program.
#[derive(Debug, Default)]
pub(super) struct Trials {
    /// The account and what is wanted of it.
    about: (String, bool),
    /// What was tried in vain for it.
    tried: Vec<Form>,
    now: Option<Form>,
    good: Option<Form>,
    dislike: Option<Dislike>,
    /// The server has said that it has no PATCH.
    no_patch: bool,
    /// Bodies are `application/json`.
    pub(super) plain: bool,
    /// Changes must name the version.
    pub(super) versioned: bool,
}

impl Trials {
    /// The form for the next request; `patch` is what the server says about PATCH.
    pub(super) fn next(&mut self, id: &str, active: bool, patch: Option<bool>) -> Form {
        if self.about.0 != id || self.about.1 != active {
            self.about = (id.to_owned(), active);
            self.forget();
        }
        let good = self.good.filter(|good| !self.tried.contains(good));
        let form = good.or_else(|| self.choose(patch));
        let form = form.unwrap_or_else(|| {
            self.forget();
            self.choose(patch).unwrap_or(STANDARD)
        });
        self.now = Some(form);
        form
    }

    fn forget(&mut self) {
        self.tried = Vec::new();
        self.dislike = None;
        self.now = None;
    }

    fn choose(&self, patch: Option<bool>) -> Option<Form> {
        let patches = patch != Some(false) && !self.no_patch && self.tried.len() < MOST_PATCHES;
        let near = self.now.and_then(|now| self.near(now));
        let near = near.filter(|near| near.whole || patches);
        let usual = PATCHES.into_iter().filter(|_| patches);
        // whole users are written only where nothing else is offered: what the server does not
        // show of a user is lost then
        let last = patch != Some(true) || self.no_patch;
        let whole = PUTS.into_iter().filter(|_| last);
        let mut forms = near.into_iter().chain(usual).chain(whole);
        forms.find(|form| !self.tried.contains(form))
    }

    /// The form that differs in what was disliked alone.
    fn near(&self, now: Form) -> Option<Form> {
        match self.dislike? {
            Dislike::Path if !now.whole => Some(Form {
                object: !now.object,
                ..now
            }),
            Dislike::Value => Some(Form {
                text: !now.text,
                ..now
            }),
            Dislike::Syntax if !now.whole => Some(Form {
                capital: !now.capital,
                ..now
            }),
            _ => None,
        }
    }

    /// Hears that the last form was not understood; tells whether there is another one to try.
    pub(super) fn failed(&mut self, dislike: Dislike, patch: Option<bool>) -> bool {
        match dislike {
            Dislike::Media => return !mem::replace(&mut self.plain, true),
            Dislike::Version => return !mem::replace(&mut self.versioned, true),
            // neither PATCH nor PUT
            Dislike::Patch if self.now.is_some_and(|now| now.whole) => return false,
            Dislike::Patch => self.no_patch = true,
            _ => {}
        }
        self.dislike = Some(dislike);
        self.tried.extend(self.now);
        self.choose(patch).is_some()
    }

    /// Hears that the last form worked.
    pub(super) fn worked(&mut self) {
        self.good = self.now;
        self.forget();
    }

    /// Hears that a request was answered as done and nothing has changed.
    pub(super) fn without_effect(&mut self, id: &str, active: bool, patch: Option<bool>) {
        let form = self.good.take();
        self.next(id, active, patch);
        self.now = form.or(self.now);
        self.failed(Dislike::Something, patch);
    }
}
