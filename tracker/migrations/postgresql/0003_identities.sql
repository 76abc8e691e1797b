-- Which identity of the office's provider (OpenID Connect) an account belongs to.
CREATE TABLE identities (
    issuer   TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES users (username),
    PRIMARY KEY (issuer, subject)
);
