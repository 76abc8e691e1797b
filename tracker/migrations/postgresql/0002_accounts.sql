-- People. Passwords only as Argon2id hashes, session ids only as SHA-256. What is done to an account is also an event.
CREATE TABLE users (
    username  TEXT    COLLATE "C" PRIMARY KEY,
    name      TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    sector    TEXT    NOT NULL,
    towns     TEXT    NOT NULL,
    password  TEXT    NOT NULL,
    is_active BIGINT  NOT NULL,
    version   BIGINT  NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    username   TEXT NOT NULL REFERENCES users (username),
    begun      TEXT NOT NULL,
    seen       TEXT NOT NULL,
    client     TEXT NOT NULL
);

CREATE INDEX sessions_username ON sessions (username);

CREATE TABLE failures (
    scope   TEXT    COLLATE "C" PRIMARY KEY,
    tries   BIGINT  NOT NULL,
    until   TEXT    NOT NULL,
    last    TEXT    NOT NULL
);
