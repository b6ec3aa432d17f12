"""Organisations, members, extensions, devices, licences, numbers, gateways: tables, queries, and the changes to them."""
