/** Measures live memory, which does not depend on when the engine last collected garbage, as the memory of the process does. */
import process from "node:process";

/** Returns a function that collects garbage at once; on Node and Deno, without the flag --expose-gc. */
async function findCollector(): Promise<() => void> {
  const ofBun: unknown = Reflect.get(Reflect.get(globalThis, "Bun") ?? {}, "gc");
  if (typeof ofBun === "function") return () => void ofBun(true);
  const [v8, vm] = await Promise.all([import("node:v8"), import("node:vm")]);
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

const collectGarbage = await findCollector();

/** Collects garbage, and returns the memory of the objects and buffers that are still in use, in bytes. */
export async function liveBytes(): Promise<number> {
  // An engine frees the memory of buffers only between two turns of its event loop.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Returns the CPU time of this process so far, in milliseconds. Unlike the time by the clock, it does not depend on other processes. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
