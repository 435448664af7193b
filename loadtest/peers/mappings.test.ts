import { expect, test } from "bun:test";
import { mappedBytes, mappedBytesOf } from "./mappings.ts";

const SMAPS = `55f0c8a00000-55f0c8a52000 r--p 00000000 fe:00 1054 /usr/bin/python3.11
Size:                328 kB
Pss:                 100 kB
Pss_Dirty:            90 kB
7f0a00000000-7f0a00021000 rw-p 00000000 00:00 0
Pss:                  40 kB
7f0a10000000-7f0a20000000 r-xp 00000000 fe:00 77 /venv/nvidia/cublas/lib/libcublas.so.13
Pss:                 500 kB
Pss_Anon:            300 kB
7f0a20000000-7f0a20001000 rw-p 00000000 fe:00 77 /venv/nvidia/cublas/lib/libcublas.so.13
Pss:                   4 kB
7f0a30000000-7f0a30001000 rw-p 00000000 00:00 0 [heap]
Pss:                   2 kB
`;

test("only mappings of such files count", () => {
  expect(mappedBytes(SMAPS, /\/nvidia\//)).toBe(504 * 1024);
  expect(mappedBytes(SMAPS, /python/)).toBe(100 * 1024);
  expect(mappedBytes(SMAPS, /no such file/)).toBe(0);
});

test("a running process has its program mapped, one that is not there nothing", () => {
  expect(mappedBytesOf([process.pid], /\/bun/)).toBeGreaterThan(1024);
  expect(mappedBytesOf([2 ** 30], /./)).toBe(0);
});
