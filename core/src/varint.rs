//! Unsigned LEB128 numbers in their shortest form, which is the only one accepted.

/// Appends `value` to `out`: one to ten bytes.
pub(crate) fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The number at the start of `bytes` and what follows it; nothing if it is cut
/// off, longer than it needs to be, or beyond 64 bits.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    match bytes {
        // Nearly all of them.
        [byte @ ..0x80, rest @ ..] => Some((u64::from(*byte), rest)),
        [low, high @ 1..0x80, rest @ ..] => Some((u64::from(*low & 0x7f) | u64::from(*high) << 7, rest)),
        _ => read_long(bytes),
    }
}

fn read_long(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(10).enumerate() {
        // The tenth byte has room for one bit only.
        if index == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return None;
            }
            return bytes.get(index + 1..).map(|rest| (value, rest));
        }
    }
    None
}

/// Appends a signed number: those near 0, of either sign, are the short ones (zigzag).
pub(crate) fn write_signed(value: i64, out: &mut Vec<u8>) {
    write(((value << 1) ^ (value >> 63)) as u64, out);
}

/// The signed number that [`write_signed`] wrote as this one.
pub(crate) fn signed(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(value in any::<u64>(), shift in 0u32..64) {
            let mut out = Vec::new();
            write(value >> shift, &mut out);
            prop_assert_eq!(read(&out), Some((value >> shift, &[][..])));
            for cut in 0..out.len() {
                prop_assert_eq!(read(&out[..cut]), None);
            }
        }
    }

    proptest! {
        #[test]
        fn signed_round_trip(value in any::<i64>(), shift in 0u32..64) {
            let mut out = Vec::new();
            write_signed(value >> shift, &mut out);
            prop_assert_eq!(signed(read(&out).unwrap().0), value >> shift);
        }
    }

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(read(&[0x80, 0x00]), None);
        assert_eq!(read(&[0xff; 11]), None);
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), None);
    }
}
