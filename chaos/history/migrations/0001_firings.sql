-- Instants are nanoseconds since 1970, UTC; durations are nanoseconds.

CREATE TABLE firings (
    id         INTEGER PRIMARY KEY,
    schedule   TEXT    NOT NULL,
    cluster    TEXT    NOT NULL,
    experiment TEXT    NOT NULL,
    manual     INTEGER NOT NULL, -- asked for by hand: not one that the expression gives
    due        INTEGER NOT NULL,
    started    INTEGER,
    ended      INTEGER,
    outcome    TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    run        TEXT    NOT NULL,
    verdict    TEXT    NOT NULL
);

-- A firing is accounted for exactly once, whoever tries.
CREATE UNIQUE INDEX firings_once ON firings (schedule, due) WHERE NOT manual;
CREATE INDEX firings_due ON firings (due);
CREATE INDEX firings_running ON firings (outcome) WHERE outcome = 'running';

CREATE TABLE recreations (
    id      INTEGER PRIMARY KEY,
    cluster TEXT    NOT NULL,
    machine TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    started INTEGER NOT NULL,
    ready   INTEGER NOT NULL, -- from started until the node was Ready; 0: it was not
    error   TEXT    NOT NULL
);
CREATE INDEX recreations_started ON recreations (cluster, started);
