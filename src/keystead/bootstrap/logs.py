"""Logs for operators: one JSON line an event, on standard error; never a secret, never a request's content."""

import sys

import structlog


def logger(role: str) -> structlog.stdlib.BoundLogger:
    """Return the log of a role."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.BoundLogger,
        role=role,
    )
    return log
