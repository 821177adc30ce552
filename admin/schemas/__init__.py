"""What goes over the admin app's wire, a module a noun."""
