// A test of a shop that never ran, in k6's JSON: after 50 of its 90 seconds, the search becomes slow. Its numbers are the same each
// time. The pictures of the live page show it.

/** The URLs: path, method, the usual duration in milliseconds, and how often each iteration requests it. */
const pages = [
  ["/", "GET", 12, 1],
  ["/static/app.css", "GET", 3, 1],
  ["/api/products", "GET", 28, 1],
  ["/api/search", "GET", 42, 0.8],
  ["/api/cart", "POST", 55, 0.5],
  ["/api/checkout", "POST", 140, 0.15],
];
const slowFromS = 50;
const lengthS = 90;
const most = 24;
const base = "https://shop.example";

/** Returns the lines of the run. */
export function simulatedRun({ testid = "release-42", start = Date.UTC(2026, 10, 23, 9, 30, 0), isSlow = true } = {}) {
  const lines = [];
  const random = generator(isSlow ? 7 : 8);
  const metric = (name, type, contains = "default", thresholds = []) =>
    lines.push({ type: "Metric", data: { name, type, contains, thresholds, submetrics: null }, metric: name });
  const point = (name, atMs, value, tags = {}) =>
    lines.push({
      metric: name,
      type: "Point",
      data: { time: new Date(start + atMs).toISOString(), value, tags: { scenario: "shop", testid, ...tags } },
    });
  metric("http_reqs", "counter");
  metric("http_req_duration", "trend", "time", ["p(95)<400"]);
  metric("http_req_failed", "rate", "default", ["rate<0.02"]);
  metric("http_req_waiting", "trend", "time");
  metric("checks", "rate", "default", ["rate>0.95"]);
  metric("iterations", "counter");
  metric("iteration_duration", "trend", "time");
  metric("vus", "gauge");
  metric("vus_max", "gauge");
  metric("data_received", "counter", "data");
  metric("basket_value", "trend");
  metric("orders", "counter");
  for (let second = 0; second < lengthS; second++) {
    const vus = Math.round(most * Math.min(1, (second + 1) / 20, (lengthS - second) / 8));
    point("vus", second * 1000 + 990, vus);
    point("vus_max", second * 1000 + 990, most);
  }
  const users = Array.from({ length: most }, (_, user) => user * 20_000 / most);
  for (const [user, begin] of users.entries()) {
    const endMs = lengthS * 1000 - (most - user) * 250;
    for (let atMs = begin; atMs < endMs;) {
      const startedMs = atMs;
      for (const [path, method, usualMs, share] of pages) {
        if (random() > share) continue;
        const isSlowNow = isSlow && path === "/api/search" && atMs > slowFromS * 1000;
        const noise = Math.exp((random() - 0.5) * 0.9) * (random() < 0.02 ? 3 : 1);
        const ms = isSlowNow ? 480 + 340 * random() : usualMs * noise;
        const isFailed = random() < (path === "/api/checkout" ? 0.06 : isSlowNow ? 0.03 : 0.001);
        const tags = {
          url: `${base}${path}`,
          name: `${base}${path}`,
          method,
          status: isFailed ? "503" : "200",
          expected_response: String(!isFailed),
        };
        atMs += ms;
        point("http_reqs", atMs, 1, tags);
        point("http_req_duration", atMs, ms, tags);
        point("http_req_waiting", atMs, ms * 0.9, tags);
        point("http_req_failed", atMs, Number(isFailed), tags);
        if (path !== "/static/app.css") point("checks", atMs, Number(!isFailed), { check: `${path} answers with 200` });
        point("data_received", atMs, 1200 + Math.round(random() * 4000));
        if (path === "/api/checkout" && !isFailed) {
          point("orders", atMs, 1);
          point("basket_value", atMs, Math.round(1500 + random() * 8000) / 100);
        }
        atMs += 20 + random() * 60;
      }
      point("iterations", atMs, 1);
      point("iteration_duration", atMs, atMs - startedMs);
      atMs += 500 + random() * 600;
    }
  }
  // As k6 writes them: almost in the order of their times.
  const [metrics, points] = [
    lines.filter(({ type }) => type === "Metric"),
    lines.filter(({ type }) => type === "Point"),
  ];
  points.sort((a, b) => a.data.time < b.data.time ? -1 : a.data.time > b.data.time ? 1 : 0);
  return [...metrics, ...points].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Returns a generator of numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
