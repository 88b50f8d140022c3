"""Pure building blocks: values in, values out; no database, no process, no settings."""
