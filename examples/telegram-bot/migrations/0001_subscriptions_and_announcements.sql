-- Where in the server's change log the bot is. One row at most.
CREATE TABLE position (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cursor TEXT NOT NULL
) STRICT;

-- Who wants to hear of which releases. A column that is null narrows nothing.
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL,
    codename TEXT NOT NULL,
    region TEXT,
    branch TEXT,
    type TEXT
) STRICT;

CREATE UNIQUE INDEX subscriptions_once ON subscriptions (chat, codename, ifnull(region, ''), ifnull(branch, ''), ifnull(type, ''));
CREATE INDEX subscriptions_by_codename ON subscriptions (codename);

-- What each chat has been told, or is to be told: a release once. The text is null when it has been sent.
CREATE TABLE announcements (
    id INTEGER PRIMARY KEY,
    chat INTEGER NOT NULL,
    release TEXT NOT NULL,
    text TEXT,
    UNIQUE (chat, release)
) STRICT;

CREATE INDEX announcements_to_send ON announcements (chat, id) WHERE text IS NOT NULL;
