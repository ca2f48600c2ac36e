//! What may be done, rightly and wrongly, by whom.

use proptest::prelude::*;

use super::companies::{COMPANIES, Owner};

/// Calls that a company has.
const CALLS: u8 = 4;

/// Who signs, and at whose door.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signer {
    /// Retell, of a call that is truly the line's; at the platform's address or at the line's own.
    Platform { own_door: bool },
    /// A company with its own key, at somebody's address.
    Own { signer: Owner, door: Owner },
}

/// Which call somebody names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Named {
    /// One of the company's own.
    Of(Owner, u8),
    /// An id that several companies use.
    Shared(u8),
}

/// The line that a body says it is of, and its call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub owner: Owner,
    pub call: Named,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventName {
    Started,
    Transcript,
    Ended,
    Analyzed,
    Transfer,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    Check,
    Book,
    Services,
    Hours,
    Customer,
    Appointments,
    Callback,
    Date,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// An event of Retell.
    Event { line: Line, event: EventName, signer: Signer },
    /// A live function; `hour` and `half` say which slot.
    Function { line: Line, function: Function, hour: u8, half: bool, signer: Signer },
    /// Arguments alone, with the id of the call beside them.
    Bare { call: Named, function: Function, signer: Signer },
    /// A question before a call.
    Inbound { line: Line, signer: Signer },
    /// An announcement that names a booking of somebody, signed with a secret at an address.
    Announce { about: usize, secret: Owner, door: Owner, cancels: bool, by_metadata: bool },
    /// An import that takes a number or an agent away.
    Steal { thief: Owner, victim: Owner, agent: bool },
    /// An admin's questions, by company.
    Look { company: Owner },
    /// An admin replays what waits in quarantine.
    Replay { place: usize },
}

fn owner() -> impl Strategy<Value = Owner> {
    (0..COMPANIES).prop_map(Owner)
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        4 => (owner(), 0..CALLS).prop_map(|(owner, call)| Named::Of(owner, call)),
        1 => (0..CALLS).prop_map(Named::Shared),
    ]
}

/// Retell speaks of a line's own calls. A company's own key says whatever it likes, of anybody's.
fn spoken() -> impl Strategy<Value = (Line, Signer)> {
    let of_platform = (owner(), 0..CALLS, any::<bool>()).prop_map(|(owner, call, own_door)| {
        (Line { owner, call: Named::Of(owner, call) }, Signer::Platform { own_door })
    });
    let of_company = (owner(), named(), owner(), owner())
        .prop_map(|(owner, call, signer, door)| (Line { owner, call }, Signer::Own { signer, door }));
    let rightly = (owner(), 0..CALLS, any::<bool>()).prop_map(|(owner, call, shared)| {
        let call = if shared { Named::Shared(call) } else { Named::Of(owner, call) };
        (Line { owner, call }, Signer::Own { signer: owner, door: owner })
    });
    prop_oneof![4 => of_platform, 2 => rightly, 2 => of_company]
}

fn event_name() -> impl Strategy<Value = EventName> {
    use EventName::{Analyzed, Ended, Started, Transcript, Transfer};
    prop::sample::select(vec![Started, Started, Transcript, Ended, Analyzed, Transfer])
}

fn function() -> impl Strategy<Value = Function> {
    use Function::{Appointments, Book, Callback, Check, Customer, Date, Hours, Services};
    prop::sample::select(vec![Check, Book, Book, Services, Hours, Customer, Appointments, Callback, Date])
}

/// Any operation.
pub fn operation() -> impl Strategy<Value = Operation> {
    let bare_signer = prop_oneof![
        any::<bool>().prop_map(|own_door| Signer::Platform { own_door }),
        (owner(), owner()).prop_map(|(signer, door)| Signer::Own { signer, door }),
    ];
    prop_oneof![
        6 => (spoken(), event_name())
            .prop_map(|((line, signer), event)| Operation::Event { line, event, signer }),
        6 => (spoken(), function(), 8_u8..18, any::<bool>()).prop_map(|((line, signer), function, hour, half)| {
            Operation::Function { line, function, hour, half, signer }
        }),
        2 => (named(), function(), bare_signer)
            .prop_map(|(call, function, signer)| Operation::Bare { call, function, signer }),
        2 => spoken().prop_map(|(line, signer)| Operation::Inbound { line, signer }),
        2 => (any::<usize>(), owner(), owner(), any::<bool>(), any::<bool>()).prop_map(
            |(about, secret, door, cancels, by_metadata)| {
                Operation::Announce { about, secret, door, cancels, by_metadata }
            }
        ),
        1 => (owner(), owner(), any::<bool>())
            .prop_map(|(thief, victim, agent)| Operation::Steal { thief, victim, agent }),
        1 => owner().prop_map(|company| Operation::Look { company }),
        1 => any::<usize>().prop_map(|place| Operation::Replay { place }),
    ]
}
