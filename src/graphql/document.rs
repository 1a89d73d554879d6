//! One operation's document, from its text to what may be run.
