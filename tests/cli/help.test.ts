import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, readCommandLine } from "../../src/cli/command_line.ts";
import { formatCommandHelp, formatHelp, mostUsed, topics } from "../../src/cli/help.ts";
import { textOptions } from "../../src/config/text_options.ts";
import { usageErrorOf } from "../support/cli.ts";

/** The command lines that print help, what it has, and what it has not. */
const forms: readonly (readonly [string[], readonly string[], string[]])[] = [
  [["--help"], ["  send ", "  run ", "  receive ", "  verdict ", "Examples:", "help TOPIC"], ["--flush-period"]],
  [["help"], ["  send "], []],
  [["help", "all"], ["--max-buckets NUMBER"], []],
  [["send", "--help"], ["--flush-period DURATION", "[default: 1s]", "--shift-to-now", "--help all"], ["--max-buckets"]],
  [["send", "--help", "all"], ["--max-buckets NUMBER", "K6_PROMETHEUS_FLUSH_PERIOD", "Delivery:"], ["Most used"]],
  [["--help", "all"], ["--max-buckets NUMBER", "--checkpoint STATE"], []],
  [["help", "send", "all"], ["--max-buckets NUMBER"], []],
  [["help", "receive"], ["--forward URL", "SIGTERM"], []],
  [["help", "labels"], ["--label NAME=VALUE", "K6_PROMETHEUS_RW_LABELS", "--relabel-config-file"], ["--url"]],
  [["help", "exit-codes"], ["  99   "], []],
  [["help", "sources"], ["K6_PROMETHEUS_REMOTE_URL"], []],
  [["run", "--help", "all"], ["--k6 PATH", "--testid", "K6_BIN", "output-prometheus-remote", "Exit codes"], [
    // k6 has them itself.
    ...["  --quiet\n", "  --verbose\n", "  --config ", "  --insecure-skip-tls-verify\n"],
  ]],
];
for (const [args, present, absent] of forms) {
  test(`${args.join(" ")} prints help`, () => {
    const { print = "" } = readCommandLine(args);
    for (const text of present) assert.ok(print.includes(text), `${text} is missing in:\n${print}`);
    for (const text of absent) assert.ok(!print.includes(text), `${text} is in:\n${print}`);
  });
}

for (const width of [60, 80, 120]) {
  test(`help texts fit into ${width} columns, apart from examples, and say the same in each width`, () => {
    const words = (text: string): string => text.replaceAll(/\s+/g, " ");
    const texts = (width: number): string[] => [
      formatHelp(commands, { width }),
      ...commands.flatMap((command) => [false, true].map((all) => formatCommandHelp(command, { width, all }))),
      ...topics.map((topic) => topic.format(width)),
    ];
    const wide = texts(10_000);
    for (const [index, text] of texts(width).entries()) {
      const lines = text.split("\n").filter((line) => !/^ {2}\S/.test(line));
      assert.deepEqual(lines.filter((line) => line.length > width && line.trim().includes(" ")), []);
      assert.equal(words(text), words(wide[index] ?? ""));
    }
  });
}

test("the short help shows examples first, and then the ten most used options", () => {
  const { print = "" } = readCommandLine(["send", "--help"]);
  const order = ["Usage:", "Examples:", "Most used options:", "Flags:", "Exit codes:"].map((part) =>
    print.indexOf(part)
  );
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.equal(mostUsed.length, 10);
  for (const flag of mostUsed) assert.ok(print.includes(`  --${flag} `), flag);
});

test("--help all shows each option once, in its group", () => {
  const { print = "" } = readCommandLine(["send", "--help", "all"]);
  const flags = [...print.matchAll(/^ {2}--([a-z0-9-]+)/gm)].map(([, flag]) => flag);
  assert.deepEqual(flags, [...new Set(flags)]);
  for (const { flag } of textOptions) assert.ok(flags.includes(flag), flag);
});

test("help on an unknown word names the nearest topic, or all of them", async () => {
  assert.match(await usageErrorOf(["help", "lables"]), /no command or topic "lables", expected perhaps "labels"$/);
  assert.match(await usageErrorOf(["help", "zzz"]), /expected send, run, .* or sources$/);
});
