mod sample;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use self::sample::{large, sample, small};
use super::header::{self, Header, Section};
use super::rows::BLOCK_LENGTH;
use super::*;
use crate::error::{Error, ErrorCode, Result};
use crate::log::pages::tests::Counted;
use crate::log::pages::{PAGE_CONTENT, Pages};

/// The contents of an index, as plain lists.
#[derive(Debug, Clone)]
struct Sample {
    summary: IndexSummary,
    nodes: Vec<NodeSpan>,
    tables: Vec<TableSpan>,
    points: Vec<Point>,
    /// The row hash of each entry.
    hashes: Vec<u32>,
    waypoints: Vec<Waypoint>,
}

impl Sample {
    /// The bytes of an index of the first `until` entries, the first of them in indexes written before.
    fn encode_in_steps(&self, cuts: &[usize]) -> Vec<u8> {
        let mut bytes = None;
        let mut base = 0;
        for until in cuts.iter().copied().chain([self.hashes.len()]) {
            let earlier = bytes.map(|bytes| open(bytes).unwrap());
            let entries = self.hashes.iter().zip(0u64..).take(until).skip(base);
            let mut entries: Vec<u64> = entries.map(|(hash, lsn)| u64::from(*hash) << 32 | lsn).collect();
            entries.sort_unstable();
            let rows = Rows { entries, earlier: earlier.as_ref() };
            let mut content = self.content(rows);
            // What more follows on is of a segment that is not at its end.
            content.summary.sealed &= until == self.hashes.len();
            bytes = Some(content.encode().unwrap());
            base = until;
        }
        bytes.unwrap()
    }

    fn content<'a>(&'a self, rows: Rows<'a>) -> IndexContent<'a> {
        IndexContent {
            summary: self.summary.clone(),
            dictionary_length: self.nodes.len() as u32 / 2,
            nodes: self.nodes.clone(),
            tables: self.tables.clone(),
            points: &self.points,
            rows,
            waypoints: self.waypoints.clone(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        self.encode_in_steps(&[])
    }

    /// What `index` is to answer: entries of rows that it takes for this one stand with its own.
    fn row(&self, index: &IndexFile, hash: u32) -> Vec<u32> {
        let key = |hash| index.header.rows.key(hash);
        (0..).zip(&self.hashes).filter(|(_, of)| key(**of) == key(hash)).map(|(lsn, _)| lsn).collect()
    }

    fn rows(&self, index: &IndexFile) -> BTreeMap<u32, Vec<u32>> {
        let mut rows = BTreeMap::<_, Vec<_>>::new();
        let key = |hash: &u32| index.header.rows.key(*hash);
        (0..).zip(&self.hashes).for_each(|(lsn, hash)| rows.entry(key(hash)).or_default().push(lsn));
        rows
    }

    /// Every question that an index answers, with what the lists say.
    fn check(&self, index: &IndexFile) -> Result<()> {
        assert_eq!(index.summary(), &self.summary);
        let dictionary = index.dictionary()?;
        let bare = |node: &NodeSpan| NodeSpan { points: Vec::new(), ..node.clone() };
        assert_eq!(dictionary.nodes, self.nodes.iter().map(bare).collect::<Vec<_>>());
        assert_eq!(dictionary.tables, self.tables);
        assert_eq!(dictionary.length, self.nodes.len() as u32 / 2);

        assert_eq!(index.point_count(), self.points.len() as u64);
        assert_eq!(index.points(0..u64::MAX)?, self.points);
        assert_eq!(index.points(1..3)?, self.points.iter().copied().skip(1).take(2).collect::<Vec<_>>());
        let around = |number: u32| [number.saturating_sub(1), number, number.saturating_add(1)];
        let of_points = |field: fn(&Point) -> u32| {
            let some = self.points.iter().step_by(self.points.len() / 100 + 1);
            some.map(field).flat_map(around).chain([0, u32::MAX]).collect::<Vec<_>>()
        };
        for lsn in of_points(|point| point.lsn) {
            let last = self.points.iter().rfind(|point| point.lsn <= lsn);
            let first = last.and_then(|last| self.points.iter().find(|point| point.lsn == last.lsn));
            assert_eq!(index.point_at_lsn(lsn)?, first.copied(), "{lsn}");
        }
        for offset in of_points(|point| point.offset) {
            let number = self.points.iter().rposition(|point| point.offset <= offset);
            assert_eq!(index.point_number_at_offset(offset)?, number.map(|number| number as u64));
            assert_eq!(index.point_at_offset(offset)?, number.map(|number| self.points[number]));
        }

        for (number, node) in (0..).zip(&self.nodes) {
            let wanted = node.points.iter().flat_map(|point| [0, 1, 2].map(|more| point.sequence - 1 + more));
            for sequence in wanted.chain([0, u64::MAX]) {
                let before = node.points.iter().rfind(|point| point.sequence < sequence);
                assert_eq!(
                    index.author_point(number, sequence)?,
                    before.or(node.points.first()).copied(),
                    "{sequence} of {number}"
                );
            }
        }
        assert_eq!(index.author_point(self.nodes.len() as u32, 1)?, None);
        assert_eq!(index.author_point(u32::MAX, 1)?, None);

        let rows = self.rows(index);
        assert_eq!(index.row_count(), rows.len() as u64);
        for hash in self.hashes.iter().copied().flat_map(around).chain([0, 1 << 31, u32::MAX]) {
            let wanted = rows.get(&index.header.rows.key(hash)).cloned().unwrap_or_default();
            assert_eq!(index.row(hash)?, wanted, "{hash}");
        }

        assert_eq!(index.waypoint_count(), self.waypoints.len() as u64);
        assert_eq!(index.first_waypoint()?, self.waypoints.first().cloned());
        for offset in self.waypoints.iter().flat_map(|waypoint| around(waypoint.offset)).chain([0, u32::MAX])
        {
            let last = self.waypoints.iter().rfind(|waypoint| waypoint.offset <= offset);
            assert_eq!(index.waypoint_at(offset)?, last.cloned());
        }
        index.verify()
    }
}

fn open(bytes: Vec<u8>) -> Result<IndexFile> {
    IndexFile::open(Counted::new(bytes), "an index".into())
}

fn refusal(bytes: Vec<u8>) -> Error {
    open(bytes).err().expect("it opens")
}

/// The bytes of an index with another content and checksums that match it.
fn with_content(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let index = open(bytes.to_vec()).unwrap();
    let mut content = index.pages.read(0, index.pages.length() as usize).unwrap();
    change(&mut content);
    let salt = Header::salt(&content, "an index").unwrap_or_default();
    Pages::encode(salt, &content)
}

/// Asks everything of a damaged index. It may answer anything, but what passes as verified it must answer.
fn ask_everything(index: &IndexFile) {
    let numbers = [0, 1, 2, 3, 70, 1 << 16, u32::MAX];
    let mut sound =
        index.dictionary().is_ok() & index.points(0..u64::MAX).is_ok() & index.first_waypoint().is_ok();
    for number in numbers {
        sound &= index.point_at_lsn(number).is_ok() & index.point_at_offset(number).is_ok();
        sound &= index.row(number).is_ok() & index.waypoint_at(number).is_ok();
        for node in numbers {
            sound &= index.author_point(node, u64::from(number)).is_ok();
        }
    }
    assert!(sound || index.verify().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_found(sample in sample()) {
        sample.check(&open(sample.encode()).unwrap()).unwrap();
    }

    #[test]
    fn an_index_made_in_steps_is_the_one_made_at_once(
        sample in sample(),
        cuts in vec(any::<u16>(), 1..4),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| *cut as usize % (sample.hashes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(sample.encode_in_steps(&cuts), sample.encode());
    }

    #[test]
    fn bytes_that_are_no_index_never_panic(bytes in vec(any::<u8>(), 1..9000), sample in sample()) {
        prop_assert!(open(bytes.clone()).is_err());
        // Behind a good header, and with checksums that match.
        let bytes = with_content(&sample.encode(), |content| {
            content.iter_mut().skip(header::LENGTH).zip(bytes.iter().cycle()).for_each(|(to, from)| *to = *from);
        });
        ask_everything(&open(bytes).unwrap());
    }

    #[test]
    fn damage_with_the_right_checksums_never_panics(
        sample in sample(),
        damage in vec((any::<u16>(), any::<u8>()), 1..6),
        in_header in any::<bool>(),
    ) {
        let bytes = with_content(&sample.encode(), |content| {
            let range = if in_header { header::LENGTH } else { content.len() };
            for (at, byte) in damage {
                let at = at as usize % range;
                content[at] = byte;
            }
        });
        if let Ok(index) = open(bytes) {
            ask_everything(&index);
        }
    }
}

#[test]
fn every_kind_of_answer_at_least_once() {
    let mut small = small();
    small.check(&open(small.encode()).unwrap()).unwrap();
    // Of this one whole hashes are kept.
    small.summary.sealed = false;
    let index = open(small.encode()).unwrap();
    small.check(&index).unwrap();
    assert_eq!(index.row(70).unwrap(), [0, 2, 5]);
    assert_eq!(index.row(71).unwrap(), [0u32; 0]);
    assert_eq!(index.point_at_lsn(5).unwrap(), Some(Point { offset: 300, lsn: 2, transaction: 1 }));
    assert_eq!(index.author_point(0, 7).unwrap(), Some(AuthorPoint { sequence: 5, offset: 43 }));
    assert_eq!(index.author_point(1, 7).unwrap(), None);
    assert_eq!(index.waypoint_at(42).unwrap(), None);
}

#[test]
fn an_index_of_nothing_answers_nothing() {
    let nothing = Sample {
        nodes: Vec::new(),
        tables: Vec::new(),
        points: Vec::new(),
        hashes: Vec::new(),
        waypoints: Vec::new(),
        ..small()
    };
    nothing.check(&open(nothing.encode()).unwrap()).unwrap();
}

#[test]
fn a_large_index_is_small_and_read_in_few_pages() {
    let mut large = large(30_000, 12_000);
    // One row with very many entries among the others.
    large.hashes.iter_mut().step_by(3).for_each(|hash| *hash = 1 << 31);
    let bytes = large.encode();
    assert!(bytes.len() < 30_000 * 6, "{} bytes", bytes.len());
    let file = Counted::new(bytes.clone());
    for hash in large.hashes.iter().step_by(97).chain([&0, &u32::MAX]) {
        file.take();
        let index = IndexFile::open(file.clone(), "an index".into()).unwrap();
        assert_eq!(file.take(), 1);
        assert_eq!(index.row(*hash).unwrap(), large.row(&index, *hash));
        assert!(file.take() <= 5);
    }
    assert_eq!(large.encode_in_steps(&[1000, 29_000]), bytes);
    open(bytes).unwrap().verify().unwrap();
}

#[test]
fn every_flipped_bit_is_detected() {
    let mut sample = small();
    // More than one page, so that look-ups meet whole pages and damaged ones.
    sample.points = large(4900, 1).points;
    let good = sample.encode();
    assert!(good.len() > PAGE_CONTENT);
    let answers = |index: &IndexFile| {
        vec![
            index.dictionary().map(|answer| format!("{answer:?}")),
            index.points(0..9).map(|answer| format!("{answer:?}")),
            index.point_at_lsn(4700).map(|answer| format!("{answer:?}")),
            index.point_at_offset(1_400_000).map(|answer| format!("{answer:?}")),
            index.author_point(0, 7).map(|answer| format!("{answer:?}")),
            index.row(70).map(|answer| format!("{answer:?}")),
            index.waypoint_at(200).map(|answer| format!("{answer:?}")),
        ]
    };
    let expected: Vec<String> =
        answers(&open(good.clone()).unwrap()).into_iter().map(Result::unwrap).collect();
    let mut opened = 0;
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let Ok(index) = open(bad) else { continue };
        opened += 1;
        assert_eq!(index.verify().unwrap_err().code(), ErrorCode::Corrupt, "bit {bit}");
        for (answer, expected) in answers(&index).into_iter().zip(&expected) {
            match answer {
                Ok(answer) => assert_eq!(&answer, expected, "bit {bit}"),
                Err(error) => assert_eq!(error.code(), ErrorCode::Corrupt, "bit {bit}"),
            }
        }
    }
    assert_eq!(opened, (good.len() - PAGE_CONTENT - 4) * 8, "all but the first page");
}

#[test]
fn every_truncation_is_refused() {
    let mut sample = small();
    sample.points = large(4900, 1).points;
    let good = sample.encode();
    for length in 0..good.len() {
        assert_eq!(refusal(good[..length].to_vec()).code(), ErrorCode::Corrupt, "{length}");
    }
    // And where the checksums are those of the shorter content.
    for length in 0..good.len() - 8 {
        let shorter = with_content(&good, |content| content.truncate(length));
        assert_eq!(refusal(shorter).code(), ErrorCode::Corrupt, "{length}");
    }
    let longer = with_content(&good, |content| content.push(0));
    assert_eq!(refusal(longer).code(), ErrorCode::Corrupt);
}

#[test]
fn other_files_and_versions_are_refused() {
    let good = small().encode();
    let changed = |at: usize, byte: u8| refusal(with_content(&good, |content| content[at] = byte));
    assert_eq!(changed(0, b'K').code(), ErrorCode::Corrupt);
    assert_eq!(changed(8, 2).code(), ErrorCode::Unsupported);
    assert_eq!(changed(8, 0).code(), ErrorCode::Corrupt);
    assert_eq!(changed(10, 2).code(), ErrorCode::Corrupt);
    assert_eq!(changed(10, 2).message(), "an index: another kind of file at offset 0");
}

#[test]
fn a_header_that_contradicts_itself_is_refused() {
    let good = open(small().encode()).unwrap();
    let refused = |change: fn(&mut Header)| {
        let mut header = good.header.clone();
        change(&mut header);
        let bytes = with_content(&small().encode(), |content| {
            content[..header::LENGTH].copy_from_slice(&header.encode());
        });
        open(bytes).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|header| header.dictionary_length = 3));
    assert!(refused(|header| header.summary.merges = 5));
    assert!(refused(|header| header.summary.oldest = Some(i64::MAX)));
    assert!(refused(|header| header.sections.nodes.count += 1));
    assert!(refused(|header| header.sections.nodes.count = u64::MAX));
    assert!(refused(|header| header.sections.tables.count = 40));
    assert!(refused(|header| header.sections.tables.length -= 1));
    assert!(refused(|header| header.sections.points.count -= 1));
    assert!(refused(|header| header.sections.points.length = u64::MAX));
    assert!(refused(|header| header.sections.author_points.count = 0));
    assert!(refused(|header| header.sections.rows.count = u64::MAX / 2));
    assert!(refused(|header| header.sections.row_blocks.count += 1));
    assert!(refused(|header| header.sections.waypoints.count = 0));
}

#[test]
fn what_is_out_of_order_is_found_by_verify() {
    let good = open(small().encode()).unwrap();
    let sections = good.header.sections;
    let verified = |at: u64, bytes: &[u8]| {
        let changed = with_content(&small().encode(), |content| {
            content[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        });
        open(changed).unwrap().verify().map_err(|error| error.message().to_owned())
    };
    assert_eq!(verified(sections.points.offset, &[43]), Ok(()));
    let found = |at: u64, bytes: &[u8], why: &str| {
        let message = verified(at, bytes).unwrap_err();
        assert!(message.starts_with(&format!("an index: {why}")), "{message}");
        assert!(message.ends_with(": it must be built again"), "{message}");
    };
    found(sections.nodes.offset + 17, &[0x80, 0x00], "the nodes are damaged");
    found(sections.tables.offset + 1, &[0xff], "the tables are damaged");
    found(sections.points.offset + 12, &[43, 0], "the points are out of order");
    found(sections.points.offset + 12 + 8, &[0], "the points are out of order");
    found(sections.authors.offset, &[1], "the points of an author are damaged");
    found(sections.authors.offset + 4, &[3], "the points of an author are damaged");
    found(sections.author_points.offset, &[9], "the points of an author are out of order");
    found(sections.rows.offset, &[1], "the rows are damaged");
    found(sections.rows.offset + 1, &[200], "the rows are damaged");
    found(sections.rows.offset + 3, &[0], "the rows are damaged");
    found(sections.row_blocks.offset + 4, &[1], "a position is outside of its section");
    found(sections.clocks.offset, &[2], "the clocks of a waypoint are damaged");
    found(sections.clocks.offset + 1, &[2], "the clocks of a waypoint are damaged");
    found(sections.waypoints.offset + 8 + 4, &[0], "a position is outside of its section");
    found(sections.waypoints.offset + 8, &[43, 0], "the waypoints are out of order");
}

#[test]
fn blocks_of_rows_are_short_and_in_order() {
    let mut large = large(9000, 5000);
    large.hashes.iter_mut().step_by(9).for_each(|hash| *hash = 1 << 31);
    let good = large.encode();
    let index = open(good.clone()).unwrap();
    let Section { offset, count, .. } = index.header.sections.row_blocks;
    let mut last = 0;
    for number in 0..count {
        let (hash, block) = index.row_block(number).unwrap();
        assert!(block.end - block.start <= BLOCK_LENGTH as u64 || hash == index.header.rows.key(1 << 31));
        assert!(hash > last || number == 0);
        last = hash;
    }
    assert!(count > 50, "{count}");
    // A block whose rows lie where those of the one before do.
    let (first, _) = index.row_block(7).unwrap();
    let swapped = with_content(&good, |content| {
        content[offset as usize + 8 * 8..][..4].copy_from_slice(&first.to_le_bytes());
    });
    let error = open(swapped).unwrap().verify().unwrap_err();
    assert!(error.message().starts_with("an index: the rows are damaged"), "{error}");
}

#[test]
fn rows_that_contradict_themselves_are_a_bug() {
    let mut small = small();
    small.summary.sealed = false;
    let encode = |entries: &[(u64, u64)], earlier: Option<&IndexFile>| {
        let entries = entries.iter().map(|(hash, lsn)| hash << 32 | lsn).collect();
        small.content(Rows { entries, earlier }).encode().map_err(|error| error.code())
    };
    let internal = Err(ErrorCode::Internal);
    assert!(encode(&[(1, 0), (1, 1), (2, 0)], None).is_ok());
    assert_eq!(encode(&[(1, 1), (1, 0)], None), internal);
    assert_eq!(encode(&[(2, 0), (1, 1)], None), internal);
    assert_eq!(encode(&[(1, 1), (1, 1)], None), internal);
    // The earlier one has entries up to number 5.
    let earlier = open(small.encode()).unwrap();
    assert!(encode(&[(3, 6)], Some(&earlier)).is_ok());
    assert_eq!(encode(&[(3, 4)], Some(&earlier)), internal);
    let [mut other, mut sealed] = [small.clone(), small.clone()];
    other.summary.ordinal += 1;
    // It does not have whole hashes.
    sealed.summary.sealed = true;
    for earlier in [other, sealed] {
        assert_eq!(encode(&[(3, 6)], Some(&open(earlier.encode()).unwrap())), internal);
    }
}

#[test]
fn a_row_hash_is_the_same_everywhere() {
    // Worked out with another implementation of SipHash.
    assert_eq!(row_hash(0, 0, b""), 2_596_571_888);
    assert_eq!(row_hash(99, 7, b"\x15\x2a"), 3_422_253_232);
    let long = [7; 200];
    for length in 0..long.len() {
        let mut hasher = siphasher::sip::SipHasher13::new_with_keys(5, 0);
        std::hash::Hasher::write(&mut hasher, &[9, 0, 0, 0]);
        std::hash::Hasher::write(&mut hasher, &long[..length]);
        assert_eq!(row_hash(5, 9, &long[..length]), std::hash::Hasher::finish(&hasher) as u32);
    }
    assert_ne!(row_hash(1, 7, b"a"), row_hash(2, 7, b"a"));
    assert_ne!(row_hash(1, 7, b"a"), row_hash(1, 8, b"a"));
    assert_ne!(row_hash(1, 7, b"a"), row_hash(1, 7, b"b"));
}

#[test]
fn threads_share_an_index() {
    let large = large(20_000, 5000);
    let index = Arc::new(open(large.encode()).unwrap());
    std::thread::scope(|scope| {
        for start in 0..4 {
            let (index, large) = (index.clone(), &large);
            scope.spawn(move || {
                for hash in large.hashes.iter().skip(start * 50).step_by(311) {
                    assert_eq!(index.row(*hash).unwrap(), large.row(&index, *hash));
                }
            });
        }
    });
}
