// Runs on one runtime: what a checkpoint may contain depends on no runtime, and checkpoint.test.ts uses its file on each runtime.
/** Reads many mutations of a checkpoint. See `fuzz`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Checkpoint, parseState } from "../../src/cli/checkpoint.ts";
import { isRemoteWriteError } from "../../mod.ts";
import { fuzz } from "../support/fuzz.ts";
import { withFolder } from "../support/temporary_folder.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test("a mutated checkpoint has valid numbers, or is an error that says what is wrong", () =>
  withFolder(async (folder) => {
    const path = join(folder, "checkpoint");
    const url = "http://127.0.0.1:9/";
    const checkpoint = await Checkpoint.open(path, { files: [], raw: { url }, shiftToNow: false, metrics: [] });
    await checkpoint.begin(1_700_000_000_000);
    await checkpoint.record(12);
    const whole = readFileSync(path, "utf8");
    // Most of the file is the identity of the run. The small form has all other parts.
    const { identity: _, ...rest } = JSON.parse(whole);
    const seeds = [whole, JSON.stringify({ ...rest, identity: {} }), JSON.stringify({ identity: {}, ...rest })];
    const found = await fuzz({
      seeds: seeds.map((text) => encoder.encode(text)),
      count: 3000,
      read: (bytes) => {
        try {
          const { windows, shiftMs } = parseState(decoder.decode(bytes), path);
          assert.ok(Number.isSafeInteger(windows) && windows >= 0 && Number.isInteger(shiftMs));
          return "read";
        } catch (error) {
          assert.ok(isRemoteWriteError(error, "configuration"), `${error}`);
          return "no checkpoint";
        }
      },
    });
    assert.ok((found.get("no checkpoint") ?? 0) > 0 && (found.get("read") ?? 0) > 0);
  }));
