-- Which identity of the office's provider (OpenID Connect) an account belongs to.
CREATE TABLE identities (
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    username TEXT NOT NULL UNIQUE REFERENCES users (username),
    PRIMARY KEY (issuer, subject)
);
