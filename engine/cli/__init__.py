"""The command `vigil`: one thin module a command or command group; `commands.py` lists them."""
