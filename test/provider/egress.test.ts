import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BlockList } from "node:net";
import { isPublicAddress } from "#src/provider/egress.ts";

/** Every special range of IPv4: its first and last address. */
const specialV4 = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["168.63.129.16", "168.63.129.16"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "239.255.255.255"],
  ["240.0.0.0", "255.255.255.255"],
] as const;

/** The addresses just outside of the ranges, where those are public. */
const neighboursV4 = [
  "1.0.0.0",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "168.63.129.15",
  "168.63.129.17",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "191.255.255.255",
  "192.0.1.0",
  "192.0.3.0",
  "192.88.98.255",
  "192.88.100.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "198.51.99.255",
  "198.51.101.0",
  "203.0.112.255",
  "203.0.114.0",
  "223.255.255.255",
];

const notPublicV6 = [
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["loopback in full", "0000:0000:0000:0000:0000:0000:0000:0001"],
  ["IPv4-compatible", "::8.8.8.8"],
  ["mapped loopback", "::ffff:127.0.0.1"],
  ["mapped metadata", "::ffff:a9fe:a9fe"],
  ["mapped public, which nobody publishes", "::ffff:8.8.8.8"],
  ["translated loopback", "64:ff9b::127.0.0.1"],
  ["translated metadata", "64:ff9b::a9fe:a9fe"],
  ["translated, local use", "64:ff9b:1::8.8.8.8"],
  ["discard", "100::1"],
  ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  ["ORCHID", "2001:20::1"],
  ["protocol assignments, last", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["documentation", "2001:db8::1"],
  ["documentation, new", "3fff:fff:ffff::1"],
  ["6to4 of loopback", "2002:7f00:1::"],
  ["6to4 of a public address", "2002:808:808::1"],
  ["segment routing", "5f00::1"],
  ["ULA", "fc00::1"],
  ["AWS metadata", "fd00:ec2::254"],
  ["Google metadata", "fd20:ce::254"],
  ["link-local", "fe80::1"],
  ["link-local with a zone", "fe80::1%eth0"],
  ["public with a zone", "2606:4700::1111%eth0"],
  ["site-local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["last", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
] as const;

const publicV6 = [
  "2001:200::",
  "2001:4860:4860::8888",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
  "2003::1",
  "3ffe:ffff::1",
  "64:ff9b::8.8.8.8",
  "64:ff9b::808:808",
];

describe("isPublicAddress()", () => {
  test.each(specialV4.map((range) => [...range]))(
    "refuses %s to %s, ends included",
    (first, last) => {
      for (const end of [first, last]) expect(isPublicAddress(end)).toBe(false);
    },
  );

  test("takes the addresses next to special ranges", () => {
    expect(neighboursV4.filter((address) => !isPublicAddress(address))).toEqual([]);
  });

  test.each(notPublicV6.map((row) => [...row]))("refuses %s: %s", (_, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(publicV6)("takes %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test("refuses what is no address in the form that resolvers give", () => {
    const odd = [
      "",
      "localhost",
      "8.8.8",
      "134744072",
      "0x8.8.8.8",
      "010.8.8.8",
      "8.8.8.8.",
      " 8.8.8.8",
    ];
    const odd6 = ["[2606:4700::1111]", "2606:4700", "2606::4700::1", "2606:4700::1111/32", ":::"];
    expect([...odd, ...odd6].filter(isPublicAddress)).toEqual([]);
  });

  test("agrees with another judge of IPv4 ranges, on any address", () => {
    const judge = new BlockList();
    for (const [first, last] of specialV4) judge.addRange(first, last);
    const edge = fc
      .constantFrom(...specialV4.flatMap((range) => [...range]), ...neighboursV4)
      .map((address) => address.split(".").map(Number));
    const any = fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 255 })));
    fc.assert(
      fc.property(fc.oneof(any, edge), (bytes) => {
        const address = bytes.join(".");
        expect(isPublicAddress(address)).toBe(!judge.check(address));
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(!judge.check(address));
        for (const prefix of ["::", "::ffff:", "::ffff:0:", "64:ff9b:1::", "fe80::5efe:"])
          expect(isPublicAddress(prefix + address)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test("agrees with another judge of IPv6 ranges, in every spelling of an address", () => {
    const judge = new BlockList();
    const ranges = [
      "2001::/23",
      "2001:db8::/32",
      "2002::/16",
      "3fff::/20",
      "::/3",
      "4000::/2",
      "8000::/1",
    ];
    for (const range of ranges) {
      const [address = "", bits = ""] = range.split("/");
      judge.addSubnet(address, Number(bits), "ipv6");
    }
    const firsts = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0x2000, 0x2001, 0x2002, 0x3fff, 0x3ffe, 0xfc00, 0xfe80, 0x64, 0),
    );
    const group = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0xdb8, 0xff9b));
    const groups = fc.tuple(firsts, ...Array.from({ length: 7 }, () => group));
    fc.assert(
      fc.property(groups, (all) => {
        const short = all.map((one) => one.toString(16)).join(":");
        // The prefix of translated addresses is judged by the IPv4 address inside.
        fc.pre(!/^64:ff9b:0:0:0:0:/.test(short));
        const wanted = !judge.check(short, "ipv6");
        const long = all.map((one) => one.toString(16).padStart(4, "0").toUpperCase()).join(":");
        const compressed = new URL(`http://[${short}]/`).hostname.slice(1, -1);
        expect([short, long, compressed].map(isPublicAddress)).toEqual([wanted, wanted, wanted]);
      }),
      { numRuns: 2000 },
    );
  });
});
