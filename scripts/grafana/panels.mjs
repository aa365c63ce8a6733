// Panels of Grafana as its JSON has them, and the layout of a dashboard.

const datasource = { type: "prometheus", uid: "${datasource}" };

/** The smallest step of a graph. The window of rates is four times as long, so it holds several flushes of 1 s or 5 s. */
const minStep = "5s";

const refIdOf = (index) => String.fromCharCode("A".charCodeAt(0) + index);

/** Returns the targets of queries `{ expr, name, exemplar }`. */
function targetsOf(queries, properties) {
  return queries.map(({ expr, name, exemplar = false }, index) => ({
    refId: refIdOf(index),
    datasource,
    editorMode: "code",
    expr,
    interval: minStep,
    legendFormat: name,
    exemplar,
    ...properties,
  }));
}

const instant = { instant: true, range: false };
const range = { instant: false, range: true };

/** Returns the overrides of queries that have a unit, mappings or an axis of their own. `matcher` finds what a query shows. */
function overridesOf(queries, matcher) {
  return queries.flatMap((query, index) => {
    const { unit, mappings, axis } = query;
    const properties = [
      ...unit === undefined ? [] : [{ id: "unit", value: unit }],
      ...mappings === undefined ? [] : [{ id: "mappings", value: mappings }],
      ...axis === undefined ? [] : [{ id: "custom.axisPlacement", value: axis }],
    ];
    return properties.length === 0 ? [] : [{ matcher: matcher(query, index), properties }];
  });
}

const byQuery = (_query, index) => ({ id: "byFrameRefID", options: refIdOf(index) });
const byColumn = ({ name }) => ({ id: "byName", options: name });

/** A heading above the panels that follow it. */
export const row = (title) => ({ type: "row", title, collapsed: false, panels: [], width: 24, height: 1 });

/** Large numbers: the values of queries at the end of the time range. */
export const stat = ({ title, description, unit = "short", queries, width = 4, decimals, mappings }) => ({
  type: "stat",
  title,
  description,
  width,
  height: 4,
  datasource,
  targets: targetsOf(queries, instant),
  fieldConfig: {
    defaults: { unit, decimals, mappings, color: { mode: "fixed", fixedColor: "text" } },
    overrides: overridesOf(queries, byQuery),
  },
  options: {
    colorMode: "value",
    graphMode: "none",
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
    textMode: queries.length > 1 ? "value_and_name" : "value",
  },
});

/** Returns a panel that shows queries as lines over time. */
export const graph = ({ title, description, unit = "short", queries, width = 12, height = 8, max }) => ({
  type: "timeseries",
  title,
  description,
  width,
  height,
  datasource,
  targets: targetsOf(queries, range),
  fieldConfig: {
    defaults: { unit, min: 0, max, custom: { lineWidth: 1, fillOpacity: 0, showPoints: "auto", spanNulls: false } },
    overrides: overridesOf(queries, byQuery),
  },
  options: {
    legend: { displayMode: "table", placement: "bottom", showLegend: true, calcs: ["lastNotNull", "max"] },
    tooltip: { mode: "multi", sort: "desc" },
  },
});

/** A table with a column for each query, and a row for each value of the labels in `by`. The largest value of a column may be first. */
export const table = ({ title, description, queries, by, largestFirst, width = 24, height = 8 }) => {
  // Grafana numbers the columns of values only if there are several.
  const columnOf = (index) => queries.length === 1 ? "Value" : `Value #${refIdOf(index)}`;
  const order = [...by, ...queries.map((_, index) => columnOf(index))];
  return {
    type: "table",
    title,
    description,
    width,
    height,
    datasource,
    targets: targetsOf(queries, { ...instant, format: "table" }),
    transformations: [
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
          renameByName: Object.fromEntries(queries.map(({ name }, index) => [columnOf(index), name])),
        },
      },
    ],
    fieldConfig: {
      defaults: { unit: "short", custom: { align: "auto", filterable: true } },
      overrides: overridesOf(queries, byColumn),
    },
    options: {
      showHeader: true,
      cellHeight: "sm",
      ...largestFirst !== undefined && { sortBy: [{ displayName: largestFirst, desc: true }] },
    },
  };
};

/** How many values fell into each bucket of a histogram over time. */
export const heatmap = ({ title, description, unit, queries, width = 24, height = 9 }) => ({
  type: "heatmap",
  title,
  description,
  width,
  height,
  datasource,
  targets: targetsOf(queries, { ...range, format: "heatmap" }),
  fieldConfig: { defaults: {}, overrides: [] },
  options: {
    calculate: false,
    yAxis: { unit, axisPlacement: "left" },
    color: { mode: "scheme", scheme: "Spectral", steps: 64, exponent: 0.5, fill: "dark-orange" },
    exemplars: { color: "rgba(255,0,255,0.7)" },
    filterValues: { le: 1e-9 },
    legend: { show: true },
    tooltip: { mode: "single", yHistogram: true },
  },
});

/** Words instead of numbers, so that colour alone never carries the meaning. */
export const passedOrFailed = [{
  type: "value",
  options: { 1: { text: "✓ passed", color: "green", index: 0 }, 0: { text: "✗ failed", color: "red", index: 1 } },
}];

/** A variable for the data source: a dashboard names no data source of its own. */
export const datasourceVariable = {
  type: "datasource",
  name: "datasource",
  label: "Data source",
  query: "prometheus",
  refresh: 1,
};

/** A variable whose values come from a query; the newest testid that `auto` made comes first. */
export const queryVariable = ({ name, label, query, regex = "", multi = false, hidden = false }) => ({
  type: "query",
  name,
  label,
  datasource,
  definition: query,
  query: { query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
  regex,
  refresh: 2,
  sort: 2,
  multi,
  // With "All", series without the label are shown as well.
  ...multi
    ? { includeAll: true, allValue: ".*", current: { text: ["All"], value: ["$__all"] } }
    : { includeAll: false },
  hide: hidden ? 2 : 0,
});

/** Runs as regions of time. */
const runAnnotation = (labels) => ({
  name: "Runs",
  datasource,
  enable: true,
  iconColor: "blue",
  target: { refId: "Runs", expr: `max_over_time(k6_run_info{${labels}}[30s])`, interval: minStep },
  titleFormat: "k6 run {{testid}}",
  tagKeys: "testid",
  useValueForTime: false,
});

/** Returns the JSON of a dashboard. Panels flow from left to right and from top to bottom. */
export function dashboard({ uid, title, description, variables, runs, panels }) {
  let [x, y, rowHeight] = [0, 0, 0];
  const placed = panels.map(({ width, height, ...panel }, index) => {
    if (x + width > 24) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const gridPos = { x, y, w: width, h: height };
    [x, rowHeight] = [x + width, Math.max(rowHeight, height)];
    return { id: index + 1, gridPos, ...panel };
  });
  return {
    uid,
    title,
    description,
    tags: ["k6", "k6-remote-write"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "5s",
    time: { from: "now-15m", to: "now" },
    annotations: { list: [runAnnotation(runs)] },
    links: [{
      type: "dashboards",
      title: "k6 dashboards",
      icon: "external link",
      tooltip: "",
      url: "",
      targetBlank: false,
      tags: ["k6-remote-write"],
      asDropdown: true,
      includeVars: true,
      keepTime: true,
    }],
    templating: { list: [datasourceVariable, ...variables] },
    panels: placed,
  };
}
