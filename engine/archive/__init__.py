"""Outcomes and facts in SQL: written from the topics, read by documents, reports and the console."""
