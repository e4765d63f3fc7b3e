"""The session service: life-cycle, join codes, chat; lets agents in and puts them out."""
