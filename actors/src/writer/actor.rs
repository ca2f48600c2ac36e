//! The writer itself: takes a batch, commits it outside its turn, says what is committed.

use std::{sync::Arc, time::Instant};

use askpro_domain::{
    ids::{BodyHash, CallId},
    time::UnixMillis,
};

use super::{
    WriterWorld,
    backlog::{Batch, Lane},
};
use crate::{
    metrics,
    outage::Witness,
    ports::{
        journal::{Journal, JournalError, Record},
        rows::{Body, CallRow, DeadLetterRow, Write},
        stores::StoreError,
    },
    runtime::{Actor, Build, Context, Factory, Why},
};

/// First delay after the database did not answer; doubles up to [`RETRY_MS_MAX`].
const RETRY_MS_MIN: i64 = 100;
/// Longest delay between two tries.
const RETRY_MS_MAX: i64 = 5_000;

/// What a writer hears; all of it from itself or from [`super::Writers`], nothing is answered.
#[derive(Debug)]
pub enum WriterMessage {
    /// Something waits.
    Wake,
    /// The commit in flight came back.
    CommitReturned(Result<u64, StoreError>),
    /// Try the batch in flight again.
    RetryDue,
    /// The next batch had its time to grow.
    CommitDue,
}

/// A writer.
pub struct WriterActor {
    index: usize,
    world: WriterWorld,
    lane: Arc<Lane>,
    retry_ms: i64,
}

/// Makes writers; their backlogs survive them.
pub struct WriterFactory {
    pub(super) world: WriterWorld,
    pub(super) lanes: Arc<[Arc<Lane>]>,
}

impl Factory<WriterActor> for WriterFactory {
    fn build(&self, key: &usize, _why: Why) -> Build<WriterActor> {
        let lane = self.lanes.get(*key).cloned().unwrap_or_default();
        Build::Ready(WriterActor { index: *key, world: self.world.clone(), lane, retry_ms: RETRY_MS_MIN })
    }

    fn dead_letter(&self, key: &usize, message: WriterMessage, error: &str) {
        if let Some(lane) = self.lanes.get(*key) {
            lane.sleep();
        }
        tracing::error!(
            writer = key,
            ?message,
            error,
            "a writer could not handle a message; its backlog is kept"
        );
    }
}

impl Actor for WriterActor {
    const KIND: &'static str = "writer";
    type Key = usize;
    type Message = WriterMessage;

    fn handle(&mut self, message: &WriterMessage, cx: &mut Context<'_, Self>) {
        match message {
            WriterMessage::Wake | WriterMessage::RetryDue | WriterMessage::CommitDue => {}
            WriterMessage::CommitReturned(result) => {
                if !self.settle(result, cx) {
                    return;
                }
            }
        }
        self.commit_next(cx);
    }
}

impl WriterActor {
    fn commit_next(&mut self, cx: &mut Context<'_, Self>) {
        if self.world.fence.is_lost() {
            return;
        }
        if let Some(at) = self.lane.grows_until(cx.now()) {
            return cx.arm("commit", at, WriterMessage::CommitDue);
        }
        let Some(batch) = self.lane.begin_commit(cx.now()) else { return };
        let (world, lane, again) = (self.world.clone(), self.lane.clone(), self.lane.clone());
        let work = async move {
            let result = commit(&world, &lane, &batch).await;
            lane.end_commit();
            WriterMessage::CommitReturned(result)
        };
        cx.start(work, move || {
            again.end_commit();
            WriterMessage::CommitReturned(Err(StoreError::Unavailable("the commit panicked".to_owned())))
        });
    }

    /// Gives whether to go on at once.
    fn settle(&mut self, result: &Result<u64, StoreError>, cx: &mut Context<'_, Self>) -> bool {
        match result {
            Ok(_rows) => {
                self.world.outage.works(Witness::Writer(self.index), cx.now());
                self.retry_ms = RETRY_MS_MIN;
                true
            }
            Err(error @ StoreError::Fenced { ours, current }) => {
                tracing::error!(ours, current, "fenced out: another process owns the database");
                self.lane.stopped(error.to_string());
                self.world.fence.lose();
                false
            }
            Err(refused @ (StoreError::Refused(error) | StoreError::Corrupt(error))) => {
                self.world.outage.works(Witness::Writer(self.index), cx.now());
                if let Some(batch) = self.lane.refused(error.clone()) {
                    self.set_aside(&batch, refused, cx.now());
                }
                true
            }
            Err(StoreError::Unavailable(error)) => {
                self.world.outage.failed(Witness::Writer(self.index), error, cx.now());
                self.lane.failed(error.clone());
                ::metrics::counter!(metrics::WRITER_RETRIES.name).increment(1);
                cx.arm("retry", cx.now().plus_ms(self.retry_ms), WriterMessage::RetryDue);
                self.retry_ms = (self.retry_ms * 2).min(RETRY_MS_MAX);
                false
            }
        }
    }

    /// Takes apart an order that the database refuses for good; a single row that it refuses becomes a dead
    /// letter, durable like any row. All of it stays before what came later, and the last part has the
    /// order's records: they are done with when everything of it is kept.
    fn set_aside(&self, batch: &Batch, refused: &StoreError, now: UnixMillis) {
        let Some(queued) = batch.orders.first() else { return };
        let mut parts = parts_of(&queued.order, &batch.calls);
        if let [only] = parts.as_mut_slice() {
            let dead = match only.writes.first() {
                None | Some(Write::DeadLetter(_)) => {
                    tracing::error!(error = %refused, "the database refuses a dead letter; its records stay in the journal");
                    return;
                }
                Some(write) => dead_letter(queued.order.call_id.as_ref(), write, refused, now),
            };
            tracing::error!(error = %refused, "the database refuses a row; it goes to the dead letters");
            ::metrics::counter!(metrics::DEAD_LETTERS.name, "actor" => "writer").increment(1);
            only.writes = vec![Write::DeadLetter(dead)];
        }
        self.lane.push_front_alone(parts, queued.since);
    }
}

/// The rows of an order one by one; all but the last without its records.
fn parts_of(order: &super::WriteOrder, calls: &[Box<CallRow>]) -> Vec<super::WriteOrder> {
    let rows = calls.iter().map(|row| Write::Call(row.clone()));
    let writes = order.writes.iter().cloned().chain(rows);
    let mut parts: Vec<super::WriteOrder> = writes
        .map(|write| super::WriteOrder {
            call_id: order.call_id.clone(),
            writes: vec![write],
            positions: Vec::new(),
        })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.positions.clone_from(&order.positions);
    }
    parts
}

/// The same row makes the same letter, also after a restart.
fn dead_letter(
    call_id: Option<&CallId>,
    write: &Write,
    refused: &StoreError,
    now: UnixMillis,
) -> DeadLetterRow {
    let (body, signer_company) = match write {
        Write::Event(row) => (Some(row.body.clone()), row.signer_company),
        Write::Quarantine(row) => (Some(row.body.clone()), row.signer_company),
        Write::CalendarEvent(row) => (Some(row.body.clone()), Some(row.company)),
        _ => (None, None),
    };
    let of_a_call = !matches!(write, Write::CalendarEvent(_));
    // A body that cannot be read in the journal cannot be kept either.
    let body =
        body.filter(|body| matches!((body, refused), (Body::Inline(_), _) | (_, StoreError::Refused(_))));
    let id = BodyHash::of(&[format!("{write:?}").as_bytes()]).to_hex();
    DeadLetterRow {
        id: format!("writer-{id}"),
        actor: "writer",
        actor_id: call_id.map_or_else(String::new, |id| id.as_str().to_owned()),
        message: match &body {
            Some(_) if of_a_call => "retell_event",
            Some(_) => "calendar_event",
            None => "rows",
        }
        .into(),
        error: refused.to_string(),
        signer_company,
        created_at: now,
        body,
    }
}

/// Commits a batch and tells the journal. Gives the number of rows.
async fn commit(world: &WriterWorld, lane: &Lane, batch: &Arc<Batch>) -> Result<u64, StoreError> {
    let writes = load_bodies(world.journal.as_ref(), batch)?;
    let started = Instant::now();
    world.store.commit(world.fence.epoch(), &writes).await?;
    let rows = u64::try_from(writes.len()).unwrap_or(u64::MAX);
    ::metrics::histogram!(metrics::WRITER_COMMIT.name).record(started.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^52 rows")]
    ::metrics::histogram!(metrics::WRITER_BATCH_ROWS.name).record(rows as f64);
    if !lane.committed(batch, rows) {
        return Ok(rows);
    }
    for queued in &batch.orders {
        if let Some(call_id) = &queued.order.call_id {
            world.pending.remove(call_id, &queued.order.positions);
        }
        world.outstanding.done(&queued.order.positions);
    }
    Ok(rows)
}

fn load_bodies(journal: &dyn Journal, batch: &Batch) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::with_capacity(batch.orders.len() + batch.calls.len());
    for queued in &batch.orders {
        for write in &queued.order.writes {
            let mut write = write.clone();
            match &mut write {
                Write::Event(row) => load_body(journal, &mut row.body)?,
                Write::PlatformEvent(row) => load_body(journal, &mut row.body)?,
                Write::CalendarEvent(row) => load_body(journal, &mut row.body)?,
                Write::Quarantine(row) => load_body(journal, &mut row.body)?,
                Write::DeadLetter(row) => {
                    if let Some(body) = &mut row.body {
                        load_body(journal, body)?;
                    }
                }
                _ => {}
            }
            writes.push(write);
        }
    }
    writes.extend(batch.calls.iter().map(|row| Write::Call(row.clone())));
    Ok(writes)
}

fn load_body(journal: &dyn Journal, body: &mut Body) -> Result<(), StoreError> {
    if let Body::InJournal(position) = body {
        match journal.read(*position) {
            Ok(Record::RetellEvent { body: bytes, .. } | Record::CalendarEvent { body: bytes, .. }) => {
                *body = Body::Inline(bytes);
            }
            Ok(Record::Scheduling(_) | Record::Callback(_)) => {
                return Err(StoreError::Corrupt(format!("no event at {}", position.0)));
            }
            Err(error @ JournalError::Unreadable { .. }) => {
                return Err(StoreError::Corrupt(error.to_string()));
            }
            Err(error) => return Err(StoreError::Unavailable(error.to_string())),
        }
    }
    Ok(())
}
