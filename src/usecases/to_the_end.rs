//! Work that somebody waits for, and that is done also when nobody waits any more.

use std::{
    any::Any,
    cell::OnceCell,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, future::CatchUnwind};
use tokio::runtime::Handle;

thread_local! {
    static DETACHED_TO: OnceCell<Handle> = const { OnceCell::new() };
}

/// Where work of this thread goes on when its waiter goes away; the runtime that it is dropped in, unless told. A thread
/// whose runtime ends when it has no connection left gives it to one that stays. Only the first time counts.
pub fn detach_to(runtime: Handle) {
    _ = DETACHED_TO.with(|kept| kept.set(runtime));
}

/// What a panic said.
pub type Panic = Box<dyn Any + Send>;

/// Work that is begun and gone on with by whoever waits for it, without a turn of the scheduler in between as a task
/// of its own would need at its beginning and at its end. When its waiter goes away half-way, it becomes such a task.
/// A panic in it is its result. It must be awaited, and dropped, inside a tokio runtime; one allocation each.
#[must_use = "it begins when it is awaited"]
pub struct ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    work: Option<Pin<Box<CatchUnwind<AssertUnwindSafe<F>>>>>,
    begun: bool,
}

/// Runs work to its end, whatever becomes of whoever waits for it.
pub fn to_the_end<F>(work: F) -> ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    ToTheEnd { work: Some(Box::pin(AssertUnwindSafe(work).catch_unwind())), begun: false }
}

impl<F> Future for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = Result<F::Output, Panic>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.begun = true;
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let result = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(result)
    }
}

impl<F> Drop for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(work) = self.work.take().filter(|_| self.begun) else { return };
        let kept = DETACHED_TO.with(|kept| kept.get().cloned());
        if let Some(runtime) = kept.or_else(|| Handle::try_current().ok()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_is_begun_at_once_by_whoever_waits_and_its_result_is_theirs() {
        let (told, heard) = oneshot::channel();
        let mut work = Box::pin(to_the_end(async { heard.await.map(|number: u8| number + 1) }));
        assert!(work.as_mut().now_or_never().is_none());
        told.send(1).unwrap();
        assert_eq!(work.now_or_never().unwrap().unwrap(), Ok(2));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_done_all_the_same() {
        let ((told, heard), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel());
        let mut work = Box::pin(to_the_end(async move {
            let _ = heard.await;
            done.send("done")
        }));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        told.send(()).unwrap();
        assert_eq!(is_done.await, Ok("done"));
    }

    #[test]
    fn what_nobody_waits_for_goes_on_where_it_was_told_to() {
        let stays = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let ((told, heard), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel());
        let home = stays.handle().clone();
        std::thread::spawn(move || {
            detach_to(home);
            let ends = tokio::runtime::Builder::new_current_thread().build().unwrap();
            ends.block_on(async move {
                let mut work = Box::pin(to_the_end(async move {
                    let _ = heard.await;
                    done.send("done")
                }));
                assert!(work.as_mut().now_or_never().is_none());
            });
        })
        .join()
        .unwrap();
        told.send(()).unwrap();
        assert_eq!(stays.block_on(is_done), Ok("done"));
    }

    #[tokio::test]
    async fn what_was_never_begun_is_not_done() {
        let (done, is_done) = oneshot::channel::<()>();
        drop(to_the_end(async move { done.send(()) }));
        assert!(is_done.await.is_err());
    }

    #[tokio::test]
    async fn a_panic_is_a_result() {
        let panic = to_the_end(async { panic!("broken") }).await;
        let said: Result<(), _> = panic;
        assert_eq!(said.unwrap_err().downcast_ref::<&str>(), Some(&"broken"));
    }
}
