"""What people are told by mail: planned from events, judged when it is sent."""
