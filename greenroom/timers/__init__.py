"""What was planned, when its time comes."""
