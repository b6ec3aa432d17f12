"""The one WSGI application: xml_curl, health."""
