"""The engine and the factory of sessions."""

import orjson
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(
    URL.create(
        "postgresql+asyncpg",
        username=settings.user,
        password=settings.password,
        database=settings.database,
        query={"host": settings.socket_directory},
    ),
    pool_size=settings.pool_size,
    max_overflow=0,
    pool_timeout=5,
    pool_pre_ping=False,
    pool_reset_on_return=None,  # every session ends with a commit or a rollback of its own
    json_serializer=lambda value: orjson.dumps(value).decode(),
    json_deserializer=orjson.loads,
    connect_args={
        "server_settings": {"application_name": "bench-fastapi", "jit": "off", "statement_timeout": "5000"},
        "prepared_statement_cache_size": 200,
    },
)

open_session = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False, autoflush=False)

# A read is one statement: no BEGIN before it and no ROLLBACK after it.
read_session = async_sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"), class_=AsyncSession, autoflush=False)
