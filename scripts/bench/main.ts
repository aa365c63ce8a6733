/**
 * Measures on the runtime that runs this file. The last line of the output is the result as JSON.
 *
 * @module
 */
import process from "node:process";
import { allRows, measureGrowth } from "./rows.ts";

const [jsonPath = "", growth] = process.argv.slice(2);
const rows = await allRows(jsonPath);
console.log(JSON.stringify({ rows, growth: growth === "growth" ? await measureGrowth() : undefined }));
process.exit(0);
