import assert from "node:assert/strict";
import { test } from "node:test";
import { describeNetworkError } from "../../src/send/network_error.ts";

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

/** What the runtimes threw for problems that do not go away by themselves. N20: Node 20, N: Node 26; tls: the command's fetch. */
const permanent: readonly (readonly [
  reason: RegExp,
  ...chains: (readonly (readonly [message: string, code?: string])[])[],
])[] = [
  [
    /^no trusted CA signed the endpoint's certificate\. To trust it, use the option fetch\.$/,
    // N20; N; Deno; Bun; N tls; Bun tls
    [["fetch failed"], ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]],
    [["fetch failed"], [
      "self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
    ]],
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: UnknownIssuer`]],
    [["self signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]],
    [["fetch failed"], ["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]],
    [["unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"]],
  ],
  [
    /^the endpoint's certificate cannot be verified: invalid peer certificate: Other\(OtherError\(CaUsedAsEndEntity\)\)\. To/,
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))`]],
  ],
  [
    /^the endpoint's certificate has expired\. To/,
    [["fetch failed"], ["certificate has expired", "CERT_HAS_EXPIRED"]],
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: Expired`]],
  ],
  [
    /^the endpoint's certificate is for another host\. To/,
    [["fetch failed"], [
      "Hostname/IP does not match certificate's altnames: IP: 1.2.3.4",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ]],
    [['ERR_TLS_CERT_ALTNAME_INVALID fetching "https://127.0.0.1:1/".', "ERR_TLS_CERT_ALTNAME_INVALID"]],
    [["fetch failed"], [
      `${denoPrefix}invalid peer certificate: certificate not valid for name "127.0.0.1"; certificate is only valid for DnsName("a")`,
    ]],
  ],
  [
    /^the endpoint does not use TLS on this port$/,
    [["fetch failed"], [
      "80E:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:350:",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]],
    [["fetch failed"], [
      "write EPROTO 40D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:a.c:78:",
      "EPROTO",
    ]],
    [["fetch failed"], [`${denoPrefix}received corrupt message of type InvalidContentType`]],
    [["EPROTO: The TLS handshake failed. Does the server speak TLS on this port?", "EPROTO"]],
    [["fetch failed"], [
      "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]],
  ],
  [
    /^the endpoint does not support this TLS version\. To allow another one, use the option fetch\.$/,
    [["fetch failed"], [
      "write EPROTO 40D:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:a.c:9",
      "EPROTO",
    ]],
    [["fetch failed"], ["received fatal alert: ProtocolVersion", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"]],
  ],
  [
    /^the endpoint requires a client certificate\. To present one, use the option fetch\.$/,
    [["fetch failed"], ["tlsv13 alert certificate required", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"]],
    [["fetch failed"], ["received fatal alert: CertificateRequired"]],
  ],
  [
    /^fetch does not allow this port\. Use another port, or the option fetch\.$/,
    [["fetch failed"], ["bad port"]],
    [["Fetch failed: Requests to port 1 are blocked"]],
  ],
  [
    /^fetch cannot use this URL$/,
    [["fetch failed"], ["unknown scheme"]],
    [["Url scheme 'ftp' not supported"]],
    [["protocol must be http:, https: or s3:", "ERR_INVALID_ARG_VALUE"]],
    [["Failed to parse URL from http://a b/"], ["Invalid URL", "ERR_INVALID_URL"]],
    [["fetch() URL is invalid", "ERR_INVALID_URL"]],
  ],
];

function errorOf(chain: readonly (readonly [message: string, code?: string])[]): Error | undefined {
  return chain.reduceRight<Error | undefined>(
    (cause, [message, code]) => Object.assign(new TypeError(message, { cause }), code === undefined ? {} : { code }),
    undefined,
  );
}

test("the errors of each runtime show whether the request can have been received, and why it failed", () => {
  for (const [what, chain, reason, unreached] of seen) {
    const described = describeNetworkError(errorOf(chain));
    assert.match(described.reason, reason, what);
    assert.equal(described.unreached, unreached, what);
    assert.equal(described.isPermanent, false, what);
  }
});

test("errors that no retry can remove are permanent, and name the option that helps", () => {
  for (const [reason, ...chains] of permanent) {
    for (const chain of chains) {
      const described = describeNetworkError(errorOf(chain));
      assert.match(described.reason, reason, JSON.stringify(chain));
      assert.deepEqual([described.unreached, described.isPermanent], [true, true], JSON.stringify(chain));
    }
  }
});

test("a thrown value that is not an Error is described too", () => {
  assert.match(describeNetworkError("boom").reason, /broke before the answer came: boom/);
  assert.equal(describeNetworkError(undefined).reason, "the connection broke before the answer came");
});
