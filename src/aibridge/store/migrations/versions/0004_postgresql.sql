CREATE TABLE audit_log (
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    actor_id TEXT COLLATE "C" NOT NULL,
    actor_username TEXT COLLATE "C" NOT NULL,
    token_id TEXT COLLATE "C" NOT NULL,
    ip TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    resource_type TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    resource_target TEXT COLLATE "C" NOT NULL,
    diff TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (id)
);

CREATE TABLE groups (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_groups PRIMARY KEY (id),
    CONSTRAINT uq_groups_name_key UNIQUE (name_key)
);

CREATE TABLE initiator_kinds (
    initiator_id TEXT COLLATE "C" NOT NULL,
    kind_id INTEGER NOT NULL,
    interceptions BIGINT NOT NULL,
    CONSTRAINT pk_initiator_kinds PRIMARY KEY (initiator_id, kind_id)
);

CREATE INDEX ix_initiator_kinds_kind ON initiator_kinds (kind_id, initiator_id);

CREATE TABLE interceptions (
    id TEXT COLLATE "C" NOT NULL,
    initiator_id TEXT COLLATE "C" NOT NULL,
    api_key_id TEXT COLLATE "C",
    provider TEXT COLLATE "C" NOT NULL,
    provider_name TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C",
    client_session_id TEXT COLLATE "C",
    session_id TEXT COLLATE "C" NOT NULL,
    thread_parent_id TEXT COLLATE "C",
    thread_root_id TEXT COLLATE "C",
    credential_kind TEXT COLLATE "C" NOT NULL,
    credential_hint TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    stream BOOLEAN NOT NULL,
    request_bytes BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    edits TEXT COLLATE "C" NOT NULL,
    notes TEXT COLLATE "C" NOT NULL,
    ended_at BIGINT,
    status TEXT COLLATE "C" NOT NULL,
    http_status INTEGER,
    error_type TEXT COLLATE "C" NOT NULL,
    error_message TEXT COLLATE "C" NOT NULL,
    stop_reason TEXT COLLATE "C" NOT NULL,
    first_byte_us BIGINT,
    response_bytes BIGINT NOT NULL,
    kind_id INTEGER,
    tokens BIGINT NOT NULL,
    magnitude INTEGER NOT NULL,
    CONSTRAINT pk_interceptions PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX ix_interceptions_ended ON interceptions (started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_initiator ON interceptions (initiator_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_kind ON interceptions (kind_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_magnitude ON interceptions (magnitude, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_interceptions_open ON interceptions (started_at) WHERE ended_at IS NULL;

CREATE INDEX ix_interceptions_session ON interceptions (session_id, started_at DESC, id DESC) WHERE ended_at IS NOT NULL;

CREATE TABLE interceptions_rest PARTITION OF interceptions DEFAULT;

CREATE TABLE kinds (
    id SERIAL NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    provider_name TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    shape INTEGER NOT NULL,
    CONSTRAINT pk_kinds PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_kinds ON kinds (provider, provider_name, model, client, shape);

CREATE TABLE model_thoughts (
    interception_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    provider_response_id TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_model_thoughts PRIMARY KEY (interception_id, id)
)
 PARTITION BY RANGE (interception_id);

CREATE TABLE model_thoughts_rest PARTITION OF model_thoughts DEFAULT;

CREATE TABLE session_kinds (
    session_id TEXT COLLATE "C" NOT NULL,
    initiator_id TEXT COLLATE "C" NOT NULL,
    kind_id INTEGER NOT NULL,
    last_active_at BIGINT NOT NULL,
    CONSTRAINT pk_session_kinds PRIMARY KEY (session_id, initiator_id, kind_id)
);

CREATE INDEX ix_session_kinds_active ON session_kinds (kind_id, last_active_at, session_id, initiator_id);

CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL,
    initiator_id TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    last_active_at BIGINT NOT NULL,
    last_prompt_at BIGINT,
    last_prompt TEXT COLLATE "C",
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
);

CREATE INDEX ix_sessions_active ON sessions (last_active_at, id, initiator_id);

CREATE INDEX ix_sessions_initiator ON sessions (initiator_id, last_active_at, id);

CREATE INDEX ix_sessions_length ON sessions (length, last_active_at, id, initiator_id);

CREATE INDEX ix_sessions_magnitude ON sessions (magnitude, last_active_at, id, initiator_id);

CREATE TABLE token_usages (
    interception_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    provider_response_id TEXT COLLATE "C" NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_input_tokens BIGINT NOT NULL,
    cache_write_input_tokens BIGINT NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_token_usages PRIMARY KEY (interception_id, id)
)
 PARTITION BY RANGE (interception_id);

CREATE TABLE token_usages_rest PARTITION OF token_usages DEFAULT;

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    secret_sha256 TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    scopes TEXT COLLATE "C" NOT NULL,
    login_type TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_user_id_name UNIQUE (user_id, name)
);

CREATE TABLE tool_usages (
    interception_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    provider_response_id TEXT COLLATE "C" NOT NULL,
    initiator_id TEXT COLLATE "C" NOT NULL,
    tool TEXT COLLATE "C" NOT NULL,
    input TEXT COLLATE "C" NOT NULL,
    server_url TEXT COLLATE "C" NOT NULL,
    injected BOOLEAN NOT NULL,
    invocation_error TEXT COLLATE "C" NOT NULL,
    provider_tool_call_id TEXT COLLATE "C" NOT NULL,
    provider_item_id TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_tool_usages PRIMARY KEY (interception_id, id)
)
 PARTITION BY RANGE (interception_id);

CREATE INDEX ix_tool_usages_call ON tool_usages (initiator_id, provider_tool_call_id) WHERE provider_tool_call_id != '';

CREATE TABLE tool_usages_rest PARTITION OF tool_usages DEFAULT;

CREATE TABLE user_prompts (
    interception_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    provider_response_id TEXT COLLATE "C" NOT NULL,
    prompt TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_user_prompts PRIMARY KEY (interception_id, id)
)
 PARTITION BY RANGE (interception_id);

CREATE TABLE user_prompts_rest PARTITION OF user_prompts DEFAULT;

CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    avatar_url TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C",
    password_hash TEXT COLLATE "C",
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_username_key UNIQUE (username_key)
);

CREATE UNIQUE INDEX uq_users_email_key ON users (email_key);

CREATE TABLE group_ai_budgets (
    group_id TEXT COLLATE "C" NOT NULL,
    spend_limit_micros BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_group_ai_budgets PRIMARY KEY (group_id),
    CONSTRAINT ck_group_ai_budgets_spend_limit CHECK (spend_limit_micros >= 0),
    CONSTRAINT fk_group_ai_budgets_group_id FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE
);

CREATE TABLE group_members (
    group_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_group_members PRIMARY KEY (group_id, user_id),
    CONSTRAINT fk_group_members_group_id FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE
);

CREATE INDEX ix_group_members_user ON group_members (user_id);

CREATE TABLE user_ai_budget_overrides (
    user_id TEXT COLLATE "C" NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    spend_limit_micros BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_user_ai_budget_overrides PRIMARY KEY (user_id),
    CONSTRAINT ck_user_ai_budget_overrides_spend_limit CHECK (spend_limit_micros >= 0),
    CONSTRAINT fk_user_ai_budget_overrides_group_id FOREIGN KEY(group_id) REFERENCES groups (id) ON DELETE CASCADE
);

CREATE TABLE text_index (
    started_at BIGINT NOT NULL,
    interception_id TEXT COLLATE "C" NOT NULL,
    portion INTEGER NOT NULL,
    prompt TSVECTOR NOT NULL,
    tool TSVECTOR NOT NULL,
    error TSVECTOR NOT NULL,
    CONSTRAINT pk_text_index PRIMARY KEY (started_at, interception_id, portion)
)
 PARTITION BY RANGE (started_at);

CREATE INDEX ix_text_index_words ON text_index USING gin (prompt, tool, error);

CREATE TABLE text_index_rest PARTITION OF text_index DEFAULT;

