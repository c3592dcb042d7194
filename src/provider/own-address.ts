import type { Config } from "#src/config/load.ts";
import { AppError } from "#src/lib/error.ts";
import { addressesOf, remoteUrl } from "#src/provider/remote-connection.ts";
import { publicInternet, RemoteDocumentError } from "#src/provider/remote-rules.ts";

/** How long a name may take to be found, ms. */
const resolveMs = 5_000;

/**
 * Throws `invalid_value` for an address that an account may not make the gateway send to: the public internet alone,
 * over TLS, unless the operator allows more. It is judged again at each connection.
 */
export async function checkOwnAddress(address: string, config: Config): Promise<void> {
  const url = URL.parse(address);
  const isPlain =
    url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  if (!isPlain || url.username !== "" || url.password !== "")
    throw refused(
      "an address such as https://host/v1, without user, query and fragment, is needed",
    );
  if (config.limits.byokPrivateAddresses) return;
  if (url.protocol !== "https:") throw refused("an address with https:// is needed");
  try {
    const { hostname } = remoteUrl(address, publicInternet);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    await addressesOf(host, publicInternet, AbortSignal.timeout(resolveMs));
  } catch (thrown) {
    if (thrown instanceof RemoteDocumentError && thrown.reason === "no_direct_way")
      throw refused("requests leave through a proxy here, which cannot be told where not to go");
    throw refused("an address of the public internet, at its usual port, is needed");
  }
}

function refused(why: string): AppError {
  return new AppError("invalid_value", `Cannot use this base_url: ${why}`, { param: "base_url" });
}
