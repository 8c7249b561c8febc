"""Rules, their evaluation and the notifications that follow."""
