"""Organisations, members, extensions, devices, licences, numbers, gateways: tables, queries, changes."""
