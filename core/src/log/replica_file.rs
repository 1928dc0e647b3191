//! Small files that a replica keeps beside its log, in the form that all files of a log have.

use crate::error::{Error, ErrorCode, Result};
use crate::log::format::{Kind, check, finish, start};
use crate::storage::{Storage, StorageFile};

/// No such file is longer: what one says of its length is not believed before it was looked at.
const MOST_BYTES: u64 = 1 << 30;
/// More than what stands around the content.
const MARGIN: u64 = 64;

/// Makes the file `name` hold `content`, durably and all at once.
///
/// # Errors
/// `TOO_LARGE` for more than is ever read; otherwise whatever the storage returns.
pub(crate) fn write_replica_file(storage: &dyn Storage, name: &str, content: &[u8]) -> Result<()> {
    if content.len() as u64 > MOST_BYTES - MARGIN {
        let message = format!("{name}: {} bytes are more than a replica keeps in one file", content.len());
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    let mut bytes = start(Kind::Replica);
    bytes.extend_from_slice(content);
    storage.replace(name, &finish(bytes))
}

/// What the file `name` holds; `None` if there is none.
pub(crate) fn read_replica_file(storage: &dyn Storage, name: &str) -> Result<Option<Vec<u8>>> {
    let file = match storage.open(name) {
        Ok(file) => file,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = contents(&*file)?;
    check(&bytes, Kind::Replica, name).map(|content| Some(content.to_vec()))
}

fn contents(file: &dyn StorageFile) -> Result<Vec<u8>> {
    let mut bytes = vec![0; file.length()?.min(MOST_BYTES) as usize];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}
