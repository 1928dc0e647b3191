use crate::error::Result;
use crate::id::NodeId;
use crate::log::bytes::Reader;
use crate::log::format::{self, Kind};

/// Name of the file that says who this log is.
pub(in crate::log) const IDENTITY_FILE: &str = "identity";

/// Who a log is: its own id, and the node whose changes it records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct Identity {
    pub(in crate::log) log: uuid::Uuid,
    pub(in crate::log) node: NodeId,
    /// How often the log lost the end of its last segment: LSNs of different epochs are not of one history.
    pub(in crate::log) epoch: u64,
    /// Nodes that this log was before that.
    pub(in crate::log) past: Vec<NodeId>,
}

impl Identity {
    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Identity);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(self.node.as_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&(self.past.len() as u32).to_le_bytes());
        for node in &self.past {
            out.extend_from_slice(node.as_bytes());
        }
        format::finish(out)
    }

    pub(in crate::log) fn decode(bytes: &[u8]) -> Result<Identity> {
        let mut body = Reader(format::check(bytes, Kind::Identity, IDENTITY_FILE)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*body.array()?);
            let node = NodeId::from_bytes(*body.array()?);
            let epoch = body.u64()?;
            let count = body.u32()?;
            let past = body.0.as_chunks::<16>();
            (past.1.is_empty() && past.0.len() == count as usize).then(|| {
                let past = past.0.iter().map(|id| NodeId::from_bytes(*id)).collect();
                Identity { log, node, epoch, past }
            })
        };
        read().ok_or_else(|| format::damaged(IDENTITY_FILE, "damaged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        let id = uuid::Uuid::from_u128;
        let identity = Identity { log: id(1), node: id(2), epoch: 2, past: vec![id(3), id(4)] };
        assert_eq!(Identity::decode(&identity.encode()).unwrap(), identity);
    }
}
