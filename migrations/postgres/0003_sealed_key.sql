-- The server's own keys, where they are kept in the database: encrypted with a key that is not in it, and bound to their names.
CREATE TABLE sealed_key (
  name TEXT NOT NULL PRIMARY KEY,
  sealed TEXT NOT NULL
);
