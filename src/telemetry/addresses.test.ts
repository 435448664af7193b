import { expect, test } from "bun:test";
import { withoutAddresses } from "./addresses.ts";

test.each([
  ["peer 192.168.1.20 left", "peer (address) left"],
  ["connect ECONNREFUSED 127.0.0.1:4318", "connect ECONNREFUSED (address):4318"],
  ["from 2001:db8::1, again", "from (address), again"],
  ["from [::1]:8080", "from [(address)]:8080"],
  ["::ffff:10.0.0.1 spoke", "(address) spoke"],
  ["fe80::1ff:fe23:4567:890a%eth0", "(address)"],
  ["2001:0db8:85a3:0000:0000:8a2e:0370:7334", "(address)"],
])("%s", (text, without) => {
  expect(withoutAddresses(text)).toBe(without);
});

test.each([
  "at run (/app/src/services.ts:120:33)",
  "std::abs(x) in ort::Session::Run",
  "2026-11-21T11:20:31.123Z",
  "version 1.2.3",
  "12:30:45",
  "leaf-disease/1.0.0",
])("%s stays", (text) => {
  expect(withoutAddresses(text)).toBe(text);
});
