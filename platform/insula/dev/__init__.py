"""For a developer's machine: the embedded servers, the mailbox page and the demo rows."""
