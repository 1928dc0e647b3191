//! What a row is, from its entries alone.
//!
//! Everything here is a function of a closed set of entries, whoever computes it and in whatever order they came. A set
//! with several heads needs what its ancestor is, and that may have several heads itself: histories that cross again and
//! again go deep, so there is a list of what is still to do, and no recursion.

use std::rc::Rc;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap};

use crate::change::ChangeOperation;
use crate::conflict::field_merge::{self, Base, Merged, Supporter};
use crate::conflict::history::{Cut, Heads, RowHistory, Version, VersionIndex};
use crate::conflict::json::Fields;
use crate::conflict::{
    ConflictClass, ConflictResolution, FieldMerge, Liveness, ReasonCode, ResolverRegistry,
};
use crate::error::Error;

/// The payload of an entry or of a row.
pub(crate) type Image = Option<Arc<[u8]>>;

/// What is asked of outside: payloads, and what the application's functions say.
pub(crate) trait Outside {
    /// The `after` of an entry.
    fn image(&self, version: &Version) -> Result<Image, Error>;

    /// What a custom resolver says.
    fn custom(&self, question: &Question) -> Answer;
}

/// What a custom resolver is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) version: u32,
    /// In canonical order.
    pub(crate) heads: Heads,
    /// What the row was before they parted: whether it was there, and its payload.
    pub(crate) ancestor: Option<Image>,
}

/// What is known of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This head wins.
    Head(VersionIndex),
    /// The row takes this value, or is gone.
    Value(Option<Arc<[u8]>>),
    /// Somebody is to decide.
    Defer,
    /// It has not been asked yet.
    Unasked,
    /// There is nobody to ask.
    Missing,
    /// It failed.
    Failed,
}

/// Why a result is not there yet.
#[derive(Debug)]
pub(crate) enum Halt {
    /// What this set is has to be known first.
    Needs(Cut),
    /// The application has to be asked first.
    Asks(Question),
    Error(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Error(error)
    }
}

/// Who won among several heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picked {
    Head(VersionIndex),
    Merged,
    Pending,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Not there: never yet, or not any more.
    Absent,
    /// What this entry carries.
    Image(VersionIndex),
    /// What no single entry carries.
    Merged(Arc<[u8]>),
}

/// What a closed set of a row's entries comes to.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) heads: Heads,
    pub(crate) value: Value,
    /// Of several heads: how they were resolved.
    pub(crate) conflict: Option<Resolved>,
    /// The fields of a row that was merged.
    merged: Option<Rc<Merged>>,
}

#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) picked: Picked,
    pub(crate) reason: ReasonCode,
    /// The head that came second, where two were compared.
    pub(crate) runner_up: Option<VersionIndex>,
}

/// How a strategy decided.
pub(super) struct Decision {
    pub(super) picked: Picked,
    pub(super) value: Value,
    pub(super) reason: ReasonCode,
    pub(super) runner_up: Option<VersionIndex>,
    merged: Option<Rc<Merged>>,
}

impl Resolved {
    /// Whether the application's function should have decided and has not.
    pub(crate) fn is_unresolved(&self) -> bool {
        matches!(self.reason, ReasonCode::ResolverMissing | ReasonCode::ResolverFailed)
    }
}

/// Works out what sets of one row's entries come to, and remembers it.
pub(crate) struct RowResolver<'a> {
    table: &'a str,
    history: &'a RowHistory,
    registry: &'a ResolverRegistry,
    outside: &'a dyn Outside,
    states: HashMap<Cut, Rc<State>>,
    images: HashMap<VersionIndex, Image>,
    fields: HashMap<VersionIndex, Option<Rc<Fields>>>,
}

impl<'a> RowResolver<'a> {
    pub(crate) fn new(
        table: &'a str,
        history: &'a RowHistory,
        registry: &'a ResolverRegistry,
        outside: &'a dyn Outside,
    ) -> Self {
        // Most resolvers are asked once: what is remembered for the next question must cost nothing until then.
        let hashing = DefaultHashBuilder::default();
        let states = HashMap::with_hasher(hashing.clone());
        let (images, fields) = (HashMap::with_hasher(hashing.clone()), HashMap::with_hasher(hashing));
        RowResolver { table, history, registry, outside, states, images, fields }
    }

    /// What a closed set of entries comes to. Halts only for a question, or an error.
    pub(crate) fn state(&mut self, cut: &Cut) -> Result<Rc<State>, Halt> {
        let mut open = vec![cut.clone()];
        while let Some(next) = open.last() {
            match self.attempt(&next.clone()) {
                Ok(state) => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(state);
                    }
                }
                Err(Halt::Needs(first)) => open.push(first),
                Err(halt) => return Err(halt),
            }
        }
        Err(Error::internal("nothing was left to resolve").into())
    }

    /// Resolves heads of which nothing else is known by one strategy.
    pub(super) fn decide_between(
        &mut self,
        strategy: &ConflictResolution,
        heads: &[VersionIndex],
    ) -> Result<Decision, Halt> {
        self.decide(strategy, heads, &self.history.all())
    }

    /// Whether these heads disagree: not if all of them left the row in one and the same state.
    pub(crate) fn disagree(&mut self, heads: &[VersionIndex]) -> Result<bool, Error> {
        let mut states = Vec::new();
        for head in heads {
            let live = self.history.get(*head).is_some_and(Version::is_live);
            states.push((live, self.image(*head)?));
        }
        Ok(states.windows(2).any(|pair| matches!(pair, [a, b] if a != b)))
    }

    /// Whether a row is there, and its payload.
    pub(crate) fn payload(&mut self, value: &Value) -> Result<Option<Image>, Error> {
        Ok(match value {
            Value::Absent => None,
            Value::Image(index) => Some(self.image(*index)?),
            Value::Merged(bytes) => Some(Some(bytes.clone())),
        })
    }

    fn image(&mut self, index: VersionIndex) -> Result<Image, Error> {
        if let Some(image) = self.images.get(&index) {
            return Ok(image.clone());
        }
        let version =
            self.history.get(index).ok_or_else(|| Error::internal("an entry of a row is missing"))?;
        let image = self.outside.image(version)?;
        self.images.insert(index, image.clone());
        Ok(image)
    }

    /// The fields of an entry's payload; `None` if it is no JSON object.
    fn fields(&mut self, index: VersionIndex) -> Result<Option<Rc<Fields>>, Error> {
        if let Some(fields) = self.fields.get(&index) {
            return Ok(fields.clone());
        }
        let fields = self.image(index)?.and_then(|image| Fields::parse(&image)).map(Rc::new);
        self.fields.insert(index, fields.clone());
        Ok(fields)
    }

    fn known(&mut self, cut: &Cut) -> Result<Rc<State>, Halt> {
        if let Some(state) = self.states.get(cut) {
            return Ok(state.clone());
        }
        let heads = self.history.maximal(cut);
        let value = match heads.as_slice() {
            [] => Value::Absent,
            [head] if self.history.get(*head).is_some_and(Version::is_live) => Value::Image(*head),
            [_] => Value::Absent,
            _ => return Err(Halt::Needs(cut.clone())),
        };
        let state = Rc::new(State { heads, value, conflict: None, merged: None });
        self.states.insert(cut.clone(), state.clone());
        Ok(state)
    }

    /// What a set comes to, if all that it takes is known.
    fn attempt(&mut self, cut: &Cut) -> Result<Rc<State>, Halt> {
        match self.known(cut) {
            Err(Halt::Needs(_)) => {}
            known => return known,
        }
        let heads = self.history.maximal(cut);
        let (table, registry) = (self.table, self.registry);
        // What the row was before can take long to find out, and few rules ask for it.
        let resolution = match registry.whatever_the_class(table) {
            Some(resolution) => resolution,
            None => {
                let ancestor = self.known(&self.history.common_past(&heads))?;
                registry.resolution(table, self.class(&heads, &ancestor))
            }
        };
        let Decision { picked, value, reason, runner_up, merged } = self.decide(resolution, &heads, cut)?;
        let conflict = Some(Resolved { picked, reason, runner_up });
        let state = Rc::new(State { heads, value, conflict, merged });
        self.states.insert(cut.clone(), state.clone());
        Ok(state)
    }

    /// What the row was before these heads parted.
    pub(crate) fn ancestor(&mut self, heads: &[VersionIndex]) -> Result<Rc<State>, Halt> {
        self.state(&self.history.common_past(heads))
    }

    /// The class of several heads, given what the row was before they parted.
    pub(crate) fn class(&self, heads: &[VersionIndex], ancestor: &State) -> ConflictClass {
        let live = |head: &VersionIndex| self.history.get(*head).is_some_and(Version::is_live);
        net_class(ancestor.value != Value::Absent, heads.iter().map(live))
    }

    /// Resolves heads, in canonical order, by one strategy. They may be fewer than those of `cut`.
    fn decide(
        &mut self,
        strategy: &ConflictResolution,
        heads: &[VersionIndex],
        cut: &Cut,
    ) -> Result<Decision, Halt> {
        let history = self.history;
        let live = |index: VersionIndex| history.get(index).is_some_and(Version::is_live);
        let (last, runner_up) = match heads {
            [.., runner_up, last] => (*last, Some(*runner_up)),
            [last] => (*last, None),
            [] => return Err(Error::internal("nothing to decide between").into()),
        };
        let head = |index: VersionIndex, reason, runner_up| {
            let value = if live(index) { Value::Image(index) } else { Value::Absent };
            Decision { picked: Picked::Head(index), value, reason, runner_up, merged: None }
        };
        let pending = |reason| Decision { picked: Picked::Pending, ..head(last, reason, runner_up) };
        Ok(match strategy {
            ConflictResolution::LastWriteWins => head(last, self.advantage(last, runner_up), runner_up),
            ConflictResolution::FirstWriteWins => {
                let first = |a: VersionIndex, b: VersionIndex| {
                    let difference = history.lowest_difference(&history.with_past(a), &history.with_past(b));
                    if difference.is_some_and(|(_, is_in_first)| is_in_first) { a } else { b }
                };
                let winner = heads.iter().copied().reduce(first).unwrap_or(last);
                let others = heads.iter().copied().filter(|other| *other != winner);
                head(winner, ReasonCode::EarlierWrite, others.reduce(first))
            }
            ConflictResolution::NodePriority(nodes) => {
                let rank = |index: &VersionIndex| {
                    let node = history.get(*index).map(|version| version.dot.node);
                    let rank = nodes.iter().position(|listed| Some(*listed) == node).unwrap_or(nodes.len());
                    std::cmp::Reverse(rank)
                };
                // Of equal rank the last counts, which is the latest.
                let winner = heads.iter().copied().max_by_key(rank).unwrap_or(last);
                let others = heads.iter().copied().filter(|other| *other != winner);
                let second = others.max_by_key(rank);
                let tie = second.filter(|second| rank(second) == rank(&winner));
                let reason =
                    tie.map_or(ReasonCode::HigherPriority, |second| self.advantage(winner, Some(second)));
                head(winner, reason, second)
            }
            ConflictResolution::Manual | ConflictResolution::VectorClockCausal { fallback: None } => {
                pending(ReasonCode::Concurrent)
            }
            ConflictResolution::VectorClockCausal { fallback: Some(fallback) } => {
                self.decide(fallback, heads, cut)?
            }
            ConflictResolution::DeleteWins { fallback } | ConflictResolution::UpdateWins { fallback } => {
                let keeps_live = matches!(strategy, ConflictResolution::UpdateWins { .. });
                let kept: Heads = heads.iter().copied().filter(|index| live(*index) == keeps_live).collect();
                if kept.is_empty() || kept.len() == heads.len() {
                    return self.decide(fallback, heads, cut);
                }
                let reason = if keeps_live { ReasonCode::UpdateWins } else { ReasonCode::DeleteWins };
                match kept.as_slice() {
                    // Deletes leave nothing to choose between: the latest stands for all of them.
                    [only] | [.., only] if !keeps_live || kept.len() == 1 => {
                        let beaten = heads.iter().rev().find(|other| live(**other) != keeps_live).copied();
                        head(*only, reason, beaten)
                    }
                    kept => {
                        // As if they were the only ones: what they have in common may be more than what all have.
                        let decision = self.decide(fallback, kept, cut)?;
                        let decided = matches!(decision.picked, Picked::Head(_));
                        if decided { Decision { reason, ..decision } } else { decision }
                    }
                }
            }
            ConflictResolution::FieldMerge(merge) => {
                let kept = field_merge::live_heads(history, merge.liveness, heads);
                let mixed = heads.iter().any(|index| live(*index)) && heads.iter().any(|index| !live(*index));
                match (kept.as_slice(), merge.liveness) {
                    _ if !mixed && kept.is_empty() => head(last, self.advantage(last, runner_up), runner_up),
                    ([], _) | ([_], _) => {
                        let of_kind = |index: &&VersionIndex| live(**index) != kept.is_empty();
                        let winner = heads.iter().rev().find(of_kind).copied().unwrap_or(last);
                        let beaten =
                            heads.iter().rev().find(|other| live(**other) == kept.is_empty()).copied();
                        let reason = match merge.liveness {
                            Liveness::LastWriteWins => self.advantage(winner, beaten),
                            Liveness::DeleteWins => ReasonCode::DeleteWins,
                            Liveness::UpdateWins => ReasonCode::UpdateWins,
                        };
                        head(winner, reason, beaten)
                    }
                    (kept, _) => self.merge(merge, kept, cut)?,
                }
            }
            ConflictResolution::Custom { name, version } => {
                let ancestor = self.known(&history.common_past(heads))?;
                let ancestor = self.payload(&ancestor.value)?;
                let heads = heads.iter().copied().collect();
                let question = Question { name: name.clone(), version: *version, heads, ancestor };
                match self.outside.custom(&question) {
                    Answer::Head(index) => head(index, ReasonCode::Custom, None),
                    Answer::Value(value) => Decision {
                        picked: Picked::Merged,
                        value: value.map_or(Value::Absent, Value::Merged),
                        reason: ReasonCode::Custom,
                        runner_up: None,
                        merged: None,
                    },
                    Answer::Defer => pending(ReasonCode::Deferred),
                    Answer::Missing => pending(ReasonCode::ResolverMissing),
                    Answer::Failed => pending(ReasonCode::ResolverFailed),
                    Answer::Unasked => return Err(Halt::Asks(question)),
                }
            }
        })
    }

    /// Merges the fields of several live heads.
    fn merge(&mut self, merge: &FieldMerge, heads: &[VersionIndex], cut: &Cut) -> Result<Decision, Halt> {
        let history = self.history;
        let mut images = Vec::new();
        for head in heads.iter().rev() {
            images.push(self.fields(*head)?);
        }
        let mut support = Vec::new();
        for index in field_merge::support(history, merge.liveness, cut) {
            let image = self.fields(index)?.unwrap_or_default();
            let base = match history.get(index) {
                Some(version) if !field_merge::is_root(history, index) => {
                    let before = history.maximal(&version.past);
                    match field_merge::live_heads(history, merge.liveness, &before).as_slice() {
                        [] => Base::Nothing,
                        [only] => Base::Image(self.fields(*only)?.unwrap_or_default()),
                        _ => self.known(&version.past)?.merged.clone().map_or(Base::Nothing, Base::Merged),
                    }
                }
                _ => Base::Nothing,
            };
            support.push(Supporter { index, image, base });
        }
        let merged = Rc::new(field_merge::merge(history, &support, merge));
        let images: Option<Vec<Rc<Fields>>> = images.into_iter().collect();
        let (last, runner_up) = match heads {
            [.., runner_up, last] => (*last, Some(*runner_up)),
            _ => return Err(Error::internal("there is nothing to merge").into()),
        };
        let merged = Some(merged);
        let Some(images) = images else {
            let (picked, value) = (Picked::Head(last), Value::Image(last));
            return Ok(Decision { picked, value, reason: ReasonCode::NotAnObject, runner_up, merged });
        };
        let written = merged.as_ref().and_then(|merged| merged.write(&images));
        let value = match written {
            Some(json) => Value::Merged(json.into_bytes().into()),
            None => Value::Image(last),
        };
        let (picked, reason) = (Picked::Merged, ReasonCode::FieldsMerged);
        Ok(Decision { picked, value, reason, runner_up, merged })
    }

    /// What puts the later of two entries above the other.
    fn advantage(&self, winner: VersionIndex, other: Option<VersionIndex>) -> ReasonCode {
        let other = other.and_then(|other| self.history.get(other));
        match (self.history.get(winner), other) {
            (Some(winner), Some(other)) => winner.advantage(other),
            _ => ReasonCode::CausallyLater,
        }
    }
}

impl Version {
    /// What puts this entry above another one in canonical order.
    pub(crate) fn advantage(&self, other: &Version) -> ReasonCode {
        if self.effective_time != other.effective_time {
            let by_clock = self.timestamp > other.timestamp;
            if by_clock { ReasonCode::LaterTimestamp } else { ReasonCode::LaterSuccession }
        } else if self.dot.node != other.dot.node {
            ReasonCode::HigherNode
        } else {
            ReasonCode::HigherPayloadHash
        }
    }
}

/// The class of heads that leave the row alive or not, given whether it was there before they parted.
pub(crate) fn net_class(was_there: bool, live: impl IntoIterator<Item = bool>) -> ConflictClass {
    let (mut any_live, mut any_dead) = (false, false);
    live.into_iter().for_each(|live| if live { any_live = true } else { any_dead = true });
    match (any_live, any_dead, was_there) {
        (true, true, true | false) => ConflictClass::UpdateDelete,
        (true, false, true) => ConflictClass::UpdateUpdate,
        (true, false, false) => ConflictClass::InsertInsert,
        (false, true | false, true | false) => ConflictClass::DeleteDelete,
    }
}

/// What happened to a row since an ancestor, whatever happened in between.
pub(crate) fn net_operation(was_there: bool, is_there: bool) -> ChangeOperation {
    match (was_there, is_there) {
        (true | false, false) => ChangeOperation::Delete,
        (true, true) => ChangeOperation::Update,
        (false, true) => ChangeOperation::Insert,
    }
}
