// Prints how many milliseconds a new process takes to import a module: `load.mjs MODULE`.
import process from "node:process";
import { pathToFileURL } from "node:url";
import { stopwatch } from "./stopwatch.mjs";

const module = pathToFileURL(process.argv[2]).href;
const elapsed = stopwatch();
await import(module);
console.log(JSON.stringify({ loaded: elapsed() }));
process.exit(0);
