use std::fmt;

/// What an entry did to its row when it arrived in this log; never changed later.
///
/// Verdicts are passed by whoever gives entries their meaning (a replica). An
/// entry that was only recorded carries none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It became the row's value.
    Applied,
    /// The row's value stayed as it was.
    Superseded,
    /// The row took another value than the entry carries: a merged one, or that of an entry which this one let win.
    Merged,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 3] = [Verdict::Applied, Verdict::Superseded, Verdict::Merged];

    /// The name used by every surface: `applied`, `superseded`, `merged`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Applied => "applied",
            Verdict::Superseded => "superseded",
            Verdict::Merged => "merged",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
