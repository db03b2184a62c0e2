-- Running upgrade 0001 -> 0002

CREATE TABLE domain_tokens (
    hash BLOB NOT NULL, 
    version BIGINT NOT NULL, 
    predecessor BLOB NOT NULL, 
    token BLOB NOT NULL, 
    submitter BLOB NOT NULL, 
    decision INTEGER NOT NULL, 
    decided BIGINT NOT NULL, 
    stage INTEGER, 
    PRIMARY KEY (hash)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX domain_tokens_accepted ON domain_tokens (predecessor) WHERE stage IS NOT NULL;

CREATE INDEX domain_tokens_by_version ON domain_tokens (version);

CREATE TABLE domain_promises (
    token BLOB NOT NULL, 
    member BLOB NOT NULL, 
    promise BLOB NOT NULL, 
    PRIMARY KEY (token, member), 
    FOREIGN KEY(token) REFERENCES domain_tokens (hash)
)
 WITHOUT ROWID;

CREATE TABLE domain_installations (
    token BLOB NOT NULL, 
    member BLOB NOT NULL, 
    installed BIGINT NOT NULL, 
    PRIMARY KEY (token, member), 
    FOREIGN KEY(token) REFERENCES domain_tokens (hash)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

