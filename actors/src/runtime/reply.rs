//! An answer that is given once, by whoever holds a reference to the question.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// The answering side, carried inside a message.
pub struct Reply<T> {
    sender: Arc<Mutex<Option<Asker<T>>>>,
}

/// Who waits for an answer.
struct Asker<T> {
    sender: oneshot::Sender<T>,
    /// Others who are given the same answer.
    joined: Vec<Tell<T>>,
}

/// Passes an answer on.
type Tell<T> = Box<dyn FnOnce(&T) + Send>;

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
        let asker = Asker { sender, joined: Vec::new() };
        (Reply { sender: Arc::new(Mutex::new(Some(asker))) }, ReplyFuture { receiver })
    }

    /// Answers. False if there was an answer before, or nobody waits any more.
    pub fn send(&self, answer: T) -> bool {
        let Some(asker) = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return false;
        };
        asker.joined.into_iter().for_each(|tell| tell(&answer));
        asker.sender.send(answer).is_ok()
    }

    /// Whether both are handles to the same answer.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.sender, &other.sender)
    }

    /// Gives whoever waits for `other` the same answer. False when there was an answer before.
    pub fn join(&self, other: &Self) -> bool
    where
        T: Clone + Send + 'static,
    {
        let other = other.clone();
        let mut asker = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(asker) = asker.as_mut() else { return false };
        asker.joined.push(Box::new(move |answer| {
            other.send(answer.clone());
        }));
        true
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
