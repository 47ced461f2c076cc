"""What the harness may set. Every value is read once, at the start."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One process's settings."""

    port: int
    host: str
    socket_directory: str
    user: str
    password: str | None
    database: str
    pool_size: int
    token_key: bytes
    log_file: str
    address_limit: int
    read_limit: int
    write_limit: int


def load() -> Settings:
    """The settings that the environment asks for. Raises KeyError for one that is missing."""
    env = os.environ
    return Settings(
        port=int(env.get("PORT", "8000")),
        host=env.get("HOST", "127.0.0.1"),
        socket_directory=str(Path(env["PG_SOCKET"]).parent),
        user=env["PG_USER"],
        password=env.get("PG_PASSWORD"),
        database=env["PG_DATABASE"],
        pool_size=int(env.get("POOL_SIZE", "16")),
        token_key=bytes.fromhex(env["TOKEN_KEY_HEX"]),
        log_file=env.get("LOG_FILE", "/dev/null"),
        address_limit=int(env.get("RATE_LIMIT_ADDRESS", "3000")),
        read_limit=int(env.get("RATE_LIMIT_READS", "1000")),
        write_limit=int(env.get("RATE_LIMIT_WRITES", "200")),
    )


settings = load()
