"""The FastAPI peer: FastAPI, SQLAlchemy 2 with asyncpg, uvicorn."""
