-- Run once by `postgres --single` before anybody can connect: cluster.py fills in $owner_password and $service_password.
-- A statement ends at a semicolon followed by an empty line.

CREATE ROLE greenroom_owner LOGIN PASSWORD '$owner_password';

CREATE ROLE greenroom LOGIN PASSWORD '$service_password';

-- The database that initdb has just made for general use becomes ours: another one would be 300 more files, and nobody needs this one.
ALTER DATABASE postgres RENAME TO greenroom;

ALTER DATABASE greenroom OWNER TO greenroom_owner;

REVOKE ALL ON DATABASE greenroom, template1 FROM PUBLIC;

GRANT CONNECT ON DATABASE greenroom TO greenroom;

