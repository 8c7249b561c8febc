"""Where jobs have their readings from: the database, Kafka, or files."""
