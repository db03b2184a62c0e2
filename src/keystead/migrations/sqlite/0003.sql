-- Running upgrade 0002 -> 0003

CREATE TABLE domain_abandonments (
    token BLOB NOT NULL, 
    approved BLOB NOT NULL, 
    PRIMARY KEY (token), 
    FOREIGN KEY(token) REFERENCES domain_tokens (hash)
)
 WITHOUT ROWID;

CREATE TABLE domain_releases (
    token BLOB NOT NULL, 
    member BLOB NOT NULL, 
    release BLOB NOT NULL, 
    PRIMARY KEY (token, member), 
    FOREIGN KEY(token) REFERENCES domain_tokens (hash)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

