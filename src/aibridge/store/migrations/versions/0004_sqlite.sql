-- What interceptions and sessions are found by, for SQLite. The old tables are copied into new ones:
-- SQLite cannot add columns that must have a value.

DROP INDEX ix_interceptions_ended;
DROP INDEX ix_interceptions_session;
DROP INDEX ix_interceptions_open;
DROP INDEX ix_sessions_active;
DROP TABLE session_facets;
ALTER TABLE interceptions RENAME TO old_interceptions;
ALTER TABLE sessions RENAME TO old_sessions;

CREATE TABLE kinds (
    id INTEGER NOT NULL,
    provider VARCHAR(32) NOT NULL,
    provider_name VARCHAR(64) NOT NULL,
    model TEXT NOT NULL,
    client VARCHAR(64) NOT NULL,
    shape INTEGER NOT NULL,
    CONSTRAINT pk_kinds PRIMARY KEY (id)
);

CREATE TABLE initiator_kinds (
    initiator_id VARCHAR(36) NOT NULL,
    kind_id INTEGER NOT NULL,
    interceptions BIGINT NOT NULL,
    CONSTRAINT pk_initiator_kinds PRIMARY KEY (initiator_id, kind_id)
) WITHOUT ROWID;

CREATE TABLE interceptions (
    id VARCHAR(36) NOT NULL,
    initiator_id VARCHAR(36) NOT NULL,
    api_key_id VARCHAR(10),
    provider VARCHAR(32) NOT NULL,
    provider_name VARCHAR(64) NOT NULL,
    route VARCHAR(128) NOT NULL,
    model TEXT NOT NULL,
    client VARCHAR(64),
    client_session_id VARCHAR(256),
    session_id VARCHAR(256) NOT NULL,
    thread_parent_id VARCHAR(36),
    thread_root_id VARCHAR(36),
    credential_kind VARCHAR(16) NOT NULL,
    credential_hint VARCHAR(15) NOT NULL,
    user_agent VARCHAR(256) NOT NULL,
    metadata TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    request_bytes BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    edits TEXT NOT NULL,
    notes TEXT NOT NULL,
    ended_at BIGINT,
    status VARCHAR(16) NOT NULL,
    http_status INTEGER,
    error_type VARCHAR(32) NOT NULL,
    error_message TEXT NOT NULL,
    stop_reason VARCHAR(64) NOT NULL,
    first_byte_us BIGINT,
    response_bytes BIGINT NOT NULL,
    kind_id INTEGER,
    tokens BIGINT NOT NULL,
    magnitude INTEGER NOT NULL,
    CONSTRAINT pk_interceptions PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE sessions (
    id VARCHAR(256) NOT NULL,
    initiator_id VARCHAR(36) NOT NULL,
    client VARCHAR(64),
    metadata TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    last_active_at BIGINT NOT NULL,
    last_prompt_at BIGINT,
    last_prompt TEXT,
    last_started_at BIGINT NOT NULL,
    length INTEGER NOT NULL,
    magnitude INTEGER NOT NULL,
    threads BIGINT NOT NULL,
    interceptions BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_input_tokens BIGINT NOT NULL,
    cache_write_input_tokens BIGINT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id, initiator_id)
) WITHOUT ROWID;

CREATE TABLE session_kinds (
    session_id VARCHAR(256) NOT NULL,
    initiator_id VARCHAR(36) NOT NULL,
    kind_id INTEGER NOT NULL,
    last_active_at BIGINT NOT NULL,
    CONSTRAINT pk_session_kinds PRIMARY KEY (session_id, initiator_id, kind_id)
) WITHOUT ROWID;

INSERT INTO kinds (provider, provider_name, model, client, shape)
SELECT DISTINCT o.provider, o.provider_name, o.model, coalesce(o.client, ''),
    (o.error_type <> '' OR o.error_message <> '')
    + 2 * EXISTS (SELECT 1 FROM user_prompts c WHERE c.interception_id = o.id)
    + 4 * EXISTS (SELECT 1 FROM model_thoughts c WHERE c.interception_id = o.id)
    + 8 * EXISTS (SELECT 1 FROM tool_usages c WHERE c.interception_id = o.id)
FROM old_interceptions o WHERE o.ended_at IS NOT NULL;

CREATE UNIQUE INDEX uq_kinds ON kinds (provider, provider_name, model, client, shape);

INSERT INTO interceptions
SELECT
    o.id, o.initiator_id, o.api_key_id, o.provider, o.provider_name, o.route, o.model,
    o.client, o.client_session_id, o.session_id, o.thread_parent_id, o.thread_root_id,
    o.credential_kind, o.credential_hint, o.user_agent, o.metadata, o.stream, o.request_bytes,
    o.started_at, o.edits, o.notes, o.ended_at, o.status, o.http_status, o.error_type,
    o.error_message, o.stop_reason, o.first_byte_us, o.response_bytes,
    CASE WHEN o.ended_at IS NOT NULL THEN (
        SELECT k.id FROM kinds k
        WHERE k.provider = o.provider AND k.provider_name = o.provider_name
        AND k.model = o.model AND k.client = coalesce(o.client, '') AND k.shape = (
    (o.error_type <> '' OR o.error_message <> '')
    + 2 * EXISTS (SELECT 1 FROM user_prompts c WHERE c.interception_id = o.id)
    + 4 * EXISTS (SELECT 1 FROM model_thoughts c WHERE c.interception_id = o.id)
    + 8 * EXISTS (SELECT 1 FROM tool_usages c WHERE c.interception_id = o.id)
        )
    ) END,
    coalesce(sum(u.input_tokens + u.output_tokens
        + u.cache_read_input_tokens + u.cache_write_input_tokens), 0),
    0
FROM old_interceptions o LEFT JOIN token_usages u ON u.interception_id = o.id
GROUP BY o.id ORDER BY o.id;

UPDATE interceptions
SET magnitude = length(CAST(tokens AS TEXT)) * 10 + CAST(substr(CAST(tokens AS TEXT), 1, 1) AS INTEGER)
WHERE ended_at IS NOT NULL;

DROP TABLE old_interceptions;

INSERT INTO initiator_kinds
SELECT initiator_id, kind_id, count(*) FROM interceptions
WHERE ended_at IS NOT NULL GROUP BY initiator_id, kind_id;

CREATE INDEX ix_interceptions_session ON interceptions (session_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

INSERT INTO sessions
SELECT
    o.id, o.initiator_id, o.client, o.metadata, o.started_at, o.ended_at, o.last_active_at,
    o.last_prompt_at, o.last_prompt,
    max(i.started_at),
    length(CAST((max(i.started_at) - o.started_at) / 1000000 AS TEXT)),
    0,
    o.threads, o.interceptions,
    o.input_tokens + o.output_tokens + o.cache_read_input_tokens + o.cache_write_input_tokens,
    o.input_tokens, o.output_tokens, o.cache_read_input_tokens, o.cache_write_input_tokens
FROM old_sessions o JOIN interceptions i
ON i.session_id = o.id AND i.initiator_id = o.initiator_id AND i.ended_at IS NOT NULL
GROUP BY o.id, o.initiator_id;

UPDATE sessions
SET magnitude = length(CAST(tokens AS TEXT)) * 10 + CAST(substr(CAST(tokens AS TEXT), 1, 1) AS INTEGER);

DROP TABLE old_sessions;

INSERT INTO session_kinds
SELECT i.session_id, i.initiator_id, i.kind_id, s.last_active_at
FROM interceptions i JOIN sessions s ON s.id = i.session_id AND s.initiator_id = i.initiator_id
WHERE i.ended_at IS NOT NULL GROUP BY i.session_id, i.initiator_id, i.kind_id;

DROP TABLE IF EXISTS text_index;
DELETE FROM indexed_interceptions;

CREATE INDEX ix_initiator_kinds_kind ON initiator_kinds (kind_id, initiator_id);

CREATE INDEX ix_interceptions_ended ON interceptions (started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_initiator ON interceptions (initiator_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_kind ON interceptions (kind_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_magnitude ON interceptions (magnitude, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_open ON interceptions (started_at) WHERE ended_at IS NULL;

CREATE INDEX ix_sessions_active ON sessions (last_active_at, id, initiator_id);

CREATE INDEX ix_sessions_initiator ON sessions (initiator_id, last_active_at, id);

CREATE INDEX ix_sessions_length ON sessions (length, last_active_at, id, initiator_id);

CREATE INDEX ix_sessions_magnitude ON sessions (magnitude, last_active_at, id, initiator_id);

CREATE INDEX ix_session_kinds_active ON session_kinds (kind_id, last_active_at, session_id, initiator_id);
