"""Questions: asked, let through, voted on, answered, pinned; seen by whom they concern."""
