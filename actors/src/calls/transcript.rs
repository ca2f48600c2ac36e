//! The running transcript of a call: of many only the newest is written, every few seconds and at the end.

use askpro_domain::ids::CompanyId;

use super::{CallActor, CallMessage, EventReceived, actor::Base, rows};
use crate::{ports::rows::Write, runtime::Context, writer::WriteOrder};

impl CallActor {
    /// Keeps the newer transcript, to be written at most every few seconds.
    pub(super) fn keep_transcript(&mut self, received: &EventReceived, cx: &mut Context<'_, Self>) {
        let row = rows::event_row(received, CompanyId(0));
        if self.transcript.as_ref().is_none_or(|old| old.rank() < row.rank()) {
            let is_first = self.transcript.is_none();
            self.transcript = Some(row);
            if is_first {
                self.arm_transcript(cx);
            }
        }
    }

    pub(super) fn arm_transcript(&self, cx: &mut Context<'_, Self>) {
        if self.transcript.is_some() {
            let at = cx.now().plus_ms(self.world.settings.transcript_flush_ms);
            cx.arm("transcript", at, CallMessage::FlushTranscript);
        }
    }

    /// Writes the newest transcript, unless an earlier one may still wait: a writer that cannot commit would
    /// gather one copy after the other, and these are in no journal.
    pub(super) fn flush_transcript(&mut self) {
        if !self.world.writers.has_row_of(&self.state.call_id) {
            self.write_transcript();
        }
    }

    pub(super) fn write_transcript(&mut self) {
        self.ask_what_is_missing();
        if self.base != Base::Known {
            return;
        }
        let Some(placed) = self.state.placed else { return };
        let Some(mut row) = self.transcript.take() else { return };
        row.company = placed.company;
        self.write(WriteOrder { call_id: None, writes: vec![Write::Event(row)], positions: Vec::new() });
    }
}
