//! What the pieces about the time say together.

use super::{
    clock::Clock,
    part::{Edge, Part},
    time_phrase::TimePiece,
};

/// What was said of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) part: Option<Part>,
    pub(super) clock: ClockSaid,
    /// As soon as possible.
    pub(super) is_soon: bool,
    /// At any time.
    pub(super) is_any: bool,
}

/// A clock, or what stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClockSaid {
    Nothing,
    One(TimePiece),
    /// "um drei oder um vier".
    Choice(Clock),
    /// Must be asked.
    Vague,
}

impl Times {
    /// All pieces together; what does not fit together must be asked.
    pub(super) fn of(pieces: &[TimePiece], is_choice: bool) -> Self {
        let has = |piece: &TimePiece| pieces.contains(piece);
        let part = part_of(pieces, is_choice);
        let mut clock = clock_of(pieces, is_choice);
        if part.is_err() || has(&TimePiece::Vague) {
            clock = ClockSaid::Vague;
        }
        let (is_soon, is_any) = (has(&TimePiece::Soon), has(&TimePiece::AnyTime));
        Self { part: part.unwrap_or_default(), clock, is_soon, is_any }
    }

    /// Whether nothing is said that tells one time of a day from another.
    pub(super) fn is_open(&self) -> bool {
        self.part.is_none() && self.clock == ClockSaid::Nothing
    }

    /// Whether nothing is said at all.
    pub(super) fn is_empty(&self) -> bool {
        self.is_open() && !self.is_soon && !self.is_any
    }
}

/// The parts do not fit together.
struct NoPart;

fn part_of(pieces: &[TimePiece], is_choice: bool) -> Result<Option<Part>, NoPart> {
    let parts =
        || pieces.iter().filter_map(|p| if let TimePiece::Part(part) = p { Some(*part) } else { None });
    let edges =
        || pieces.iter().filter_map(|p| if let TimePiece::Edge(edge) = p { Some(*edge) } else { None });
    if is_choice && parts().count() + edges().count() > 1 {
        return Err(NoPart);
    }
    let mut part: Option<Part> = None;
    for next in parts() {
        part = Some(part.map_or(Some(next), |known| known.and(next)).ok_or(NoPart)?);
    }
    let Some(edge) = edges().next() else { return Ok(part) };
    match (part, edge) {
        (Some(part), edge) => part.at_edge(edge).map(Some).ok_or(NoPart),
        (None, Edge::Early) => Ok(Some(Part::Morning)),
        (None, Edge::Mid | Edge::Late) => Err(NoPart),
    }
}

fn clock_of(pieces: &[TimePiece], is_choice: bool) -> ClockSaid {
    let is_clock = |piece: &&TimePiece| {
        !matches!(
            piece,
            TimePiece::Part(_) | TimePiece::Edge(_) | TimePiece::AnyTime | TimePiece::Soon | TimePiece::Vague
        )
    };
    let clocks: Vec<&TimePiece> = pieces.iter().filter(is_clock).collect();
    match clocks.as_slice() {
        [] => ClockSaid::Nothing,
        [one] => ClockSaid::One((*one).clone()),
        [TimePiece::From(from), TimePiece::Until(to)] | [TimePiece::Until(to), TimePiece::From(from)] => {
            ClockSaid::One(TimePiece::Between(from.clone(), to.clone()))
        }
        several if is_choice => {
            let at = |piece: &&TimePiece| {
                if let TimePiece::At(clock) = piece { Some(clock.clone()) } else { None }
            };
            let all: Option<Vec<Clock>> = several.iter().map(at).collect();
            all.and_then(Clock::any_of).map_or(ClockSaid::Vague, ClockSaid::Choice)
        }
        _ => ClockSaid::Vague,
    }
}
