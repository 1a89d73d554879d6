//! Reading sources into evidence: one thread unpacks, the others parse.

use crossbeam_channel::bounded;

use super::{
    record::{Evidence, Place, Reason, Rejected},
    source::{Document, SourceError},
    sources,
};

/// How many documents may wait between the reader and the parsers; with their size bounded, so is the memory they take.
const WAITING: usize = 64;

/// Tells how far the reading is.
pub trait Progress: Sync {
    /// One more document has been read.
    fn document(&self);
}

/// Reads documents into evidence. `produce` runs on a thread of its own and hands each document to the sink it is given.
///
/// # Errors
/// What `produce` fails with.
pub fn evidence<F>(produce: F, parsers: usize, progress: &dyn Progress) -> Result<Evidence, SourceError>
where
    F: FnOnce(&mut dyn FnMut(Document) -> bool) -> Result<(), SourceError> + Send,
{
    let (sender, receiver) = bounded::<Document>(WAITING);
    std::thread::scope(|scope| {
        let parsers: Vec<_> = (0..parsers.max(1))
            .map(|_| {
                let receiver = receiver.clone();
                scope.spawn(move || {
                    let mut evidence = Evidence::default();
                    for document in receiver {
                        take(document, &mut evidence);
                        progress.document();
                    }
                    evidence
                })
            })
            .collect();
        drop(receiver);
        let produced = scope.spawn(move || produce(&mut |document| sender.send(document).is_ok()));
        let mut all = Evidence::default();
        for parser in parsers {
            match parser.join() {
                Ok(evidence) => all.unite(evidence),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        match produced.join() {
            Ok(result) => result.map(|()| all),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn take(document: Document, evidence: &mut Evidence) {
    let (path, source, reason, detail) = match document {
        Document::Known {
            format,
            path,
            bytes,
            first_line,
        } => return sources::read_lines(format, &path, &bytes, first_line, evidence),
        Document::TooLarge { format, path } => {
            let detail = "the document is larger than the importer reads";
            (path, format.source(), Reason::DocumentTooLarge, detail)
        }
        Document::UnsafePath { path } => {
            let detail = "the name is absolute or leads out of the archive";
            (path, "site", Reason::UnsafePath, detail)
        }
    };
    evidence.rejected.push(Rejected {
        place: Place {
            source: source.to_owned(),
            document: path.chars().take(200).collect(),
        },
        subject: String::new(),
        reason,
        detail: detail.to_owned(),
    });
}
