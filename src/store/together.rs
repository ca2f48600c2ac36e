//! Questions about single calls, asked together. Every call that comes to life asks what is known of it, and after a
//! restart a hundred thousand do at once: one by one they would stand in front of everybody else who needs a
//! connection. What is asked while a statement is under way goes with the next one, so that a lone question waits for
//! nobody and the more there are, the less each of them costs the database: a statement of its own is three round
//! trips. Where one follows the other it waits for company first: two thousand statements a second of one call each cost
//! the database as much as all that it writes meanwhile. Another is begun beside it only when more wait than one
//! statement asks about, or when one takes long: its connection may say nothing any more. Whoever waits then is asked
//! about without anybody else coming.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    hash::Hash,
    iter,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use askpro_actors::ports::stores::StoreError;
use futures_util::FutureExt;
use tokio::{runtime::Handle, sync::oneshot, time::Instant};

/// Statements under way at once.
const STATEMENTS_MAX: usize = 4;
/// After so long another statement is begun beside one that is under way.
const SLOW_AFTER: Duration = Duration::from_millis(200);
/// From one statement's beginning to the next one's, unless that one is full. It is small against what a caller hears.
const COMPANY_WITHIN: Duration = Duration::from_millis(8);
/// Calls that one statement asks about.
const CALLS_MAX: usize = 256;

/// What a statement gave: what is known of each key, or why that cannot be read. Of the others nothing is known.
pub(super) type Answers<K, V> = HashMap<K, Result<V, StoreError>>;

/// Questions of one kind about one call each; `K` names it.
pub(super) struct Together<K, V> {
    queue: Arc<Mutex<Queue<K, V>>>,
    /// Where statements run: not on the thread of whoever asked first, which may stand still.
    runtime: Handle,
    patience: Duration,
}

struct Queue<K, V> {
    waiting: VecDeque<Question<K, V>>,
    /// When each statement under way was begun, by its number.
    under_way: BTreeMap<u64, Instant>,
    /// How many were begun.
    numbers: u64,
    /// When the newest statement was begun.
    begun: Option<Instant>,
}

struct Question<K, V> {
    key: K,
    reply: oneshot::Sender<Result<V, StoreError>>,
}

impl<K, V> Queue<K, V> {
    /// Until when what waits here waits for company; nothing does not wait, nor does what fills a statement.
    fn company_until(&self) -> Option<Instant> {
        let waits = (1..CALLS_MAX).contains(&self.waiting.len());
        self.begun.filter(|_| waits).map(|begun| begun + COMPANY_WITHIN)
    }

    /// The number of another statement, if one is to be begun for what waits.
    fn begin(&mut self) -> Option<u64> {
        let count = self.under_way.len();
        let oldest = self.under_way.values().min();
        let is_slow = oldest.is_none_or(|begun| begun.elapsed() >= SLOW_AFTER);
        let wants_more = is_slow || self.waiting.len() > CALLS_MAX * count;
        if self.waiting.is_empty() || !wants_more || count >= STATEMENTS_MAX {
            return None;
        }
        self.numbers += 1;
        self.under_way.insert(self.numbers, Instant::now());
        Some(self.numbers)
    }
}

impl<K, V> Clone for Together<K, V> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), runtime: self.runtime.clone(), patience: self.patience }
    }
}

impl<K, V> fmt::Debug for Together<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}

impl<K, V> Together<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    /// To be called inside a runtime, which runs the statements. Whoever asks waits as long as `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        let (waiting, under_way) = (VecDeque::new(), BTreeMap::new());
        let queue = Queue { waiting, under_way, numbers: 0, begun: None };
        Self { queue: Arc::new(Mutex::new(queue)), runtime: Handle::current(), patience }
    }

    /// Asks about a call. `read` reads what is known of some.
    pub(super) async fn ask<R>(
        &self,
        key: &K,
        read: impl Fn(Vec<K>) -> R + Send + Sync + 'static,
    ) -> Result<V, StoreError>
    where
        R: Future<Output = Result<Answers<K, V>, StoreError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        lock(&self.queue).waiting.push_back(Question { key: key.clone(), reply });
        self.begin(&Arc::new(read));
        match tokio::time::timeout(self.patience, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(given_up())),
            Err(_) => {
                Err(StoreError::Unavailable(format!("no answer within {} ms", self.patience.as_millis())))
            }
        }
    }

    /// Begins another statement, if one is to be begun, and goes on as long as something waits.
    fn begin<F, R>(&self, read: &Arc<F>)
    where
        F: Fn(Vec<K>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answers<K, V>, StoreError>> + Send + 'static,
    {
        let Some(number) = lock(&self.queue).begin() else { return };
        let (together, read) = (self.clone(), read.clone());
        self.runtime.spawn(async move {
            while let Some(questions) = next(&together.queue, number).await {
                let keys = questions.iter().map(|question| question.key.clone()).collect();
                let reading = AssertUnwindSafe(read(keys)).catch_unwind();
                // A connection that says nothing any more must not keep those that come later.
                let mut reading = pin!(tokio::time::timeout(together.patience, reading));
                let answers = match tokio::time::timeout(SLOW_AFTER, &mut reading).await {
                    Ok(answers) => answers,
                    Err(_) => {
                        // Nor those that wait already.
                        together.begin(&read);
                        reading.await
                    }
                };
                let answers = answers.ok().and_then(Result::ok);
                answer_all(questions, &answers.unwrap_or_else(|| Err(given_up())));
            }
        });
    }
}

/// What the next statement asks. Nothing: then it is not under way any more.
async fn next<K, V>(queue: &Mutex<Queue<K, V>>, number: u64) -> Option<Vec<Question<K, V>>> {
    let company_until = lock(queue).company_until();
    if let Some(until) = company_until {
        tokio::time::sleep_until(until).await;
    }
    let mut queue = lock(queue);
    let mut questions = Vec::new();
    while questions.len() < CALLS_MAX
        && let Some(question) = queue.waiting.pop_front()
    {
        // Whoever has no patience left asks again.
        if !question.reply.is_closed() {
            questions.push(question);
        }
    }
    if questions.is_empty() {
        queue.under_way.remove(&number);
        return None;
    }
    let now = Instant::now();
    queue.under_way.insert(number, now);
    queue.begun = Some(now);
    Some(questions)
}

fn given_up() -> StoreError {
    StoreError::Unavailable("the question was given up".to_owned())
}

fn lock<K, V>(queue: &Mutex<Queue<K, V>>) -> MutexGuard<'_, Queue<K, V>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer_all<K: Eq + Hash, V: Clone + Default>(
    questions: Vec<Question<K, V>>,
    answers: &Result<Answers<K, V>, StoreError>,
) {
    for Question { key, reply } in questions {
        let answer = match answers {
            Ok(answers) => answers.get(&key).cloned().unwrap_or_else(|| Ok(V::default())),
            Err(error) => Err(error.clone()),
        };
        // Whoever asked may have gone.
        drop(reply.send(answer));
    }
}

/// What a statement asks about: as many as a power of two, the last one repeated, so that a connection has to prepare
/// only a few texts.
pub(super) fn padded<K>(keys: &[K]) -> impl Iterator<Item = &K> {
    let missing = keys.len().next_power_of_two().saturating_sub(keys.len());
    keys.iter().chain(keys.last().into_iter().flat_map(move |last| iter::repeat_n(last, missing)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use askpro_domain::ids::CallId;
    use futures_util::future::BoxFuture;
    use tokio::sync::Semaphore;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn id(number: usize) -> CallId {
        CallId::parse(&format!("call_{number}")).unwrap()
    }

    #[tokio::test]
    async fn what_is_asked_meanwhile_goes_together() {
        let (together, statements) =
            (Together::<CallId, usize>::new(PATIENCE), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Semaphore::new(0));
        let asked: Vec<_> = (0..1_000)
            .map(|number| {
                let (together, statements, gate) = (together.clone(), statements.clone(), gate.clone());
                tokio::spawn(async move {
                    let read = move |ids: Vec<CallId>| {
                        let (statements, gate) = (statements.clone(), gate.clone());
                        async move {
                            statements.fetch_add(1, Ordering::SeqCst);
                            gate.acquire().await.unwrap().forget();
                            assert!(ids.len() <= CALLS_MAX);
                            let known = |id: CallId| (id.clone(), Ok(id.as_str().len()));
                            Ok(ids.into_iter().filter(|id| *id != self::id(7)).map(known).collect())
                        }
                    };
                    together.ask(&id(number), read).await.unwrap()
                })
            })
            .collect();
        while statements.load(Ordering::SeqCst) < STATEMENTS_MAX {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1_000);
        for (number, asked) in asked.into_iter().enumerate() {
            let expected = if number == 7 { 0 } else { id(number).as_str().len() };
            assert_eq!(asked.await.unwrap(), expected);
        }
        let statements = statements.load(Ordering::SeqCst);
        assert!(statements <= STATEMENTS_MAX + 1_000_usize.div_ceil(CALLS_MAX), "{statements}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_question_goes_at_once_and_those_that_follow_closely_go_together() {
        let (together, statements) =
            (Together::<CallId, usize>::new(PATIENCE), Arc::new(AtomicUsize::new(0)));
        let read = {
            let statements = statements.clone();
            move |ids: Vec<CallId>| {
                statements.fetch_add(1, Ordering::SeqCst);
                async move { Ok(ids.into_iter().map(|id| (id, Ok(1))).collect()) }
            }
        };
        let begun = Instant::now();
        together.ask(&id(1), read.clone()).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let later: Vec<_> = (2..6)
            .map(|number| {
                let (together, read) = (together.clone(), read.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(number)).await;
                    together.ask(&id(usize::try_from(number).unwrap()), read).await.unwrap()
                })
            })
            .collect();
        for answer in later {
            answer.await.unwrap();
        }
        assert_eq!((statements.load(Ordering::SeqCst), begun.elapsed()), (2, COMPANY_WITHIN));
        tokio::time::sleep(COMPANY_WITHIN).await;
        let begun = Instant::now();
        together.ask(&id(6), read).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn each_hears_why_it_cannot_be_read_and_the_next_are_asked_again() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let failing = |_| async { Err(StoreError::Unavailable("away".to_owned())) };
        assert!(together.ask(&id(1), failing).await.is_err());
        let panicking = |_| async { panic!("as it was told to") };
        assert!(together.ask(&id(1), panicking).await.is_err());
        for _ in 0..2 * STATEMENTS_MAX {
            let one_is_corrupt = |_| async {
                let corrupt = Err(StoreError::Corrupt("call_1".to_owned()));
                Ok(HashMap::from([(id(1), corrupt), (id(2), Ok(2))]))
            };
            assert!(together.ask(&id(1), one_is_corrupt).await.is_err());
            assert_eq!(together.ask(&id(2), one_is_corrupt).await.unwrap(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_their_patience_and_what_nobody_waits_for_is_not_asked() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let read = |ids: Vec<CallId>| async move {
            tokio::time::sleep(3 * PATIENCE).await;
            Ok(ids.into_iter().map(|id| (id, Ok(1))).collect())
        };
        let all: Vec<_> = (0..10).map(id).collect();
        let asked = all.iter().map(|id| together.ask(id, read));
        assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_err));
        tokio::time::sleep(3 * PATIENCE).await;
        let queue = lock(&together.queue);
        assert_eq!((queue.waiting.len(), queue.under_way.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_that_is_never_answered_does_not_keep_what_is_asked_later() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let statements = Arc::new(AtomicUsize::new(0));
        let first_is_never_answered = move |ids: Vec<CallId>| {
            let is_first = statements.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if is_first {
                    std::future::pending::<()>().await;
                }
                Ok(ids.into_iter().map(|id| (id, Ok(1))).collect())
            }
        };
        let first = id(1);
        let stuck = together.ask(&first, first_is_never_answered.clone());
        let later = async {
            tokio::time::sleep(2 * SLOW_AFTER).await;
            let since = Instant::now();
            assert_eq!(together.ask(&id(2), first_is_never_answered.clone()).await.unwrap(), 1);
            assert!(since.elapsed() < SLOW_AFTER);
        };
        let (stuck, ()) = tokio::join!(stuck, later);
        assert!(stuck.is_err());
        assert_eq!(together.ask(&id(3), first_is_never_answered).await.unwrap(), 1);
    }

    /// Of the statements with these numbers nobody hears anything.
    fn silent<const N: usize>(
        numbers: [usize; N],
    ) -> impl Fn(Vec<CallId>) -> BoxFuture<'static, Result<Answers<CallId, usize>, StoreError>> + Clone {
        let statements = Arc::new(AtomicUsize::new(0));
        move |ids| {
            let number = statements.fetch_add(1, Ordering::SeqCst);
            let is_silent = numbers.contains(&number);
            async move {
                if is_silent {
                    std::future::pending::<()>().await;
                }
                Ok(ids.into_iter().map(|id| (id, Ok(1))).collect())
            }
            .boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_silent_statements_keep_nobody_who_comes_later() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let read = silent([0, 1]);
        let (first, second) = (id(1), id(2));
        let stuck = together.ask(&first, read.clone());
        let too = async {
            tokio::time::sleep(SLOW_AFTER / 4).await;
            together.ask(&second, read.clone()).await
        };
        let later = async {
            tokio::time::sleep(SLOW_AFTER + SLOW_AFTER / 4).await;
            let since = Instant::now();
            // The second one is silent as well; this one is asked after it, and then nobody comes any more.
            assert_eq!(together.ask(&id(3), read.clone()).await.unwrap(), 1);
            assert!(since.elapsed() <= SLOW_AFTER, "{:?}", since.elapsed());
        };
        let (stuck, too, ()) = tokio::join!(stuck, too, later);
        assert!(stuck.is_err() && too.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_question_behind_a_silent_statement_waits_until_that_is_slow_and_no_longer() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let read = silent([0]);
        let first = id(1);
        let stuck = together.ask(&first, read.clone());
        let lone = async {
            tokio::time::sleep(SLOW_AFTER / 4).await;
            let since = Instant::now();
            assert_eq!(together.ask(&id(2), read.clone()).await.unwrap(), 1);
            assert!(since.elapsed() < SLOW_AFTER, "{:?}", since.elapsed());
        };
        let (stuck, ()) = tokio::join!(stuck, lone);
        assert!(stuck.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_answered_meanwhile_makes_a_silent_statement_no_younger() {
        let together = Together::<CallId, usize>::new(PATIENCE);
        let read = silent([0]);
        let first = id(1);
        let stuck = together.ask(&first, read.clone());
        let later = async {
            for number in 2..40 {
                let wait = if number == 2 { SLOW_AFTER / 4 } else { Duration::from_millis(10) };
                tokio::time::sleep(wait).await;
                let since = Instant::now();
                assert_eq!(together.ask(&id(number), read.clone()).await.unwrap(), 1);
                let bound = if number == 2 { SLOW_AFTER } else { COMPANY_WITHIN };
                assert!(since.elapsed() <= bound, "{number}: {:?}", since.elapsed());
            }
        };
        let (stuck, ()) = tokio::join!(stuck, later);
        assert!(stuck.is_err());
    }

    #[test]
    fn a_statement_asks_about_as_many_as_a_power_of_two() {
        let ids: Vec<CallId> = (0..5).map(id).collect();
        let counts: Vec<usize> = (0..=5).map(|count| padded(&ids[..count]).count()).collect();
        assert_eq!(counts, [0, 1, 2, 4, 4, 8]);
    }
}
