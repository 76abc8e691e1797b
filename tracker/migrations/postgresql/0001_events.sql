-- Append-only history. A row is written once: the triggers refuse any change, the hash chain names one made by hand.
CREATE TABLE events (
    seq      BIGINT  PRIMARY KEY,
    event_id TEXT    COLLATE "C" NOT NULL UNIQUE,
    subject  TEXT    COLLATE "C" NOT NULL,
    version  BIGINT  NOT NULL,
    kind     TEXT    COLLATE "C" NOT NULL,
    at       TEXT    COLLATE "C" NOT NULL,
    entered  TEXT    COLLATE "C" NOT NULL,
    actor    TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    evidence TEXT    NOT NULL,
    corrects BIGINT  REFERENCES events (seq),
    place    TEXT    COLLATE "C" NOT NULL,
    previous TEXT    NOT NULL,
    hash     TEXT    NOT NULL,
    UNIQUE (subject, version)
);

CREATE INDEX events_latest ON events (kind, subject, place) INCLUDE (seq);

CREATE INDEX events_entered ON events (entered);

CREATE INDEX events_corrects ON events (corrects) WHERE corrects IS NOT NULL;

CREATE TABLE chain (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  BIGINT  NOT NULL,
    hash TEXT    NOT NULL
);

INSERT INTO chain (id, seq, hash) VALUES (1, 0, '');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only';
END;
$$;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE OR DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER events_are_not_emptied BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
