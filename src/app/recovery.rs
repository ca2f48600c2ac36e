//! What journal and database remember, given back to the actors before the first request.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use askpro_actors::{
    ports::{
        journal as port,
        rows::{Body, DeadLetterRow, PlatformEventRow, Write},
        stores::BatchStore,
    },
    root::{Actors, Journaled, Ports, Restored},
    writer::WriteOrder,
};

use super::decoder::platform_event;
use crate::{
    journal::{Journal, Opened, Position, port::decode},
    store::Database,
};

/// Replays the journal from its mark and brings back live calls and open bookings.
///
/// # Errors
/// When the journal belongs to another database or lost records that are still needed, or when the database
/// does not answer.
pub(super) async fn recover(
    database: &Database,
    journal: &Arc<Journal>,
    opened: &Opened,
    ports: &Ports,
    actors: &Actors,
) -> anyhow::Result<Restored> {
    let mark = database.load_mark(&opened.id).await.context("the journal's mark cannot be read")?;
    let from = replay_from(mark.map(|m| Position(m.0)), opened)?;
    let mut journaled = Journaled::default();
    for item in journal.replay(from) {
        let (position, record) = item.context("journal.dir: the journal cannot be replayed")?;
        journal.adopt(&[position]);
        let at = port::Position(position.0);
        match decode(record) {
            Ok(record) => take(actors, &mut journaled, at, record, ports),
            Err(error) => set_aside(actors, ports, at, None, &error),
        }
    }
    actors.restore(ports, journaled).await.context("live calls and open bookings cannot be read")
}

/// Where to begin: the mark, or the start of a journal that this database never saw.
fn replay_from(mark: Option<Position>, opened: &Opened) -> anyhow::Result<Position> {
    match mark {
        Some(mark) if mark > opened.end => bail!(
            "journal.dir: the database has this journal up to {mark}, the folder ends at {}: it is an older copy; \
             restore the newest folder, or point journal.dir to a new one",
            opened.end
        ),
        Some(mark) if mark >= opened.first => Ok(mark),
        Some(mark) => bail!(
            "journal.dir: records from {mark} to {} are missing that the database never got; restore the folder, \
             or point journal.dir to a new one to give them up",
            opened.first
        ),
        None if opened.first == Position(0) => Ok(opened.first),
        None => bail!(
            "journal.dir belongs to another database: it has given records away that this one never got; use the \
             folder that belongs to database.url, or a new one"
        ),
    }
}

fn take(actors: &Actors, journaled: &mut Journaled, at: port::Position, record: port::Record, ports: &Ports) {
    if let port::Record::RetellEvent { received_at, body, .. } = &record
        && let Some(event) = platform_event(body)
    {
        let row = PlatformEventRow {
            event: event.kind.name().to_owned(),
            dedup_key: event.dedup_key,
            received_at: *received_at,
            body: Body::Inline(body.clone()),
        };
        let writes = vec![Write::PlatformEvent(row)];
        return actors.writers.write(WriteOrder { call_id: None, writes, positions: vec![at] });
    }
    let body = match &record {
        port::Record::RetellEvent { body, .. } => Some(Body::Inline(body.clone())),
        port::Record::Scheduling(_) | port::Record::CalendarEvent { .. } | port::Record::Callback(_) => None,
    };
    if let Err(error) = journaled.take(&actors.calls, at, record) {
        set_aside(actors, ports, at, body, &error);
    }
}

/// A record that this release cannot read is kept as a dead letter, in sight.
fn set_aside(actors: &Actors, ports: &Ports, at: port::Position, body: Option<Body>, error: &str) {
    tracing::error!(position = at.0, error, "a journal record cannot be read; it goes to the dead letters");
    let row = DeadLetterRow {
        id: format!("journal-{:020}", at.0),
        actor: "journal",
        actor_id: at.0.to_string(),
        message: if body.is_some() { "retell_event" } else { "record" },
        error: error.to_owned(),
        signer_company: None,
        created_at: ports.clock.now(),
        body,
    };
    let writes = vec![Write::DeadLetter(row)];
    actors.writers.write(WriteOrder { call_id: None, writes, positions: vec![at] });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(first: u64) -> Opened {
        let (first, end) = (Position(first), Position(first + 100));
        Opened { id: "j".to_owned(), first, end, torn_tail_bytes: 0, segments: 1 }
    }

    #[test]
    fn a_new_journal_is_replayed_from_its_start_and_a_known_one_from_its_mark() {
        assert_eq!(replay_from(None, &opened(0)).unwrap(), Position(0));
        assert_eq!(replay_from(Some(Position(50)), &opened(10)).unwrap(), Position(50));
    }

    #[test]
    fn a_journal_of_another_database_and_one_with_a_hole_are_refused() {
        assert!(replay_from(None, &opened(10)).unwrap_err().to_string().contains("another database"));
        assert!(replay_from(Some(Position(5)), &opened(10)).unwrap_err().to_string().contains("missing"));
        assert!(
            replay_from(Some(Position(111)), &opened(10)).unwrap_err().to_string().contains("older copy")
        );
    }
}
