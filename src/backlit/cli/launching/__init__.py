"""Several processes of one command on one machine: who starts them, watches over them, and ends them together."""
