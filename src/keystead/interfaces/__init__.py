"""How people and programs reach Keystead; no interface has a power that the protocols do not give to everyone."""
