"""Batch jobs on Spark, reading the database over JDBC."""
