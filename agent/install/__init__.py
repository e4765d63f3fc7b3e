"""Being there from sign-in, opening beistand:// links, and the way back. Knows no window and no engine."""
