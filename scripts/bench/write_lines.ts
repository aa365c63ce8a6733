/** Writes the k6 JSON that the benchmark reads: `write_lines.ts PATH`. */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { jsonLines } from "./workload.ts";

writeFileSync(process.argv[2] ?? "", jsonLines(100 * 1024 * 1024));
