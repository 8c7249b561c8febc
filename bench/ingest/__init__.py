"""Figures of ingest: how fast a backlog in Kafka becomes rows, how near that is to what the bare parts allow,
how soon a reading is visible, and how much memory that takes."""
