pub(crate) mod detector;
pub(crate) mod kind;
pub(crate) mod report;
