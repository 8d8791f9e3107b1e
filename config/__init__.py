"""Settings: their schema, their loader, and the blueprints that ship as data."""
