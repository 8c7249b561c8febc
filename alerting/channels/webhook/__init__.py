"""Webhooks: a message as JSON, signed, to any receiver that speaks HTTP."""
