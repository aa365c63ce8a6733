// PromQL for the dashboards. Every function returns an expression as a string.
//
// All values of k6 are totals since the start of a run, so the total of a run is the last value of each series, and a rate is the
// difference of two totals. Both are exact. `rate()` is not: it does not see the first value of a series, so that it misses an
// error that happened once, and it extrapolates.

/** The time over which rates are computed. Grafana makes it four times as long as the minimal step of a panel, or longer. */
const window = "$__rate_interval";

/** The series of a run. A value of `$testid` is a regular expression, because a user can choose several runs. */
export const run = 'testid=~"$testid"';

/** The series of a run's HTTP requests. */
export const requests = `${run},url=~"$url"`;

/** Returns the selector of a metric. */
export const select = (metric, labels) => `k6_${metric}{${labels}}`;

/** Returns the last value of each series in the time range of the dashboard, also of runs that ended long ago. */
export const last = (metric, labels) => `last_over_time(${select(metric, labels)}[$__range])`;

/** Returns how much each series grew in the window. A series that is new, or that began again, grew by its value. */
export const growth = (metric, labels) => {
  const series = select(metric, labels);
  return `((${series} - ${series} offset ${window}) >= 0 or ${series})`;
};

const grouped = (aggregation, by) => by === undefined ? aggregation : `${aggregation} by (${by})`;

/** Returns the sum of expressions, for each value of the label `by` if there is one. */
export const sum = (expression, by) => `${grouped("sum", by)} (${expression})`;

/** Returns the largest value. It is an upper bound of the percentile of several series; their average would be wrong. */
export const max = (expression, by) => `${grouped("max", by)} (${expression})`;

/** Returns a query for the smallest value of an expression, for each value of the labels `by`. */
export const min = (expression, by) => `${grouped("min", by)} (${expression})`;

/** Returns the total of a counter at the end of the time range. */
export const total = (metric, labels, by) => sum(last(metric, labels), by);

/** Returns the growth of a counter per second. */
export const perSecond = (metric, labels, by) => `${sum(growth(metric, labels), by)} / $__rate_interval_ms * 1000`;

/** Returns the share of passes of a rate over the whole run. k6's `http_req_failed` passes if a request failed. */
export const shareOfRun = (metric, labels, by) =>
  `${total(`${metric}_passes_total`, labels, by)} / ${total(`${metric}_samples_total`, labels, by)}`;

/** Returns the share of passes of a rate in the window. */
export const share = (metric, labels, by) =>
  `${sum(growth(`${metric}_passes_total`, labels), by)} / ${sum(growth(`${metric}_samples_total`, labels), by)}`;

/** Returns the largest value that an expression had in the time range. */
export const peak = (expression) => `max_over_time((${expression})[$__range:$__interval])`;

/**
 * Returns the average of a trend of HTTP requests from the averages of its series. Each average counts as often as the series has
 * requests, so the result is exact. `select` reads the series: `last`, or `select` itself.
 */
export const weightedAverage = (read, metric, labels, by) =>
  `${sum(`${read(`${metric}_avg`, labels)} * ${read("http_reqs_total", labels)}`, by)} / ${
    sum(read("http_reqs_total", labels), by)
  }`;

/** Returns the native histograms of the whole run, added up. Prometheus before 2.44 has no `last_over_time` of histograms. */
export const histogramOfRun = (metric, labels, by) => sum(`${select(metric, labels)} or ${last(metric, labels)}`, by);

/** Returns the native histograms of the window, added up. (Prometheus 2.42 cannot subtract histograms.) */
export const histogram = (metric, labels, by) => sum(`rate(${select(metric, labels)}[${window}])`, by);

/** Returns a quantile of native histograms that were added up. */
export const quantile = (q, histograms) => `histogram_quantile(${q}, ${histograms})`;

/** Returns the average of native histograms that were added up. */
export const histogramAverage = (histograms) => `histogram_sum(${histograms}) / histogram_count(${histograms})`;
