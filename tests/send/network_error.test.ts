import assert from "node:assert/strict";
import { test } from "node:test";
import { describedError, describeNetworkError } from "../../src/send/network_error.ts";
import { errorOf, permanentErrors } from "../support/fetch_errors.ts";

const denoPrefix = "error sending request for url (https://127.0.0.1:1/): client error (Connect): ";

/** What the runtimes threw in trials: the messages and codes of the error and its causes, outermost first. */
const seen: readonly (readonly [
  what: string,
  chain: readonly (readonly [message: string, code?: string])[],
  reason: RegExp,
  unreached: boolean,
])[] = [
  [
    "Node, refused",
    [["fetch failed"], ["connect ECONNREFUSED 127.0.0.1:36703", "ECONNREFUSED"]],
    /^the connection was refused$/,
    true,
  ],
  [
    "Bun, refused",
    [["ECONNREFUSED: Unable to connect. Is the computer able to access the url?", "ECONNREFUSED"]],
    /^the connection was refused$/,
    true,
  ],
  [
    "Deno, refused",
    [["fetch failed"], [
      "error sending request for url (http://127.0.0.1:1/): client error (Connect): tcp connect error: Connection refused (os error 111)",
    ]],
    /^the connection was refused$/,
    true,
  ],
  [
    "Node, name",
    [["fetch failed"], ["getaddrinfo ENOTFOUND nowhere.invalid", "ENOTFOUND"]],
    /host name was not found/,
    true,
  ],
  ["Bun, name", [["getaddrinfo ENOTFOUND nowhere.invalid", "ENOTFOUND"]], /host name was not found/, true],
  [
    "Deno, name",
    [["fetch failed"], [
      "error sending request for url (http://nowhere.invalid/): client error (Connect): dns error: failed to lookup address information: Name or service not known",
    ]],
    /host name was not found/,
    true,
  ],
  ["Node, reset", [["fetch failed"], ["read ECONNRESET", "ECONNRESET"]], /broke before the answer came/, false],
  ["Node, closed", [["fetch failed"], ["other side closed", "UND_ERR_SOCKET"]], /broke before the answer came$/, false],
  [
    "Bun, reset",
    [["ECONNRESET: The socket connection was closed unexpectedly.", "ECONNRESET"]],
    /broke before the answer came$/,
    false,
  ],
  [
    "Deno, reset",
    [["fetch failed"], ["Connection reset by peer (os error 104)"]],
    /broke before the answer came$/,
    false,
  ],
  [
    "Deno, closed",
    [["fetch failed"], [
      "error sending request from 127.0.0.1:38058 for http://certificate.test/ (127.0.0.1:1): client error (SendRequest): connection closed before message completed",
    ]],
    /broke before the answer came/,
    false,
  ],
  [
    "Deno, reset while connecting",
    [["fetch failed"], [
      "error sending request for url (http://127.0.0.1:1/): client error (Connect): tcp connect error: Connection reset by peer (os error 104)",
    ]],
    /broke before the answer came/,
    true,
  ],
  [
    "Node, closed in the handshake",
    [["fetch failed"], [
      "Client network socket disconnected before secure TLS connection was established",
      "ECONNRESET",
    ]],
    /broke before the answer came$/,
    false,
  ],
  [
    "Deno, closed in the handshake",
    [["fetch failed"], [`${denoPrefix}tls handshake eof`]],
    /^no secure connection was made: .*tls handshake eof$/,
    true,
  ],
  ["browsers", [["Failed to fetch"]], /broke before the answer came: Failed to fetch/, false],
];

test("the errors of each runtime show whether the request can have been received, and why it failed", () => {
  for (const [what, chain, reason, unreached] of seen) {
    const described = describeNetworkError(errorOf(chain));
    assert.match(described.reason, reason, what);
    assert.equal(described.unreached, unreached, what);
    assert.equal(described.isPermanent, false, what);
  }
});

test("errors that no retry can remove are permanent, and show the message and the code of the runtime", () => {
  for (const [, ...chains] of permanentErrors) {
    for (const chain of chains) {
      const { reason, unreached, isPermanent } = describeNetworkError(errorOf(chain));
      assert.match(reason, /^fetch cannot send to this endpoint: [^ ]/);
      const [message = "", code = ""] = chain.at(-1) ?? [];
      assert.ok(reason.includes(message.replace(/^.*\(Connect\): /, "")), reason);
      assert.equal(reason.split(code).length, code === "" ? reason.length : 2, reason);
      assert.doesNotMatch(reason, /error sending request/);
      assert.deepEqual([unreached, isPermanent], [true, true], JSON.stringify(chain));
    }
  }
});

test("answers that no request asked for are permanent; the endpoint may have stored what it answers with 100", () => {
  const socketError = (message: string): Error =>
    errorOf([["fetch failed"], [message, "UND_ERR_SOCKET"]]) ?? new Error();
  const bun = 'UnrequestedUpgrade fetching "http://127.0.0.1:1/". For more information, pass `verbose: true`';
  const switched = [
    socketError("bad upgrade"),
    errorOf([["fetch failed"], ["The expression evaluated to a falsy value:\n\n  assert(upgrade)\n", "ERR_ASSERTION"]]),
    errorOf([[bun, "UnrequestedUpgrade"]]),
  ];
  for (const error of switched) {
    const { reason, ...facts } = describeNetworkError(error);
    assert.match(reason, /^the endpoint answers 101 Switching Protocols, /);
    assert.deepEqual(facts, { isPermanent: true, unreached: true });
  }
  const { reason, ...facts } = describeNetworkError(socketError("bad response"));
  assert.match(reason, /^the endpoint answers 100 Continue, /);
  assert.deepEqual(facts, { isPermanent: true, unreached: false });
});

test("an error that a fetch described keeps its words", () => {
  const cause = describedError("the proxy is away", { isPermanent: false });
  assert.deepEqual(describeNetworkError(new TypeError("fetch failed", { cause })), {
    reason: "the proxy is away",
    isPermanent: false,
    unreached: true,
  });
});

test("a thrown value that is not an Error is described too", () => {
  assert.match(describeNetworkError("boom").reason, /broke before the answer came: boom/);
  assert.equal(describeNetworkError(undefined).reason, "the connection broke before the answer came");
});
