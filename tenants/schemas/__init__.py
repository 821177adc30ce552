"""What goes over the wire, by noun; Create, Update and Read apart."""
