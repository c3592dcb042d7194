import { AppError } from "#src/lib/error.ts";

/**
 * Throws `invalid_value` for a request with several Host headers, as RFC 9112, section 3.2, asks: what stands in front of us
 * may have read another than we do. The server hands them over as one value, with commas, which no host has.
 */
export function refuseSeveralHosts({ headers }: Request): void {
  if (headers.get("host")?.includes(",") !== true) return;
  throw new AppError(
    "invalid_value",
    "Cannot tell which host is meant: the request names several; send one Host header",
    { param: "Host" },
  );
}
