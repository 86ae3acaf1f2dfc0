"""How the tables came to be as they are: one step a change, run by `engine.sql.schema`."""
