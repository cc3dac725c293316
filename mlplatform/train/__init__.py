"""JAX models, the trainer, and the export to one program; import its modules where they are used."""
