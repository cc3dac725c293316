"""The tags by which a run says what asked for it: sensors set them, assets keep them with what they made."""

TRIGGER = "mlplatform/trigger"
EVIDENCE = "mlplatform/evidence"
BECAUSE = "mlplatform/because"
