"""A switch that lives in the process and speaks FreeSWITCH's event-socket protocol over TCP.

It reads the same rendered dialplan and directory, so that the same adapter and the same scenarios run on it and on
FreeSWITCH. tests/simulator runs one set of wire transcripts against both. There is no SIP and no sound: phones and
carriers are objects with a behaviour.
"""
