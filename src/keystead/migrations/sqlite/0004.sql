-- Running upgrade 0003 -> 0004

CREATE TABLE rotations (
    number BIGINT NOT NULL, 
    cause INTEGER NOT NULL, 
    begun BIGINT NOT NULL, 
    stage INTEGER NOT NULL, 
    paused INTEGER NOT NULL, 
    pace BIGINT NOT NULL, 
    orders BIGINT NOT NULL, 
    waived INTEGER NOT NULL, 
    retired BIGINT NOT NULL, 
    resealed BIGINT NOT NULL, 
    last_reseal BIGINT NOT NULL, 
    revision BIGINT NOT NULL, 
    is_open INTEGER, 
    PRIMARY KEY (number), 
    UNIQUE (is_open)
)
 WITHOUT ROWID;

CREATE TABLE rotation_keys (
    rotation BIGINT NOT NULL, 
    place INTEGER NOT NULL, 
    domain_key BLOB NOT NULL, 
    PRIMARY KEY (rotation, place), 
    FOREIGN KEY(rotation) REFERENCES rotations (number), 
    FOREIGN KEY(domain_key) REFERENCES domain_keys (id)
)
 WITHOUT ROWID;

CREATE TABLE keys_left_behind (
    domain_key BLOB NOT NULL, 
    key_id TEXT NOT NULL, 
    head_hash BLOB NOT NULL, 
    PRIMARY KEY (domain_key, key_id), 
    FOREIGN KEY(domain_key) REFERENCES domain_keys (id), 
    FOREIGN KEY(key_id) REFERENCES keys (key_id)
)
 WITHOUT ROWID;

CREATE TABLE domain_key_usage (
    domain_key BLOB NOT NULL, 
    module BLOB NOT NULL, 
    incarnation BLOB NOT NULL, 
    operations BIGINT NOT NULL, 
    refusals BIGINT NOT NULL, 
    PRIMARY KEY (domain_key, module, incarnation)
)
 WITHOUT ROWID;

CREATE TABLE backups (
    id BLOB NOT NULL, 
    taken BIGINT NOT NULL, 
    version BIGINT NOT NULL, 
    PRIMARY KEY (id)
)
 WITHOUT ROWID;

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

