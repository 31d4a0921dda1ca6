-- What a session keeps of its newest access token, and of the one before, in dialects whose tokens name no session: half
-- of the SHA-256 of the claims. By it a token is found to be of a session that lives (RF-14).
ALTER TABLE session ADD COLUMN access_digest BLOB CHECK (octet_length(access_digest) = 16);
ALTER TABLE session ADD COLUMN access_digest_before BLOB CHECK (octet_length(access_digest_before) = 16);
