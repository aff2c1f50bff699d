//! Who is told how long work goes on.

/// Hears of progress; never of anything that only the ledger may say.
pub trait Report: Send + Sync + std::fmt::Debug {
    /// So many of something have been seen at a source.
    fn progress(&self, source: &str, what: &str, count: u64);
    /// A source, or a stretch of work, is finished: one line that stays.
    fn finished(&self, source: &str, line: &str);
    /// Something the person should know: one line that stays.
    fn note(&self, line: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Report for Silent {
    fn progress(&self, _source: &str, _what: &str, _count: u64) {}
    fn finished(&self, _source: &str, _line: &str) {}
    fn note(&self, _line: &str) {}
}
