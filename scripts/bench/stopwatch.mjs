import process from "node:process";

/**
 * Returns a stopwatch in milliseconds, which takes the smaller of wall-clock time and the CPU time of all threads. The first is
 * longer if other programs use the same cores, the second if several threads work at the same time.
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
