CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

CREATE TABLE domain_keys (
    id BLOB NOT NULL, 
    writable INTEGER NOT NULL, 
    added BIGINT NOT NULL, 
    PRIMARY KEY (id), 
    CONSTRAINT writable_is_truth CHECK (writable IN (0, 1))
)
 WITHOUT ROWID;

CREATE TABLE keys (
    key_id TEXT NOT NULL, 
    account TEXT NOT NULL, 
    region TEXT NOT NULL, 
    head BLOB NOT NULL, 
    head_hash BLOB NOT NULL, 
    head_domain_key BLOB NOT NULL, 
    PRIMARY KEY (key_id), 
    CONSTRAINT head_hash_is_sha256 CHECK (length(head_hash) = 32), 
    FOREIGN KEY(head_domain_key) REFERENCES domain_keys (id)
)
 WITHOUT ROWID;

CREATE INDEX keys_by_domain_key ON keys (head_domain_key, key_id);

CREATE INDEX keys_by_owner ON keys (account, region, key_id);

CREATE TABLE key_tokens (
    key_id TEXT NOT NULL, 
    version BIGINT NOT NULL, 
    domain_key BLOB NOT NULL, 
    token BLOB NOT NULL, 
    PRIMARY KEY (key_id, version), 
    FOREIGN KEY(key_id) REFERENCES keys (key_id), 
    FOREIGN KEY(domain_key) REFERENCES domain_keys (id)
)
 WITHOUT ROWID;

CREATE INDEX key_tokens_by_domain_key ON key_tokens (domain_key, key_id, version);

CREATE TABLE key_attachments (
    key_id TEXT NOT NULL, 
    kind TEXT NOT NULL, 
    content BLOB NOT NULL, 
    PRIMARY KEY (key_id, kind), 
    FOREIGN KEY(key_id) REFERENCES keys (key_id)
)
 WITHOUT ROWID;

CREATE TABLE aliases (
    account TEXT NOT NULL, 
    region TEXT NOT NULL, 
    name TEXT NOT NULL, 
    key_id TEXT NOT NULL, 
    PRIMARY KEY (account, region, name), 
    FOREIGN KEY(key_id) REFERENCES keys (key_id)
)
 WITHOUT ROWID;

CREATE TABLE grant_retirers (
    region TEXT NOT NULL, 
    principal TEXT NOT NULL, 
    key_id TEXT NOT NULL, 
    PRIMARY KEY (region, principal, key_id), 
    FOREIGN KEY(key_id) REFERENCES keys (key_id)
)
 WITHOUT ROWID;

CREATE INDEX grant_retirers_by_key ON grant_retirers (key_id);

INSERT INTO alembic_version (version_num) VALUES ('0001') RETURNING version_num;

