//! Writing to the terminal: plain text, and the progress bar of a sync.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::domain::freshness::{Dataset, Progress};

/// A bar that says which dataset is read and how far.
#[derive(Debug)]
pub struct SyncBar(ProgressBar);

impl Default for SyncBar {
    fn default() -> Self {
        Self::new()
    }
}

impl SyncBar {
    /// A bar on standard error; nothing is drawn where that is no terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {msg:15} {pos}"));
        Self(bar)
    }

    /// Shows how far a dataset is.
    pub fn show(&self, dataset: Dataset, progress: Progress) {
        self.0.set_message(dataset.as_str().replace('_', " "));
        if let Some(total) = progress.total {
            self.0
                .set_style(style("{spinner} {msg:15} {wide_bar} {pos}/{len} {eta}"));
            self.0.set_length(total);
        }
        self.0.set_position(progress.done);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; one that does not parse falls back to the plain bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
