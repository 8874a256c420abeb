"""Official path of oxitel.instrumentation.sqlalchemy."""

from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor as SQLAlchemyInstrumentor
from oxitel.instrumentation.sqlalchemy_engine import EngineTracer as EngineTracer
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
