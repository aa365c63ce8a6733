import process from "node:process";

/**
 * A stopwatch in milliseconds: the clock on the wall or the processor's time of all threads, whichever is less. The one is longer
 * where others use the same cores, the other where several threads work at once.
 */
export function stopwatch() {
  const startedAt = performance.now();
  const started = processorTime();
  return () => Math.min(performance.now() - startedAt, processorTime() - started);
}

function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
