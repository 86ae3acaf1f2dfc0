"""Policy files → the book of policies and calendars that the core judges by."""

from engine.policies.loading import load, load_documents, load_files
from engine.policies.problems import PolicyErrors, Problem

__all__ = ["PolicyErrors", "Problem", "load", "load_documents", "load_files"]
