"""The `beistand` command: one small module per subcommand, each imported only when it is asked for."""
