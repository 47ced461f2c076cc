"""Who comes: seats, the line for them, and guests."""
