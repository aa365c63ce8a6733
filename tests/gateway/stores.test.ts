// Runs on the newest Node, too: files that must survive a crash.
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AggregatorStore, denoKv, type DenoKvLike, file, memory } from "../../src/gateway/mod.ts";
import { isRemoteWriteError } from "../../mod.ts";
import { type StorePlace, testStore } from "../support/aggregator_stores.ts";
import { withFolder } from "../support/temporary_folder.ts";

const done = (): Promise<void> => Promise.resolve();

testStore("memory", () => {
  const store = memory();
  return Promise.resolve({ open: () => Promise.resolve(store), crash: done, remove: done });
});

/** Returns the path of a new, empty folder. */
const createFolder = (): Promise<string> => fs.mkdtemp(join(tmpdir(), "k6-remote-write-test-"));

testStore("file", async () => {
  const folder = await createFolder();
  // Open files of a process that has ended are closed by the system.
  const opened: AggregatorStore[] = [];
  return {
    open: () => {
      const store = file({ fs, folder: `${folder}/state`, onWarning: assert.fail });
      opened.push(store);
      return Promise.resolve(store);
    },
    crash: done,
    remove: async () => {
      for (const store of opened) await store.close();
      await fs.rm(folder, { recursive: true });
    },
  };
});

/** Deno's own interface, which only Deno has, with `--unstable-kv`. */
const openKv: unknown = Reflect.get(Reflect.get(globalThis, "Deno") ?? {}, "openKv");

testStore("denoKv", async (): Promise<StorePlace> => {
  const folder = await createFolder();
  let kv: DenoKvLike | undefined;
  const close = (): void => {
    try {
      kv?.close();
    } catch {
      // The aggregator has closed it.
    }
  };
  return {
    open: async () => {
      assert.ok(typeof openKv === "function");
      const opened: DenoKvLike = await openKv(`${folder}/kv`);
      kv = opened;
      return denoKv(opened);
    },
    crash: () => Promise.resolve(close()),
    remove: async () => {
      close();
      await fs.rm(folder, { recursive: true });
    },
  };
}, { skip: typeof openKv === "function" ? false : "this runtime has no KV (Deno with --unstable-kv)" });

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function readAll(folder: string, onWarning: (message: string) => void): Promise<string[]> {
  const store = file({ fs, folder, onWarning });
  const records: string[] = [];
  for await (const record of store.read()) records.push(new TextDecoder().decode(record));
  await store.append(bytes("after"));
  await store.close();
  return records;
}

test("a file whose end was not written completely loses only its last record, says so, and can be continued", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/aggregator.log`;
    const store = file({ fs, folder, onWarning: assert.fail });
    await store.replace([bytes("first"), bytes("second")]);
    await store.close();
    const whole = await fs.readFile(path);
    const firstLength = 8 + "first".length;
    for (let length = 0; length < whole.length; length++) {
      await fs.writeFile(path, whole.subarray(0, length));
      const warnings: string[] = [];
      const kept = length >= firstLength ? ["first"] : [];
      assert.deepEqual(await readAll(folder, (message) => warnings.push(message)), kept);
      const torn = length - kept.length * firstLength;
      assert.deepEqual(
        warnings,
        torn === 0 ? [] : [`The last ${torn} bytes of ${path} were cut off: a crash had interrupted their writing.`],
      );
      assert.deepEqual(await readAll(folder, assert.fail), [...kept, "after"]);
    }
    // A file system may have written the length, but not the content.
    whole[whole.length - 1] = 0;
    await fs.writeFile(path, whole);
    assert.deepEqual(await readAll(folder, () => {}), ["first"]);
  });
});

test("a snapshot that a crash interrupted leaves the records before it", async () => {
  await withFolder(async (folder) => {
    const store = file({ fs, folder, onWarning: assert.fail });
    await store.append(bytes("old"));
    function* broken(): Generator<Uint8Array> {
      yield bytes("new");
      throw new Error("crash");
    }
    await assert.rejects(store.replace(broken()), /crash/);
    await store.append(bytes("older"));
    await store.close();
    assert.deepEqual(await readAll(folder, assert.fail), ["old", "older"]);
  });
});

test("a file store follows no link, also not one that a crash or another user left, and other users cannot read it", () =>
  withFolder(async (folder) => {
    const victim = join(folder, "victim");
    await fs.writeFile(victim, "precious");
    const state = join(folder, "state");
    await fs.mkdir(state);
    const open = (): AggregatorStore => file({ fs, folder: state, onWarning: assert.fail });
    const log = join(state, "aggregator.log");
    const isRefused = (error: unknown): boolean =>
      isRemoteWriteError(error, "configuration") &&
      error.message ===
        `Cannot use the folder of the sums: "${log}" is a link or no regular file, expected another folder or no such link`;
    await fs.symlink(victim, log);
    await assert.rejects(async () => {
      for await (const _ of open().read());
    }, isRefused);
    await assert.rejects(async () => await open().append(Uint8Array.of(1)), isRefused);
    await fs.rm(log);
    await fs.symlink(victim, `${log}.new`);
    const store = open();
    await store.replace([Uint8Array.of(1, 2)]);
    await store.close?.();
    assert.equal((await fs.stat(log)).mode & 0o077, 0);
    assert.equal(await fs.readFile(victim, "utf8"), "precious");
    const records: number[][] = [];
    for await (const record of open().read()) records.push([...record]);
    assert.deepEqual(records, [[1, 2]]);
  }));
