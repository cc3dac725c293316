"""How good models are on real tables: contenders tuned alike on validation rows, measured once on test rows."""
