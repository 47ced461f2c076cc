"""What happened, told to who listens."""
