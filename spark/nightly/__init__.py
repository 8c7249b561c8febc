"""Batch jobs by themselves, every night: a small process without a JVM that starts those that have one."""
