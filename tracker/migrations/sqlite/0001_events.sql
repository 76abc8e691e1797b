-- Append-only history. A row is written once: the triggers refuse any change, the hash chain names one made by hand.
CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    event_id TEXT    NOT NULL UNIQUE,
    subject  TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    at       TEXT    NOT NULL,
    entered  TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    evidence TEXT    NOT NULL,
    corrects INTEGER REFERENCES events (seq),
    place    TEXT    NOT NULL,
    previous TEXT    NOT NULL,
    hash     TEXT    NOT NULL,
    UNIQUE (subject, version)
);

CREATE INDEX events_latest ON events (kind, subject, place);

CREATE INDEX events_entered ON events (entered);

CREATE INDEX events_corrects ON events (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE chain (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash TEXT    NOT NULL
);

INSERT INTO chain (id, seq, hash) VALUES (1, 0, '');

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
