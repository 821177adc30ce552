"""The protocol on a connection: who may open one, and how long a request may take to arrive."""
