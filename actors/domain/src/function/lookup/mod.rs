//! Finds what somebody named: a service or a member of staff, in spite of typing errors, other words for the
//! same thing and words around it. What fits several equally well is not guessed.

mod phrase;
mod services;
mod sound;
mod staff;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use self::{
    services::find_service,
    staff::{find_staff, is_anybody},
};
pub use crate::text::fold;

/// Letters that a beginning must have before it stands for the whole.
pub const PREFIX_LETTERS_MIN: usize = 3;
/// Words of a name that are looked at; longer ones are compared as a whole only.
pub const WORDS_MAX: usize = 12;
/// Letters of a word that are taken apart; longer ones stay whole.
pub const WORD_LETTERS_MAX: usize = 40;

/// What a name led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<Id> {
    /// Exactly one.
    One(Id),
    /// Several that fit equally well, in their own order.
    Several(Vec<Id>),
    /// None.
    Nobody,
}

impl<Id: Copy> Found<Id> {
    fn of(ids: Vec<Id>) -> Self {
        match ids.as_slice() {
            [] => Self::Nobody,
            [id] => Self::One(*id),
            _ => Self::Several(ids),
        }
    }

    /// Whether anything was found.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// Those whose measure is the smallest; `None` does not fit at all.
fn best<Id: Copy, M: Ord + Copy>(measured: impl Iterator<Item = (Id, Option<M>)>) -> Vec<Id> {
    let fitting: Vec<(Id, M)> = measured.filter_map(|(id, measure)| Some((id, measure?))).collect();
    let least = fitting.iter().map(|(_, measure)| *measure).min();
    fitting.into_iter().filter(|(_, measure)| Some(*measure) == least).map(|(id, _)| id).collect()
}
