-- The first schema. Times are integer microseconds since 1970 in UTC; names of states are text; lists are JSON text.
-- The rules that code could forget are held here: NOT NULL, CHECK, unique and foreign keys (ST-08).

-- Where the next block of ids begins. Ids below it were given out, or belong to a block that somebody holds.
CREATE TABLE id_block (
  name TEXT NOT NULL PRIMARY KEY,
  next BIGINT NOT NULL CHECK (next > 0)
);

INSERT INTO id_block (name, next) VALUES ('user', 1);

-- Every id that a user ever had, also of users who are deleted: an id never comes back (LG-11).
CREATE TABLE used_user_id (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0)
);

CREATE TABLE user_account (
  id BIGINT NOT NULL PRIMARY KEY REFERENCES used_user_id (id),
  email TEXT,
  username TEXT,
  first_name TEXT,
  middle_name TEXT,
  last_name TEXT,
  photo TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
  must_change_password BIGINT NOT NULL CHECK (must_change_password IN (0, 1)),
  attributes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- One namespace for e-mails and usernames, in canonical form (LG-10, RS-04).
CREATE TABLE identifier (
  canonical TEXT NOT NULL PRIMARY KEY CHECK (canonical <> ''),
  user_id BIGINT NOT NULL REFERENCES user_account (id),
  kind TEXT NOT NULL CHECK (kind IN ('email', 'username'))
);

CREATE INDEX identifier_user ON identifier (user_id);

CREATE TABLE password (
  user_id BIGINT NOT NULL PRIMARY KEY REFERENCES user_account (id),
  hash TEXT NOT NULL CHECK (hash <> ''),
  changed_at BIGINT NOT NULL
);

CREATE TABLE role (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  permissions TEXT NOT NULL
);

CREATE TABLE user_role (
  user_id BIGINT NOT NULL REFERENCES user_account (id),
  role_id BIGINT NOT NULL REFERENCES role (id),
  PRIMARY KEY (user_id, role_id)
);

CREATE INDEX user_role_role ON user_role (role_id);

-- A session is its refresh token family; no token is stored. Keyed by user, so that one user's sessions lie together.
CREATE TABLE session (
  user_id BIGINT NOT NULL REFERENCES user_account (id),
  handle BYTEA NOT NULL CHECK (octet_length(handle) = 16),
  dialect TEXT NOT NULL,
  device TEXT,
  salt BYTEA NOT NULL CHECK (octet_length(salt) = 16),
  generation BIGINT NOT NULL CHECK (generation >= 0),
  created_at BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  idle_expires_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  client_address TEXT,
  client_agent TEXT,
  ended_at BIGINT,
  end_cause TEXT CHECK (
    end_cause IN ('logout', 'replaced', 'password_changed', 'password_reset', 'reuse', 'cap', 'operator')
  ),
  PRIMARY KEY (user_id, handle),
  CHECK (idle_expires_at <= expires_at),
  CHECK ((ended_at IS NULL) = (end_cause IS NULL))
);

-- A device has one live session in a dialect. Sessions without a device are in it too: by it the live ones of a user
-- are found without reading the ended ones.
CREATE UNIQUE INDEX session_live ON session (user_id, dialect, device) WHERE ended_at IS NULL;

CREATE TABLE challenge (
  user_id BIGINT NOT NULL REFERENCES user_account (id),
  handle BYTEA NOT NULL CHECK (octet_length(handle) = 16),
  salt BYTEA NOT NULL CHECK (octet_length(salt) = 16),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (user_id, handle)
);

-- A user has one open challenge (RS-07).
CREATE UNIQUE INDEX challenge_open ON challenge (user_id) WHERE used_at IS NULL;

CREATE TABLE mail (
  id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
  letter TEXT NOT NULL CHECK (letter IN ('password_reset', 'nobody')),
  challenge_user_id BIGINT,
  challenge_handle BYTEA CHECK (octet_length(challenge_handle) = 16),
  recipient TEXT,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  failures BIGINT NOT NULL CHECK (failures >= 0),
  CHECK ((letter = 'password_reset') = (challenge_user_id IS NOT NULL)),
  CHECK ((letter = 'password_reset') = (challenge_handle IS NOT NULL)),
  CHECK ((letter = 'password_reset') = (recipient IS NOT NULL))
);

CREATE INDEX mail_due ON mail (due_at);
CREATE INDEX mail_challenge_user ON mail (challenge_user_id) WHERE challenge_user_id IS NOT NULL;
