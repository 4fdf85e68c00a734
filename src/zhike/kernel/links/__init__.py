"""Links to other systems: who may come in by token, what is told to them, and values as they read and write them."""
