-- Instants are nanoseconds since 1970, UTC; durations are nanoseconds.

CREATE TABLE runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    cluster    TEXT    NOT NULL,
    experiment TEXT    NOT NULL,
    driver     TEXT    NOT NULL,
    simulated  INTEGER NOT NULL,
    seed       INTEGER NOT NULL, -- 64 bits, read as signed
    started    INTEGER NOT NULL,
    took       INTEGER NOT NULL,
    verdict    TEXT    NOT NULL, -- 'running' and 'interrupted' beside those of runs that have ended
    reason     TEXT    NOT NULL,
    healed     INTEGER,          -- after how long; NULL: it did not
    phases     TEXT    NOT NULL, -- [{"name": ..., "tookNs": ...}]
    holder     TEXT    NOT NULL, -- the process that a running one belongs to
    report     BLOB    NOT NULL, -- JSON, gzip
    raw        BLOB              -- JSON, gzip; NULL: none was kept
);
CREATE INDEX runs_started ON runs (started);
CREATE INDEX runs_experiment ON runs (experiment, started);
CREATE INDEX runs_running ON runs (verdict) WHERE verdict = 'running';
