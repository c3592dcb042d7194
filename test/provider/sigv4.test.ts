import { expect, test } from "bun:test";
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

test("get-vanilla-query-order-key-case sorts the parameters", () => {
  expect(signatureOf(sign({ path: "/?Param2=value2&Param1=value1" }))).toBe(
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  );
});

test("post-vanilla and post-x-www-form-urlencoded sign the method, a header and the body", () => {
  expect(signatureOf(sign({ method: "POST" }))).toBe(
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  );
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  expect(signatureOf(sign({ method: "POST", headers, body: "Param1=value1" }))).toBe(
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
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

test("the signature is the same for a body as text and as bytes, and another for another body", () => {
  const signature = (body: SignedParts["body"]) => signatureOf(sign({ method: "POST", body }));
  expect(signature(new TextEncoder().encode("{}"))).toBe(signature("{}"));
  expect(signature("{ }")).not.toBe(signature("{}"));
});
