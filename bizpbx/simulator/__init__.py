"""A switch that lives in the process and speaks the event-socket protocol over TCP."""
