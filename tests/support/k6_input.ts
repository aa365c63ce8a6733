/**
 * JSON output of k6, for tests of the command.
 */
import { recordedJson } from "./recorded_run.ts";

/** A recorded run: 5,200 lines of 6 seconds, with 373 requests. */
export const recording = "tests/fixtures/k6/basic/run.json.gz";

/** Returns the first lines of the recording: 800 lines are 1 second, with 57 requests. */
export function startOfRecording(lines = 800): string {
  return new TextDecoder().decode(recordedJson("basic")).split(/(?<=\n)/, lines).join("");
}

/** Returns a line with a sample of the gauge vus; its time grows with its value. */
export function point(value: number): string {
  return `{"metric":"vus","type":"Point","data":{"time":"2026-11-22T11:19:49.${
    100 + value
  }Z","value":${value},"tags":{}}}\n`;
}
