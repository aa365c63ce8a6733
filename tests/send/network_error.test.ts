import assert from "node:assert/strict";
import { test } from "node:test";
import { describeNetworkError } from "../../src/send/network_error.ts";

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
    "Node, TLS",
    [["fetch failed"], ["wrong version number", "ERR_SSL_WRONG_VERSION_NUMBER"]],
    /^no secure connection was made: wrong version number$/,
    true,
  ],
  ["Node, CA", [["fetch failed"], ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]], /no secure/, true],
  ["Bun, TLS", [["EPROTO: The TLS handshake failed.", "EPROTO"]], /no secure/, true],
  [
    "Deno, CA",
    [["fetch failed"], ["client error (Connect): invalid peer certificate: UnknownIssuer"]],
    /no secure/,
    true,
  ],
  ["browsers", [["Failed to fetch"]], /broke before the answer came: Failed to fetch/, false],
];

test("the errors of each runtime show whether the request can have been received, and why it failed", () => {
  for (const [what, chain, reason, unreached] of seen) {
    const error = chain.reduceRight<Error | undefined>(
      (cause, [message, code]) => Object.assign(new TypeError(message, { cause }), code === undefined ? {} : { code }),
      undefined,
    );
    const described = describeNetworkError(error);
    assert.match(described.reason, reason, what);
    assert.equal(described.unreached, unreached, what);
    assert.equal(described.forbidden, false, what);
  }
});

test("a thrown value that is not an Error is described too", () => {
  assert.match(describeNetworkError("boom").reason, /broke before the answer came: boom/);
  assert.equal(describeNetworkError(undefined).reason, "the connection broke before the answer came");
});
