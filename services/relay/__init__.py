"""The relay: frames to viewers, input to agents, while a verified grant and a fresh lease hold."""
