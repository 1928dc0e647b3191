//! Group commit for a store that has none: one thread writes, and takes all who wait into one transaction.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};

use crate::peers::{Store, Writer};
use crate::workload::{Digest, Entry, Payload, Row};

/// An entry on its way to the thread that writes.
struct Request {
    row: Row,
    payload: Payload,
    insert: bool,
    done: SyncSender<bool>,
}

/// A store that only the queue's own thread writes to.
pub(crate) struct Queue {
    requests: Sender<Request>,
    thread: JoinHandle<Result<()>>,
}

impl Queue {
    pub(crate) fn start(store: Box<dyn Store>) -> Result<Queue> {
        let (requests, waiting) = channel();
        let thread = std::thread::Builder::new().name("queue".to_owned()).spawn(move || {
            let written = drain(&*store, &waiting);
            written.and(store.close())
        })?;
        Ok(Queue { requests, thread })
    }
}

/// Writes until all who could ask are gone.
fn drain(store: &dyn Store, waiting: &Receiver<Request>) -> Result<()> {
    let mut writer = store.writer(0)?;
    let mut requests = Vec::new();
    while let Ok(first) = waiting.recv() {
        requests.push(first);
        requests.extend(waiting.try_iter());
        let entries: Vec<Entry<'_>> = requests
            .iter()
            .map(|Request { row, payload, insert, .. }| Entry { row, payload, insert: *insert })
            .collect();
        let written = writer.append(&entries);
        for request in requests.drain(..) {
            // Whoever no longer waits does not want to know.
            let _ = request.done.send(written.is_ok());
        }
        written?;
    }
    Ok(())
}

impl Store for Queue {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        let (done, answer) = sync_channel(1);
        Ok(Box::new(QueueWriter { requests: self.requests.clone(), done, answer }))
    }

    fn scan(&self) -> Result<Digest> {
        bail!("a queue is for writing")
    }

    fn tail(&self, _skipped: u64) -> Result<Digest> {
        self.scan()
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Queue { requests, thread } = *self;
        drop(requests);
        thread.join().map_err(|_| anyhow!("the queue's thread panicked"))?
    }
}

struct QueueWriter {
    requests: Sender<Request>,
    done: SyncSender<bool>,
    answer: Receiver<bool>,
}

impl Writer for QueueWriter {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let [entry] = entries else { bail!("a queue takes one entry at a time") };
        let request = Request {
            row: *entry.row,
            payload: *entry.payload,
            insert: entry.insert,
            done: self.done.clone(),
        };
        self.requests.send(request).ok().context("the queue has ended")?;
        let written = self.answer.recv().context("the queue has ended")?;
        if written { Ok(()) } else { bail!("the queue could not write") }
    }
}
