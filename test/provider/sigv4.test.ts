import { expect, test } from "bun:test";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { type AwsKey, type SignedParts, signV4 } from "#src/provider/sigv4.ts";

/** The key, time and scope of AWS's published test suite. */
const key: AwsKey = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const scope = {
  region: "us-east-1",
  service: "service",
  now: Date.UTC(2015, 7, 30, 12, 36, 0),
};
const sign = (parts: Partial<SignedParts>, by: AwsKey = key) =>
  signV4({ method: "GET", host: "example.amazonaws.com", path: "/", ...parts }, by, scope);
const signatureOf = (headers: Record<string, string>) =>
  /Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "")?.[1];

test("get-vanilla of AWS's test suite gives its authorization header", () => {
  expect(sign({})).toEqual({
    "x-amz-date": "20150830T123600Z",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  });
});

const token =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const form = "application/x-www-form-urlencoded";
const vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
const posted = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
const queried = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11";

/** Cases of AWS's suite by name: what is signed, and the signature that AWS publishes for it. */
const suite: [name: string, parts: Partial<SignedParts>, signature: string][] = [
  [
    "get-header-key-duplicate",
    { headers: { "My-Header1": "value2,value2,value1" } },
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  ],
  [
    "get-header-value-order",
    { headers: { "My-Header1": "value4,value1,value3,value2" } },
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
  ],
  [
    "get-header-value-trim",
    { headers: { "My-Header1": " value1", "My-Header2": ' "a   b   c"' } },
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
  [
    "get-unreserved",
    { path: `/${unreserved}` },
    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  ],
  [
    "get-utf8",
    { path: "/\u1234" },
    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
  ],
  [
    "get-vanilla-empty-query-key",
    { path: "/?Param1=value1" },
    "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
  ],
  ["get-vanilla-query", { path: "/?" }, vanilla],
  [
    "get-vanilla-query-order-key-case",
    { path: "/?Param2=value2&Param1=value1" },
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "get-vanilla-query-order-value",
    { path: "/?Param1=value2&Param1=value1" },
    "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  ],
  [
    "get-vanilla-query-unreserved",
    { path: `/?${unreserved}=${unreserved}` },
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  ],
  [
    "get-vanilla-utf8-query",
    { path: "/?\u1234=bar" },
    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  ],
  ["normalize-path/get-relative", { path: "/example/.." }, vanilla],
  ["normalize-path/get-relative-relative", { path: "/example1/example2/../.." }, vanilla],
  ["normalize-path/get-slash", { path: "//" }, vanilla],
  ["normalize-path/get-slash-dot-slash", { path: "/./" }, vanilla],
  [
    "normalize-path/get-slashes",
    { path: "//example//" },
    "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  ],
  [
    "normalize-path/get-slash-pointless-dot",
    { path: "/./example" },
    "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
  ],
  [
    "normalize-path/get-space",
    { path: "/example space/" },
    "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
  ],
  ["post-header-key-case", { method: "POST" }, posted],
  [
    "post-header-key-sort",
    { method: "POST", headers: { "My-Header1": "value1" } },
    "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  ],
  [
    "post-header-value-case",
    { method: "POST", headers: { "My-Header1": "VALUE1" } },
    "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
  ],
  ["post-vanilla", { method: "POST" }, posted],
  ["post-vanilla-query", { method: "POST", path: "/?Param1=value1" }, queried],
  [
    "post-vanilla-query-space",
    { method: "POST", path: "/?p=" },
    "e71688addb58a26418614085fb730ba3faa623b461c17f48f2fbdb9361b94a9b",
  ],
  [
    "post-vanilla-query-nonunreserved",
    {
      method: "POST",
      path: "/?%40%23%24%25%5E=&%2B=%2F%2C%3F%3E%3C%60%22%3B%3A%5C%7C%5D%5B%7B%7D",
    },
    "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e",
  ],
  [
    "post-x-www-form-urlencoded",
    { method: "POST", headers: { "Content-Type": form }, body: "Param1=value1" },
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
  [
    "post-x-www-form-urlencoded-parameters",
    {
      method: "POST",
      headers: { "Content-Type": `${form}; charset=utf8` },
      body: "Param1=value1",
    },
    "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
  ],
];

test.each(suite)("%s of AWS's test suite has its signature", (_, parts, signature) => {
  expect(signatureOf(sign(parts))).toBe(signature);
});

test("post-sts-header-before of AWS's test suite signs the token of a lent key", () => {
  const signed = sign({ method: "POST" }, { ...key, sessionToken: token });
  expect(signed["x-amz-security-token"]).toBe(token);
  expect(signatureOf(signed)).toBe(
    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
  );
});

test("a path is signed with every segment encoded once more, and a lent key with its token", () => {
  // The value is what AWS's own signer for JavaScript gives for the same request.
  const headers = signV4(
    {
      method: "POST",
      host: "bedrock-runtime.eu-central-1.amazonaws.com",
      path: "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aa%2Fb/converse",
      headers: { "content-type": "application/json" },
      body: '{"messages":[]}',
    },
    { ...key, sessionToken: "tok/en+==" },
    { region: "eu-central-1", service: "bedrock", now: Date.UTC(2026, 0, 15, 10, 30) },
  );
  expect(headers["x-amz-security-token"]).toBe("tok/en+==");
  expect(signatureOf(headers)).toBe(
    "4de0de7ea2460ef4b230071ea5d470251d84a15d7d74e325456b5d9beb3d0cb9",
  );
});

test("the signature is the same for a body as text, as bytes and in pieces, and another for another body", () => {
  const signature = (body: SignedParts["body"]) => signatureOf(sign({ method: "POST", body }));
  expect(signature(new TextEncoder().encode("{}"))).toBe(signature("{}"));
  expect(signature(new RawPieces(["{", "}"]))).toBe(signature("{}"));
  const [whole, pieces] = [Buffer.from("{é}"), new RawPieces(["{\u00c3", "\u00a9}"])];
  expect(signature(pieces)).toBe(signature(whole));
  expect(signature("{ }")).not.toBe(signature("{}"));
});
