"""What command lines and consoles may ask: the commands, and the socket that carries them."""
