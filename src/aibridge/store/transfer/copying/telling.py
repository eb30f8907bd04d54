"""Errors of PostgreSQL's driver, as SQLAlchemy tells of them: without values."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError


@contextmanager
def telling() -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy does it."""
    try:
        yield
    except Exception as error:
        driver = sys.modules.get("psycopg")
        if driver is None or not isinstance(error, driver.Error):
            raise
        raise DBAPIError.instance(None, None, error, driver.Error, hide_parameters=True) from error
