import { expect, test } from "bun:test";
import { errorResponse, writeJsonError } from "#src/http/respond.ts";
import { AppError } from "#src/lib/error.ts";

test.each<[string, AppError, string | null]>([
  ["a 503 that knows no better", new AppError("service_unavailable", "Cannot"), "30"],
  ["one that does", new AppError("service_unavailable", "Cannot", { retryAfterSeconds: 2 }), "2"],
  ["what waiting does not heal", new AppError("invalid_value", "Cannot"), null],
])("Retry-After of %s", (_, error, told) => {
  expect(errorResponse(error, writeJsonError).headers.get("retry-after")).toBe(told);
});
