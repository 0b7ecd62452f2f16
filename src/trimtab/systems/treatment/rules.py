"""How insulin is given: by the basal-bolus controller, with a pump that stops before a low, and with one that adapts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trimtab.systems.system import Act, Rule
from trimtab.systems.treatment.day import SAMPLE

if TYPE_CHECKING:
    from trimtab.systems.treatment.environment import Insulin

BASAL = (0.0, 0.5, 0.8, 1.0, 1.25, 1.75, 2.5, 4.0)
"""Times the patient's own basal rate that may be given."""
BOLUS = (0.6, 0.8, 1.0, 1.2, 1.4)
"""Times the bolus of the basal-bolus controller, with a meal."""
_HORIZON = 30
"""Minutes that pumps look ahead."""


def basal_bolus(_env: Insulin) -> Act:
    """The basal-bolus controller of simglucose: a constant rate, and a bolus with meals, for what is above 150 too."""
    return lambda _observation: move(1.0)


def suspend(env: Insulin) -> Act:
    """Stop the basal rate while glucose is below 70 mg/dL or will be below 80 in half an hour, by the line of four readings.

    Predictive low-glucose suspend as in Tandem's Basal-IQ (Forlenza et al. 2018, Diabetes Care 41:2155).
    """

    def act(_observation: object) -> np.ndarray:
        low = env.day.readings[-1] < 70 or forecast(env.day.readings) < 80
        return move(0.0 if low else 1.0)

    return act


def hybrid(env: Insulin) -> Act:
    """Lower the rate below 112.5 mg/dL and stop it below 70, raise it above 160: what is forecast for half an hour on.

    The thresholds of Tandem's Control-IQ (Brown et al. 2019, NEJM 381:1707); its rates are not public, and linear here.
    """

    def act(_observation: object) -> np.ndarray:
        coming = forecast(env.day.readings)
        if coming < 112.5:
            return move(max(0.0, (coming - 70) / (112.5 - 70)))
        return move(1.0 + max(0.0, (coming - 160) / 40))

    return act


def forecast(readings: list[float]) -> float:
    """Return the mg/dL in half an hour, by a straight line through the last four readings of the sensor."""
    last = np.array(readings[::-SAMPLE][:4][::-1])
    if len(last) < 2:
        return float(last[-1])
    slope = np.polyfit(np.arange(len(last)) * SAMPLE, last, 1)[0]
    return float(last[-1] + _HORIZON * slope)


def move(basal: float, bolus: float = 1.0) -> np.ndarray:
    """Return the action whose factors are nearest."""
    nearest = (int(np.abs(np.array(factors) - factor).argmin()) for factors, factor in ((BASAL, basal), (BOLUS, bolus)))
    return np.array([*nearest])


RULES: Mapping[str, Rule] = {"basal-bolus": basal_bolus, "suspend": suspend, "hybrid": hybrid}
