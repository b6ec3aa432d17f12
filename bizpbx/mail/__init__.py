"""Mails: the outbox in the database, their texts, and how they leave."""
