-- Run once by `postgres --single` before anybody can connect: $owner_password and $service_password are filled in by cluster.py.
-- A statement ends at a semicolon followed by an empty line.

CREATE ROLE greenroom_owner LOGIN PASSWORD '$owner_password';

CREATE ROLE greenroom LOGIN PASSWORD '$service_password';

-- FILE_COPY: with fsync off, as here, it takes half the time of the default.
CREATE DATABASE greenroom OWNER greenroom_owner STRATEGY FILE_COPY;

REVOKE ALL ON DATABASE greenroom FROM PUBLIC;

GRANT CONNECT ON DATABASE greenroom TO greenroom;

REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;

