use std::fmt;

/// How two clocks, and so the events that carry them, stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Causality {
    /// The same clock: one and the same event, never a conflict.
    Equal,
    /// The first happened before the second, whose author had seen it.
    Before,
    /// The first happened after the second.
    After,
    /// Neither author had seen the other's event. Only this can be a conflict.
    Concurrent,
}

impl Causality {
    /// Every answer there is.
    pub const ALL: [Causality; 4] =
        [Causality::Equal, Causality::Before, Causality::After, Causality::Concurrent];

    /// The answer to the same question asked the other way round.
    #[must_use]
    pub const fn mirror(self) -> Causality {
        match self {
            Causality::Equal => Causality::Equal,
            Causality::Before => Causality::After,
            Causality::After => Causality::Before,
            Causality::Concurrent => Causality::Concurrent,
        }
    }

    /// The name used by every surface: `equal`, `before`, `after`, `concurrent`.
    pub const fn name(self) -> &'static str {
        match self {
            Causality::Equal => "equal",
            Causality::Before => "before",
            Causality::After => "after",
            Causality::Concurrent => "concurrent",
        }
    }
}

impl fmt::Display for Causality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
