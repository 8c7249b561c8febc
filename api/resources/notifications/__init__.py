"""What people are told of alerts, and whether that reached them."""
