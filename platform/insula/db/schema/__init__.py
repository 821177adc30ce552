"""The declared tables, and the rights, triggers and policies that are made from the declarations."""
