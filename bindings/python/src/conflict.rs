pub(crate) mod custom;
pub(crate) mod detector;
pub(crate) mod kind;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod strategy;
