"""What a Prometheus server has recorded, as series.

The rule of this module: samples come as they were scraped, not as a range query would sample them
again. Source: https://prometheus.io/docs/prometheus/latest/querying/api/ (an instant query for a
range selector gives raw samples).
"""

from math import ceil

import httpx

from dialer.errors import GatewayError, InputError
from dialer.promql import SeriesStore

_TIMEOUT_S = 60.0
_EVERYTHING = '{__name__=~"dialer_.*|up",job="foredial"}'


def read_range(url: str, start: float, end: float) -> SeriesStore:
    """Every series of the dialer between two times (epoch seconds).

    Raises:
        GatewayError: the server does not answer as a Prometheus.
        InputError: it has recorded nothing then.
    """
    query = f"{_EVERYTHING}[{max(1, ceil(end - start))}s]"
    try:
        response = httpx.post(
            url.rstrip("/") + "/api/v1/query",
            data={"query": query, "time": repr(end)},
            timeout=_TIMEOUT_S,
        )
        told = response.json()
        if told["status"] != "success":
            raise GatewayError(f"{url}: {told.get('error', 'no reason')}")
        found = told["data"]["result"]
        store = SeriesStore()
        for one in found:
            series = store.series(one["metric"])
            for stamp, value in one["values"]:
                series.append(round(float(stamp) * 1000), float(value))
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise GatewayError(f"{url} does not answer as a Prometheus: {error!r}"[:300]) from None
    if not len(store):
        what = "it has recorded nothing of job foredial then"
        raise InputError(url, what, "check --start and --end, and the name of the scrape job")
    return store
