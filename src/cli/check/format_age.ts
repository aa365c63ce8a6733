/**
 * Formats long times for people, such as the age of the oldest sample that an endpoint accepts.
 *
 * @module
 */
import { formatDurationMs } from "../../config/duration.ts";

/** Returns an age in its largest usual unit, such as `32m`, `4.3h` or `11.4d`. */
export function formatAge(ms: number): string {
  const days = ms / 86_400_000;
  if (days >= 2) return `${Math.round(days * 10) / 10}d`;
  return ms >= 7_200_000 ? `${Math.round(ms / 360_000) / 10}h` : formatDurationMs(ms);
}
