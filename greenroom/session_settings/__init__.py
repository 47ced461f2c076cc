"""How sessions run: what the program does by itself, a brand's own defaults, and what one session says otherwise."""
