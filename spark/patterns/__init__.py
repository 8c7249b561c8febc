"""What is normal: profiles by kind of day and quarter of an hour, rush hours, and how regular traffic is."""
