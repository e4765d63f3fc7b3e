"""What developers run: set-up and the gate. Nothing here ships."""
