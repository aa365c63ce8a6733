import assert from "node:assert/strict";
import { test } from "node:test";
import { rawOptionsFromEnv } from "../../src/config/env.ts";
import { withFeatureArguments } from "../../src/config/k6_features.ts";

const older = "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM";

/** What k6 2.2 did with its own output, for its variables and its arguments. */
const cases: readonly (readonly [env: Record<string, string>, line: string, isNative: boolean])[] = [
  [{}, "run s.js", false],
  [{}, "run --features native-histograms s.js", true],
  [{}, "run s.js --features=freeze-env,native-histograms", true],
  [{}, "run --features freeze-env --features native-histograms s.js", true],
  [{}, "run s.js -- --features native-histograms", false],
  [{ K6_FEATURES: " freeze-env , native-histograms " }, "run s.js", true],
  [{ K6_FEATURES: "freeze-env" }, "run s.js", false],
  [{ K6_FEATURES: "native-histograms" }, "run --features freeze-env s.js", false],
  [{}, "run -e K6_FEATURES=native-histograms s.js", true],
  [{ K6_FEATURES: "native-histograms" }, "run --env K6_FEATURES=freeze-env s.js", false],
  [{ [older]: "true" }, "run s.js", true],
  [{ [older]: "true" }, "run --features freeze-env s.js", false],
  [{ [older]: "true", K6_FEATURES: "freeze-env" }, "run s.js", true],
  // The older variable turns the switch on only.
  [{ [older]: "false", K6_FEATURES: "native-histograms" }, "run s.js", true],
  [{ [older]: "false" }, "run --features native-histograms s.js", true],
];
for (const [env, line, isNative] of cases) {
  test(`with ${JSON.stringify(env)} and k6 ${line}, trends are ${isNative ? "native histograms" : "stats"}`, () => {
    const { trendAs = "stats" } = rawOptionsFromEnv(withFeatureArguments(env, line.split(" ")));
    assert.equal(trendAs, isNative ? "native" : "stats");
  });
}

test("k6's switch contradicts another form of trends in the same source", () => {
  assert.throws(
    () => rawOptionsFromEnv({ K6_FEATURES: "native-histograms", K6_PROMETHEUS_RW_TREND_AS: "histogram" }),
    /k6's feature native-histograms says that trendAs is "native", and K6_PROMETHEUS_RW_TREND_AS that it is "histogram"/,
  );
});
