"""Every defect, by data set."""

from defects import files, labels, numbers, relations, values
from defects.plant import Defect, Roles


def defects(at: Roles) -> list[Defect]:
    """Return all defects that the data set can have."""
    rooms = (numbers, values, relations, labels, files)
    return [defect for room in rooms for defect in room.kinds(at)]
