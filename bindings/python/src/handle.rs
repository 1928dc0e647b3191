use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causelog::{ChangeLog as Core, Replica, Result};
use pyo3::prelude::*;

use crate::boundary::guarded;

/// A log by itself, or that of a replica.
pub(crate) enum Source {
    Log(Core),
    Replica(Arc<Replica>),
}

impl Deref for Source {
    type Target = Core;

    fn deref(&self) -> &Core {
        match self {
            Source::Log(log) => log,
            Source::Replica(replica) => replica.log(),
        }
    }
}

/// The core's log, shared by a `ChangeLog` and all that reads from it.
pub(crate) struct Handle {
    pub(crate) core: Source,
    /// Set when somebody closed it, so that a cursor with entries in hand knows.
    closed: AtomicBool,
}

impl Handle {
    pub(crate) fn new(core: Source) -> Self {
        Handle { core, closed: AtomicBool::new(false) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// `CLOSED`, in the core's words, once somebody closed the log.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.is_closed() { self.core.frontier().map(drop) } else { Ok(()) }
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        self.core.close()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A log that nobody closed syncs now. There is nobody to hear of a failure, and
        // when the interpreter is on its way out there is no lock to release either.
        let close = || drop(guarded(|| self.close()));
        if Python::try_attach(|py| py.detach(close)).is_none() {
            close();
        }
    }
}
