import { isIP } from "node:net";

/*
 * Which addresses a client may make the gateway connect to. The rules are about addresses, never about names
 * or spellings: whatever a host is written as, decimal, octal, with a trailing dot, its resolved address is judged.
 * Sources: IANA special-purpose registries of IPv4 and IPv6 (RFC 6890).
 */

/** IPv4 ranges that are not the public internet. */
const specialV4 = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared by carriers; some clouds keep their metadata here
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's host: public by its number, reached from inside a machine only
  "169.254.0.0/16", // link-local, and the metadata of most clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments; Oracle's metadata
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4, deprecated
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
].map(rangeOf);

/** All that is handed out as public IPv6. Loopback, mapped, ULA, link-local and multicast lie outside. */
const globalV6 = rangeOf("2000::/3");

/** Parts of it that are not the public internet. */
const specialV6 = [
  "2001::/23", // protocol assignments, Teredo among them
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4: an IPv4 address in disguise
  "3fff::/20", // documentation
].map(rangeOf);

/** An IPv4 address as networks without IPv4 reach it (RFC 6052): as public as that address. */
const translatedV4 = rangeOf("64:ff9b::/96");

interface Range {
  /** The bits that all its addresses begin with. */
  prefix: bigint;
  /** How many bits follow. */
  rest: bigint;
}

/** Whether an address, in the text form that resolvers give, is one of the public internet. False for anything else. */
export function isPublicAddress(address: string): boolean {
  const kind = isIP(address);
  if (kind === 4) return isPublicV4(valueOfV4(address));
  // A zone names an interface of this machine.
  if (kind !== 6 || address.includes("%")) return false;
  const value = valueOfV6(address);
  if (contains(translatedV4, value)) return isPublicV4(value & 0xffff_ffffn);
  return contains(globalV6, value) && !specialV6.some((range) => contains(range, value));
}

function isPublicV4(value: bigint): boolean {
  return !specialV4.some((range) => contains(range, value));
}

function contains({ prefix, rest }: Range, value: bigint): boolean {
  return value >> rest === prefix;
}

function rangeOf(text: string): Range {
  const [address = "", bits = ""] = text.split("/");
  const short = isIP(address) === 4;
  const rest = BigInt((short ? 32 : 128) - Number(bits));
  return { prefix: (short ? valueOfV4(address) : valueOfV6(address)) >> rest, rest };
}

function valueOfV4(address: string): bigint {
  return address.split(".").reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function valueOfV6(address: string): bigint {
  const [before = "", after] = address.split("::");
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const gap = Array.from({ length: 8 - head.length - tail.length }, () => 0n);
  return [...head, ...gap, ...tail].reduce((value, group) => value * 65_536n + group, 0n);
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = valueOfV4(group);
    return [value >> 16n, value & 0xffffn];
  });
}
