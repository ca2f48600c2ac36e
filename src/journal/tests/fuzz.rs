//! Folders of any bytes: one opens or is refused, nothing in the middle is dropped without a word, and records
//! of any bytes are read or refused.

use std::sync::OnceLock;

use askpro_actors::ports::journal::{self as typed, CallbackRecord, SchedulingRecord, Signer};
use askpro_domain::{
    booking::{Attendee, Booking, BookingOrder, OrderedBy},
    call::PlacedIn,
    callback::{Callback, CallbackOrder, Priority},
    ids::{AppointmentId, BranchId, CallId, CompanyId, ServiceId, StaffId},
    phone::PhoneNumber,
    slots::{self, Hold, HoldId, HoldState},
    tenant::Language,
    time::{Interval, UnixMillis},
};
use askpro_fuzz::{Target, fuzz};

use super::*;
use crate::journal::{
    port,
    record::Header,
    segment::{SEGMENT_HEADER_BYTES, SegmentHeader},
};

const ID: &str = "id-1";

const FOLDER: Target = Target {
    name: "journal_folder",
    inputs: 1_500,
    bytes_max: 400,
    words: &[
        "\u{1}",
        "\u{2}\u{0}",
        "\u{3}",
        "\u{4}",
        "\u{5}",
        "\u{6}",
        "\u{7}",
        "askproJ1",
        "\u{0}\u{0}\u{0}\u{0}",
        "\u{7f}",
        "18446744073709551615",
        "09223372036854775807",
        "04611686018427387904",
        "00000000000000000000",
        "00000000000000000028",
    ],
    seeds: || {
        let edits: [&[u8]; 11] = [
            &[],
            &[1, 0, 40, 0xFF],
            &[1, 2, 200, 1, 1, 1, 29, 7],
            &[2, 0, 50],
            &[3, 1],
            &[4, 2],
            &[5, 3, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            &[6, 1, 2, 1, 0, 0, 0, 5, 6, 0, 3, 0, 9, 9, 9, 9],
            b"\x0718446744073709551615",
            b"\x0704611686018427387904\x01",
            b"\x0704611686018427387904\x00",
        ];
        edits.iter().map(|edit| edit.to_vec()).collect()
    },
};

const RECORD: Target = Target {
    name: "journal_record",
    inputs: 20_000,
    bytes_max: 3_000,
    words: &[
        "\u{1}",
        "\u{2}",
        "\u{3}",
        "\u{4}",
        "{\"record\":\"held\"",
        "\"record\":\"moved\"",
        "\"released\"",
        "\"ordered\"",
        "\"order_closed\"",
        "\"company\":1",
        "\"interval\":{\"start\":1,\"end\":0}",
        "\"hold\":",
        "\"call_id\":\"c1\"",
        "\"booking\":",
        "\"phone\":\"+4915112345678\"",
        "\"language\":\"de\"",
        "\"claimed\":true",
    ],
    seeds: record_seeds,
};

/// Files of a closed journal of several segments and batches, with what it holds.
struct Sound {
    files: Vec<(String, Vec<u8>)>,
    records: Vec<(Position, Record)>,
}

fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = JournalOptions { segment_bytes: 300, ..options(dir.path()) };
        let (journal, _) = Journal::open(options, || ID.to_owned()).unwrap();
        runtime().block_on(async {
            for seed in 0..6 {
                journal.append(record(noise(seed, 90))).await.unwrap();
            }
            // The last batch has two records.
            let two = [6, 7].map(|seed| journal.append(record(noise(seed, 40))));
            futures_util::future::try_join_all(two).await.unwrap();
        });
        let records = replayed(&journal);
        drop(journal);
        let entries = fs::read_dir(dir.path()).unwrap().map(Result::unwrap);
        let mut files: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .filter(|(name, _)| name != "lock")
            .collect();
        files.sort();
        Sound { files, records }
    })
}

/// What an input does to the folder.
struct Folder {
    files: Vec<(String, Vec<u8>)>,
    /// Only bytes of segments were changed or cut off: what is left must be a beginning of what was there.
    only_damaged: bool,
    /// A segment was cut. At the end of a record of the newest one that leaves no trace.
    cut: bool,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.next()?, self.next()?]))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }
}

impl Folder {
    /// Reads edits, one after the other, until the input is over.
    fn of(input: &[u8]) -> Self {
        let mut folder = Self { files: sound().files.clone(), only_damaged: true, cut: false };
        let mut bytes = Bytes(input);
        while folder.edit(&mut bytes).is_some() {}
        folder
    }

    fn edit(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        match bytes.next()? {
            1 => {
                let (file, at, byte) = (bytes.next()?, bytes.next()?, bytes.next()?);
                let segment = self.segment(file)?;
                let at = usize::from(at) % segment.len().max(1);
                *segment.get_mut(at)? = byte;
            }
            2 => {
                let (file, length) = (bytes.next()?, bytes.next()?);
                self.segment(file)?.truncate(length.into());
                self.cut = true;
            }
            3 => {
                let file = self.index(bytes.next()?)?;
                self.files.remove(file);
                self.only_damaged = false;
            }
            4 => {
                let file = self.index(bytes.next()?)?;
                let (name, _) = &mut self.files[file];
                *name = name.replace(".log", ".aside");
                self.only_damaged = false;
            }
            5 => {
                let (file, zeros) = (bytes.next()?, bytes.next()?);
                let more = bytes.take(16);
                let segment = self.segment(file)?;
                segment.extend(std::iter::repeat_n(0, usize::from(zeros) * 8));
                segment.extend(more);
                self.only_damaged = false;
            }
            6 => self.files.push(made_segment(bytes)?),
            7 => {
                let digits = String::from_utf8_lossy(&bytes.take(20)).into_owned();
                let end = if bytes.next()? % 2 == 0 { "log" } else { "aside" };
                let name = format!("{digits}.{end}").replace(['/', '\0'], "_");
                self.files.push((name, bytes.take(60)));
                self.only_damaged = false;
            }
            8 => {
                self.files.first_mut()?.1 = bytes.take(30);
                self.only_damaged = false;
            }
            _ => {}
        }
        Some(())
    }

    /// A file by a byte, `journal.id` excepted, which stands last.
    fn index(&self, byte: u8) -> Option<usize> {
        (!self.files.is_empty()).then(|| usize::from(byte) % self.files.len())
    }

    fn segment(&mut self, byte: u8) -> Option<&mut Vec<u8>> {
        let mut segments: Vec<_> = self.files.iter_mut().filter(|(name, _)| name.ends_with(".log")).collect();
        let at = usize::from(byte).checked_rem(segments.len())?;
        Some(&mut segments.swap_remove(at).1)
    }
}

/// A segment whose checksums are right and whose fields are anything.
fn made_segment(bytes: &mut Bytes<'_>) -> Option<(String, Vec<u8>)> {
    let seal = Seal::of(ID);
    let high = if bytes.next()? % 2 == 0 { 0 } else { u64::MAX << 16 };
    let start = Position(high | u64::from(bytes.word()?));
    let previous_end = Position(high | u64::from(bytes.word()?));
    let mut file = SegmentHeader { start, previous_end }.encode(seal);
    for _ in 0..bytes.next()? % 4 {
        let (kind, flags) = (bytes.next()?, bytes.next()?);
        let (length, unsynced) = (bytes.word()?, bytes.word()?);
        let length = if flags & 2 == 0 { u32::from(length % 200) } else { u32::from(length) << 16 };
        let payload = noise(u64::from(kind), usize::try_from(length).unwrap().min(200));
        let at = start.0.wrapping_add(file.len() as u64 - SEGMENT_HEADER_BYTES);
        let payload_checksum = if flags & 4 == 0 { seal.checksum(&payload) } else { 0 };
        let header = Header {
            kind,
            void: flags & 1 != 0,
            length,
            unsynced: u32::from(unsynced) << (flags & 8),
            payload_checksum,
        };
        header.encode(seal, Position(at), &mut file);
        file.extend(payload);
    }
    Some((segment::file_name(start), file))
}

fn a_folder_opens_or_is_refused(input: &[u8]) {
    let folder = Folder::of(input);
    let made = folder.files.len() > sound().files.len();
    let dir = tempfile::tempdir_in(memory()).unwrap();
    for (name, bytes) in &folder.files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let opened = Journal::open(options(dir.path()), || ID.to_owned());
    let (journal, opened) = match opened {
        Ok(opened) => opened,
        Err(error) => return assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}"),
    };
    let found = journal.replay(Position(0)).collect::<Result<Vec<_>, _>>().unwrap();
    assert!(found.iter().all(|(position, _)| *position < opened.end && opened.found_end <= opened.end));
    assert!(found.is_sorted_by(|(a, _), (b, _)| a < b), "positions grow");
    if folder.only_damaged && !made {
        let before = &sound().records;
        assert!(before.starts_with(&found), "of {} records others than a beginning: {found:?}", before.len());
        assert!(
            found.len() == before.len() || opened.torn_tail_bytes > 0 || folder.cut,
            "records are gone without a word"
        );
    }
    for (position, record) in &found {
        assert_eq!(journal.read(*position).unwrap(), *record, "{position}");
    }
    // What was opened can be written to, and a later start finds the same and the new record.
    let position = runtime().block_on(journal.append(record("new"))).unwrap();
    assert!(position >= opened.end);
    drop(journal);
    let (again, reopened) = Journal::open(options(dir.path()), || ID.to_owned()).unwrap();
    let expected: Vec<_> = found.into_iter().chain([(position, record("new"))]).collect();
    assert_eq!(replayed(&again), expected);
    assert_eq!(reopened.torn_tail_bytes, 0);
}

/// A folder in memory, where a sync costs nothing.
fn memory() -> std::path::PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

/// A kind and a payload: one of each record.
fn record_seeds() -> Vec<Vec<u8>> {
    let (call, company) = (CallId::parse("call_c1").unwrap(), CompanyId(42));
    let (at, body) = (UnixMillis(1_795_420_800_000), bytes::Bytes::from_static(b"compressed"));
    let appointment = AppointmentId::of_order(&call, "book", 1);
    let phone = PhoneNumber::parse_e164("+4915112345678");
    let interval = Interval::of_minutes(at.plus_ms(86_400_000), 30).unwrap();
    let order = BookingOrder {
        claimed: false,
        appointment: appointment.clone(),
        company,
        branch: BranchId(2),
        call_id: call.clone(),
        order_key: "book".to_owned(),
        service: ServiceId(3),
        staff: Some(StaffId(4)),
        event_type_id: 2001,
        interval,
        hold: HoldId("hold_1".to_owned()),
        attendee: Attendee { name: "Anna Schmidt".to_owned(), phone: phone.clone(), email: None },
        by: OrderedBy::default(),
        notes: None,
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
    };
    let hold = Hold {
        id: HoldId("hold_1".to_owned()),
        call_id: call.clone(),
        target: slots::Target::Pool { event_type_id: 2001, members: vec![StaffId(4), StaffId(5)] },
        segments: vec![interval],
        placed_at: at,
        fits: [StaffId(4)].into(),
        state: HoldState::Held { until: at.plus_ms(300_000) },
    };
    let wish = CallbackOrder { phone: None, name: None, priority: Priority::High, reason: None, due: None };
    let callback = CallbackRecord {
        callback: Callback::open(company, &call, phone.unwrap(), &wish, "key", at),
        by: call.clone(),
        placed: PlacedIn { company, branch: BranchId(2) },
        claimed: false,
        language: Language::En,
    };
    let records = [
        typed::Record::RetellEvent { signer: Signer::Company(company), received_at: at, body: body.clone() },
        typed::Record::CalendarEvent { company, received_at: at, body },
        typed::Record::Scheduling(SchedulingRecord::Held { company, hold: Box::new(hold) }),
        typed::Record::Scheduling(SchedulingRecord::Released { company, hold: order.hold.clone(), at }),
        typed::Record::Scheduling(SchedulingRecord::OrderClosed { company, call_id: call, appointment }),
        typed::Record::Scheduling(SchedulingRecord::Moved {
            booking: Box::new(Booking::submit(order.clone(), at)),
        }),
        typed::Record::Scheduling(SchedulingRecord::Ordered { order: Box::new(order), at }),
        typed::Record::Callback(Box::new(callback)),
    ];
    let written = records.into_iter().map(|record| port::encode(record).unwrap());
    written.map(|record| [&[record.kind], &record.payload[..]].concat()).collect()
}

fn a_record_is_read_or_refused(input: &[u8]) {
    let Some((kind, payload)) = input.split_first() else { return };
    let sent = Record { kind: *kind, payload: bytes::Bytes::copy_from_slice(payload) };
    match port::decode(sent.clone()) {
        Ok(read) => {
            let kept = port::encode(read.clone()).unwrap();
            assert_eq!(kept.kind, sent.kind);
            assert_eq!(port::decode(kept.clone()), Ok(read.clone()), "kept and read again");
            assert_eq!(port::encode(read).unwrap(), kept);
        }
        Err(text) => assert!(text.len() < 120, "{text}"),
    }
}

#[test]
fn whatever_bytes_lie_in_a_folder_it_opens_or_is_refused_and_drops_nothing_in_the_middle() {
    fuzz(&FOLDER, a_folder_opens_or_is_refused);
}

#[test]
fn whatever_bytes_a_record_has_it_is_read_or_refused() {
    fuzz(&RECORD, a_record_is_read_or_refused);
}
