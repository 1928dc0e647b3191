use uuid::Uuid;

/// Where new identities come from; injected so that tests and simulations repeat exactly.
pub trait IdSource: Send + Sync {
    /// A new identity that no other call, anywhere, has returned.
    fn new_id(&self) -> Uuid;
}

/// Random (version 4) UUIDs from the operating system: what every log uses unless told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[allow(clippy::disallowed_methods)] // the one place where randomness enters
    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}
