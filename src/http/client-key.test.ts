import { describe, expect, test } from "bun:test";
import { ConfigError } from "../config.ts";
import { inRange, isLoopback, parseAddress, parseRange } from "./address.ts";
import { clientKeyRule, UNKNOWN_CLIENT } from "./client-key.ts";

const V6_ONE = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

describe("parseAddress", () => {
  test.each([
    ["1.2.3.4", [1, 2, 3, 4]],
    ["255.255.255.255", [255, 255, 255, 255]],
    ["::1", V6_ONE],
    ["0:0:0:0:0:0:0:1", V6_ONE],
    ["::ffff:1.2.3.4", [1, 2, 3, 4]],
    ["::FFFF:0102:0304", [1, 2, 3, 4]],
    ["0:0:0:0:0:ffff:102:304", [1, 2, 3, 4]],
    ["::", Array(16).fill(0)],
    ["::1.2.3.4", [...Array(12).fill(0), 1, 2, 3, 4]],
    ["2001:db8::", [0x20, 0x01, 0x0d, 0xb8, ...Array(12).fill(0)]],
    ["fe80::1%eth0", [0xfe, 0x80, ...Array(13).fill(0), 1]],
    ["1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
  ])("%s", (text, bytes) => {
    expect(parseAddress(text)).toEqual(bytes);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.-4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "localhost",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::12345",
    "::g",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::ffff:1.2.3",
    "[::1]",
  ])("refuses %j", (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

describe("ranges", () => {
  test.each([
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["192.168.1.128/25", "192.168.1.127", false],
    ["192.168.1.128/25", "192.168.1.128", true],
    ["0.0.0.0/0", "8.8.8.8", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "1.2.3.4", false],
    ["10.0.0.1", "10.0.0.1", true],
    ["10.0.0.1", "10.0.0.2", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["::ffff:10.0.0.0/104", "10.1.2.3", true],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
  ])("%s holds %s: %p", (range, address, inside) => {
    expect(inRange(parseAddress(address)!, parseRange(range)!)).toBe(inside);
  });

  test.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "::/129",
    "::ffff:0:0/95",
    "proxy",
  ])("refuses %s", (text) => {
    expect(parseRange(text)).toBeNull();
  });

  test.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["126.0.0.1", false],
    ["::2", false],
    ["::", false],
  ])("%s is loopback: %p", (text, loopback) => {
    expect(isLoopback(parseAddress(text)!)).toBe(loopback);
  });
});

describe("clientKeyRule", () => {
  const proxies = ["10.0.0.0/8", "fd00::/8"];
  test.each([
    // [peer, X-Forwarded-For, key]
    ["203.0.113.7", null, "203.0.113.7"],
    ["203.0.113.7", "1.1.1.1", "203.0.113.7"],
    ["::ffff:203.0.113.7", null, "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", null, "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff::9", null, "2001:db8:1:2::/64"],
    ["2001:db8:1:3::9", null, "2001:db8:1:3::/64"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", "198.51.100.4", "198.51.100.4"],
    ["::ffff:10.0.0.1", "198.51.100.4", "198.51.100.4"],
    ["fd00::1", "198.51.100.4", "198.51.100.4"],
    ["10.0.0.1", "198.51.100.4:4711", "198.51.100.4"],
    ["10.0.0.1", "[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"],
    ["10.0.0.1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64"],
    ["10.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["10.0.0.1", "1.1.1.1, 198.51.100.4", "198.51.100.4"],
    ["10.0.0.1", "1.1.1.1,198.51.100.4,10.2.2.2 , fd00::7", "198.51.100.4"],
    ["10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"],
    ["10.0.0.1", "198.51.100.4, nonsense", "10.0.0.1"],
    ["10.0.0.1", "198.51.100.4, unknown, 10.2.2.2", "10.2.2.2"],
    ["10.0.0.1", "198.51.100.4, ", "10.0.0.1"],
    ["10.0.0.1", "198.51.100.4, _hidden", "10.0.0.1"],
    ["10.0.0.1", "::ffff:198.51.100.4", "198.51.100.4"],
    ["10.0.0.1", "198.51.100.04", "10.0.0.1"],
    ["", "198.51.100.4", UNKNOWN_CLIENT],
    [null, "198.51.100.4", UNKNOWN_CLIENT],
  ])("peer %p, forwarded %p: %p", (peer, forwarded, key) => {
    expect(clientKeyRule(proxies)(peer, forwarded)).toBe(key);
  });

  test("believes no header when no proxy is listed", () => {
    expect(clientKeyRule([])("127.0.0.1", "198.51.100.4")).toBe("127.0.0.1");
  });

  test("refuses a setting that is no address", () => {
    expect(() => clientKeyRule(["10.0.0.1", "nginx"])).toThrow(ConfigError);
    expect(() => clientKeyRule(["10.0.0.1/8"])).toThrow('"10.0.0.1/8"');
  });
});
