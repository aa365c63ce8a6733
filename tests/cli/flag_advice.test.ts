import assert from "node:assert/strict";
import { test } from "node:test";
import { withFlagAdvice, withoutAdvice } from "../../src/cli/flag_advice.ts";
import { formatCommandHelp } from "../../src/cli/help.ts";
import { send } from "../../src/cli/send.ts";
import { advice } from "../../src/send/advice.ts";

test("the command's messages name flags that exist, and no options of the library", () => {
  const help = formatCommandHelp(send);
  for (const each of Object.values(advice)) {
    const message = withFlagAdvice(`It failed. ${each} That is all.`);
    assert.match(message, /^It failed\. .+ That is all\.$/);
    assert.doesNotMatch(message, /\boption\b|instance: "auto"/);
    for (const [flag] of message.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag), flag);
    assert.equal(withoutAdvice(`It failed. ${each}`), "It failed.");
  }
});
