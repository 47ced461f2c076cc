"""How the embedded PostgreSQL is run: on its command line at every start, so that an upgrade of Greenroom changes them."""

SERVER_SETTINGS = {
    # Who may come in: this machine's owner of the socket, with a password.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "cluster_name": "greenroom",
    "timezone": "UTC",
    # What was acknowledged is on the disk. These are the defaults; here they also win over an ALTER SYSTEM.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Rare checkpoints: after each the first change of a page logs the whole page. At most 2 GB to replay after a crash.
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_compression": "pglz",
    "wal_buffers": "16MB",
    "shared_buffers": "256MB",
    "huge_pages": "try",
    # Short statements on rows that are in memory or on an SSD: compiling never pays, and an index read costs no seek.
    "jit": "off",
    "random_page_cost": "1.1",
    # A few hot rows (a session's counters) change all the time: clean up before they bloat.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_cost_delay": "0",
    # A client that stalls in a transaction holds a session's lock: everybody else waits for it.
    "idle_in_transaction_session_timeout": "30s",
    # Health-adjacent data stays out of the log: no statement, no parameter, no DETAIL (it quotes keys), and no ERROR at all
    # (its text quotes values). What the server goes through is logged; who sent the statement gets the whole error.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
}
