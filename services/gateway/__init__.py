"""The technicians' edge: sign-in, REST, event WebSocket, tickets, console files, the customer's join page."""
