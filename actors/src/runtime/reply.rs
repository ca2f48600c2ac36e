//! An answer that is given once, by whoever holds a reference to the question.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The answering side, carried inside a message.
pub struct Reply<T> {
    sender: Arc<Mutex<Option<oneshot::Sender<T>>>>,
}

impl<T> Clone for Reply<T> {
    /// Another handle to the same answer; the first that answers wins.
    fn clone(&self) -> Self {
        Reply { sender: self.sender.clone() }
    }
}

impl<T> Reply<T> {
    /// Both sides of one answer.
    pub fn new() -> (Self, ReplyFuture<T>) {
        let (sender, receiver) = oneshot::channel();
        (Reply { sender: Arc::new(Mutex::new(Some(sender))) }, ReplyFuture { receiver })
    }

    /// Answers. False if there was an answer before, or nobody waits any more.
    pub fn send(&self, answer: T) -> bool {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.is_some_and(|sender| sender.send(answer).is_ok())
    }

    /// Whether an answer would still reach somebody.
    pub fn is_awaited(&self) -> bool {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }
}

impl<T> std::fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reply")
    }
}

/// The waiting side. It waits for as long as the question exists: set a deadline around it.
#[derive(Debug)]
pub struct ReplyFuture<T> {
    receiver: oneshot::Receiver<T>,
}

impl<T> Future for ReplyFuture<T> {
    type Output = Result<T, Unanswered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(cx).map_err(|_| Unanswered)
    }
}

/// The question was dropped without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the question was dropped without an answer")]
pub struct Unanswered;
