"""Who was there, what was recorded, and who was put out."""
