"""What a model of incomes has to hold that no single row shows."""

import numpy as np
import pyarrow.compute as pc

from mlplatform.evaluate.cases import BehaviourModel, Result, case

STEPS = (9, 10, 13, 14, 16)  # Years of education: school, some college, bachelor, master, doctor.


@case("each step of education pays on average, for women and for men")
def education_pays(model: BehaviourModel) -> Result:
    """Everybody is given the same education, step after step, and the mean probability must rise."""
    scores = [model.scores(model.setting(education_num=years)) for years in STEPS]
    women = pc.equal(model.rows["sex"], "Female").to_numpy()
    means = np.array([[each[of].mean() for each in scores] for of in (women, ~women)])
    told = "; ".join(
        f"{name} {_told(row)}" for name, row in zip(("women", "men"), means, strict=True)
    )
    return Result.each(np.diff(means) > 0, told)


def _told(means: np.ndarray) -> str:
    pairs = zip(STEPS, means, strict=True)
    return ", ".join(f"{mean:.3f} at {years} years" for years, mean in pairs)
